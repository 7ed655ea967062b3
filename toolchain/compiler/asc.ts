/**
 * AssemblyScript in, WebAssembly bytes and a source map out: asc by its programmatic API.
 *
 * What passes on is the binary that Binaryen emits from the module as asc made it. No Binaryen pass
 * runs: every name, line and call is kept, and what optimization matters is done in our SSA, which
 * records the calls that it inlines.
 */
import { isAbsolute, relative, resolve } from "node:path";
import asc from "assemblyscript/asc";
import binaryen from "assemblyscript/binaryen";
import { readInput } from "../cache/inputs.ts";
import type { Target } from "../ir/module.ts";
import { type Diagnostic, DiagnosticError } from "../report/diagnostic.ts";
import { COLLECTOR } from "./hidden-references.ts";
import {
  type CompiledView,
  NO_REFERENCES,
  type ReferenceTypes,
  referenceTypes,
  refusedFields,
} from "./reference-types.ts";
import { type ElementsView, freeConstantsOfOrder } from "./constant-globals.ts";

interface AssemblyScriptOptions {
  /** The tree's root: all paths in names, diagnostics and the source map are relative to it. */
  readonly root: string;
  /** The entry file, relative to the root. */
  readonly entry: string;
  readonly target: Target;
  /**
   * Texts that take the place of files, by path relative to the root: generated files, guard
   * switches.
   */
  readonly virtualFiles?: ReadonlyMap<string, string> | Readonly<Record<string, string>>;
  /** Keeps `assert`; default true. Without it, an assertion is only its operand. */
  readonly assertions?: boolean;
  /** Pages of 64 KiB that the linear memory may grow to. */
  readonly memoryPagesMax?: number;
  /**
   * Objects that nothing refers to are freed (services/runtime/collector.ts); default false: memory
   * is only taken.
   */
  readonly collects?: boolean;
  /** Exports the linear memory, for modules that run in a host engine. */
  readonly exportMemory?: boolean;
}

export interface AssemblyScriptResult {
  readonly wasm: Uint8Array;
  /** A source map (version 3) whose columns are byte offsets in `wasm`. */
  readonly sourceMap: string;
  /** Where references to objects are; only where the module collects. */
  readonly references: ReferenceTypes;
  /** Warnings. Errors are thrown as a DiagnosticError. */
  readonly diagnostics: readonly Diagnostic[];
}

/** Static data starts here: the 64 KiB below are never mapped, so that a null reference faults. */
const MEMORY_BASE = 65536;
/** What asc calls its collector's functions, and ours. */
const COLLECTOR_FUNCTIONS = [
  ["__new", "newObject"],
  ["__renew", "resizeObject"],
  ["__link", "linkObject"],
  ["__visit", "visitObject"],
  ["__pin", "pinObject"],
  ["__unpin", "unpinObject"],
  ["__collect", "collect"],
] as const;
/** Diagnostic categories of asc. */
const CATEGORY_WARNING = 2;
const CATEGORY_ERROR = 3;
/** `CommonFlags.Export` of asc's syntax tree. */
const FLAG_EXPORT = 2;

export async function compileAssemblyScript(
  options: AssemblyScriptOptions,
): Promise<AssemblyScriptResult> {
  const { root, entry, target } = options;
  const virtualFiles = normalizeVirtualFiles(options.virtualFiles);
  const texts = new Map<string, string>();
  const diagnostics: Diagnostic[] = [];
  let wasm: Uint8Array | null = null;
  let sourceMap: string | null = null;
  let references = NO_REFERENCES;

  // A class, because asc hands its `program` only to transforms that it instantiates itself.
  class Emission {
    declare readonly program: ProgramView;

    afterParse(parser: ParserView): void {
      const compilerOptions = this.program.options;
      const aliases = (compilerOptions.globalAliases ??= new Map<string, string>());
      const name = findAbort(parser.sources);
      if (name !== null) aliases.set("abort", name);
      if (options.collects === true)
        for (const [name, own] of COLLECTOR_FUNCTIONS) aliases.set(name, `${COLLECTOR}/${own}`);
    }

    afterInitialize(program: ElementsView): void {
      if (target === "domain") freeConstantsOfOrder(program);
    }

    afterCompile(module: binaryen.Module): void {
      // Global switches of the one Binaryen instance. An earlier caller in this process may have
      // changed them.
      binaryen.setTrapsNeverHappen(false);
      binaryen.setFastMath(false);
      binaryen.setDebugInfo(true);
      const emitted = module.emitBinary("module.wasm.map");
      wasm = emitted.binary;
      sourceMap = emitted.sourceMap;
      if (options.collects !== true) return;
      references = referenceTypes(this.program);
      diagnostics.push(
        ...refusedFields(references, (range) => locate(range as RangeView | null, texts)),
      );
    }
  }

  const arguments_ = [
    entry,
    "--baseDir",
    root,
    "--runtime",
    options.collects === true ? "minimal" : "stub",
    "--memoryBase",
    String(MEMORY_BASE),
  ];
  arguments_.push("--sourceMap", "--debug", "--noEmit");
  if (!options.exportMemory) arguments_.push("--noExportMemory");
  if (options.assertions === false) arguments_.push("--noAssert");
  if (options.memoryPagesMax !== undefined)
    arguments_.push("--maximumMemory", String(options.memoryPagesMax));

  const { error, stderr } = await asc.main(arguments_, {
    transforms: [Emission] as never,
    async readFile(name: string, baseDirectory: string): Promise<string | null> {
      const path = treePath(root, isAbsolute(name) ? name : resolve(baseDirectory, name));
      // asc asks for every place where a module could lie: one that appears there later is noticed
      // as much as one that changes.
      const text = virtualFiles.get(path) ?? readInput(root, path)?.toString("utf8") ?? null;
      if (text !== null) texts.set(path, text);
      return text;
    },
    writeFile() {},
    listFiles: () => null,
    reportDiagnostic(message) {
      if (message.category < CATEGORY_WARNING) return;
      diagnostics.push({
        severity: message.category === CATEGORY_ERROR ? "error" : "warning",
        ...locate(message.range, texts),
        message: `${message.message.replace(/\.$/, "")} (AS${message.code})`,
      });
    },
  });

  if (diagnostics.some((diagnostic) => diagnostic.severity === "error"))
    throw new DiagnosticError(diagnostics);
  if (error !== null || wasm === null || sourceMap === null) {
    const message = error === null ? "asc produced no module" : `asc failed: ${error.message}`;
    throw new DiagnosticError([
      { severity: "error", file: entry, message, help: String(stderr).trim() || undefined },
    ]);
  }
  return { wasm, sourceMap, references, diagnostics };
}

/** What we read of asc's parser and syntax tree. */
interface ParserView {
  readonly sources: readonly SourceView[];
}
interface ProgramView extends CompiledView {
  readonly options: { globalAliases: Map<string, string> | null };
}
interface SourceView {
  readonly internalPath: string;
  readonly isLibrary: boolean;
  readonly statements: readonly {
    readonly name?: { readonly text?: string };
    readonly signature?: unknown;
    readonly flags?: number;
  }[];
}

/**
 * The program's own `abort`: a function of that name which one of its files exports. It receives
 * what failed assertions and `throw` report. Programs without one trap there (the front end turns
 * the import `env.abort` into a trap).
 */
function findAbort(sources: readonly SourceView[]): string | null {
  for (const source of sources) {
    if (source.internalPath.startsWith("~lib/")) continue;
    for (const statement of source.statements) {
      const isFunction = statement.signature !== undefined && statement.name?.text === "abort";
      if (isFunction && (statement.flags ?? 0) & FLAG_EXPORT) return `${source.internalPath}/abort`;
    }
  }
  return null;
}

function normalizeVirtualFiles(files: AssemblyScriptOptions["virtualFiles"]): Map<string, string> {
  const entries =
    files instanceof Map
      ? files.entries()
      : Object.entries((files ?? {}) as Record<string, string>);
  return new Map(
    [...entries].map(([path, text]) => [path.replace(/\\/g, "/").replace(/^\.\//, ""), text]),
  );
}

function treePath(root: string, path: string): string {
  return relative(resolve(root), path).replace(/\\/g, "/");
}

interface RangeView {
  readonly start: number;
  readonly source: { readonly normalizedPath: string };
}

function locate(
  range: RangeView | null,
  texts: ReadonlyMap<string, string>,
): { file?: string; line?: number; column?: number } {
  if (range === null || range.source === null) return {};
  const file = range.source.normalizedPath;
  const text = texts.get(file) ?? libraryText(file);
  if (text === undefined) return { file };
  const before = text.slice(0, range.start);
  const line = before.split("\n").length;
  return { file, line, column: range.start - before.lastIndexOf("\n") };
}

function libraryText(file: string): string | undefined {
  if (!file.startsWith(asc.libraryPrefix)) return undefined;
  return asc.libraryFiles[file.slice(asc.libraryPrefix.length).replace(/\.ts$/, "")];
}
