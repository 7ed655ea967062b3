import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { isAbsolute, join, relative, resolve } from "node:path";
import { STACK_BYTES_DEFAULT } from "../../kernel/abi/address-space.ts";
import { cached } from "../cache/cached.ts";
import { readInput } from "../cache/inputs.ts";
import { toolKey } from "../cache/tool-key.ts";
import { readElf, sectionNamed } from "../elf/read.ts";
import { stripExecutable } from "../elf/strip.ts";
import { writeSymbolFile } from "../elf/symbol-file.ts";
import type { IrModule } from "../ir/module.ts";
import { treeSources, writeListing } from "../listing/listing.ts";
import { about, DiagnosticError, refuse } from "../report/diagnostic.ts";
import { verifyExecutable } from "../verify/verify.ts";
import { assembleProgram } from "./assemble-program.ts";
import { pauseInstructionsMax } from "./collection-pause.ts";
import type { CompiledProgram, CompileOptions, ProgramSizes } from "./compiled-program.ts";
import { compileModule } from "./compile-module.ts";
import { linkModule } from "./link-module.ts";
import { readProgram } from "./read-program.ts";
import { type StackDepth, worstStackDepth } from "./stack-depth.ts";

/** Of linear memory; the first page is never mapped. */
const PAGE_BYTES = 65_536;
const LINUX_STACK_BYTES = 8 << 20;

/**
 * TypeScript to a verified executable. What cannot be compiled is refused with a DiagnosticError.
 */
export async function compileProgram(options: CompileOptions): Promise<CompiledProgram> {
  const root = resolve(options.root);
  const outDir = isAbsolute(options.outDir) ? relative(root, options.outDir) : options.outDir;
  const { result, fresh } = await cached<CompiledProgram>(root, {
    name: `program-${options.target}-${options.name}-${outDir}`,
    key: programKey(options),
    work: async () => {
      const program = options.entry.endsWith(".asm")
        ? assembleProgram(root, outDir, options)
        : await compileFresh(root, outDir, options).catch((error: unknown) =>
            explained(root, options, error),
          );
      const { elfPath, binaryPath, listingPath, symbolsPath } = program;
      return {
        outputs: [elfPath, binaryPath, listingPath, symbolsPath].filter((path) => path !== null),
        result: program,
      };
    },
  });
  return fresh ? result : { ...result, fromCache: true };
}

/** What is refused, with what to write instead. The parser that finds it is loaded only then. */
async function explained(
  root: string,
  { virtualFiles = {} }: CompileOptions,
  error: unknown,
): Promise<never> {
  if (!(error instanceof DiagnosticError)) throw error;
  const { explain } = await import("../language/explain.ts");
  const texts = new Map(virtualFiles instanceof Map ? virtualFiles : Object.entries(virtualFiles));
  throw new DiagnosticError(
    explain(
      error.diagnostics,
      (file) => texts.get(file) ?? readInput(root, file)?.toString("utf8"),
    ),
  );
}

async function compileFresh(
  root: string,
  outDir: string,
  options: CompileOptions,
): Promise<CompiledProgram> {
  const timings: Record<string, number> = {};
  const clock = new StepClock(timings);
  const virtualFiles = new Map(
    options.virtualFiles instanceof Map
      ? options.virtualFiles
      : Object.entries(options.virtualFiles ?? {}),
  );
  const { source, module, collects } = await readProgram(
    { ...options, root, virtualFiles },
    (step) => clock.step(step),
  );
  requireMain(
    module,
    options,
    virtualFiles.get(options.entry) ?? String(readInput(root, options.entry)),
  );

  const codes = compileModule(module, { check: options.check ?? true });
  clock.step("compile");

  const stack = worstStackDepth(module, codes);
  const stackBytes =
    options.stackBytes ?? (options.target === "linux" ? LINUX_STACK_BYTES : STACK_BYTES_DEFAULT);
  requireBoundedStack(options, stack);
  const elf = about(options.entry, () =>
    linkModule(root, module, codes, {
      extraObjects: options.extraObjects ?? [],
      stackBytes,
      program: "program",
    }),
  );
  clock.step("link");

  const findings = verifyExecutable(elf, options.target, `${options.name}.elf`);
  clock.step("verify");

  mkdirSync(join(root, outDir), { recursive: true });
  const path = (extension: string) => join(outDir, `${options.name}.${extension}`);
  writeFileSync(join(root, path("elf")), elf);
  if (options.target === "linux") chmodSync(join(root, path("elf")), 0o755);
  let executable = elf.length;
  if (options.target === "domain") {
    const binary = stripExecutable(elf, `${options.name}.elf`);
    executable = binary.length;
    writeFileSync(join(root, path("bin")), binary);
    writeFileSync(
      join(root, path("sym")),
      writeSymbolFile(readElf(elf, `${options.name}.elf`), module, codes),
    );
  }
  writeFileSync(
    join(root, path("lst")),
    writeListing(module, codes, treeSources(root, virtualFiles)),
  );
  clock.step("listing");

  return {
    language: "typescript",
    elfPath: path("elf"),
    binaryPath: options.target === "domain" ? path("bin") : null,
    listingPath: path("lst"),
    symbolsPath: options.target === "domain" ? path("sym") : null,
    collects,
    heapBytesMax: module.memory.maximumPages * PAGE_BYTES - endOfData(module),
    pauseInstructionsMax: collects
      ? pauseInstructionsMax((module.memory.maximumPages - 1) * PAGE_BYTES)
      : 0,
    verified: findings.length === 0,
    findings,
    sizes: { ...sectionSizes(elf, options.name), functions: codes.length, executable },
    stack,
    diagnostics: source.diagnostics,
    timings,
    fromCache: false,
  };
}

/** The heap lies behind it. */
function endOfData(module: IrModule): number {
  return Math.max(
    PAGE_BYTES,
    ...module.dataSegments.map(({ address, bytes }) => address + bytes.length),
  );
}

/** Everything that decides the outputs, but the files that are read on the way. */
function programKey(options: CompileOptions): readonly unknown[] {
  const { entry, target, name, extraObjects, memoryPagesMax, stackBytes, level, check, isDriver } =
    options;
  const virtualFiles = [
    ...(options.virtualFiles instanceof Map
      ? options.virtualFiles
      : Object.entries(options.virtualFiles ?? {})),
  ];
  return [
    toolKey("compile"),
    entry,
    target,
    name,
    virtualFiles,
    extraObjects,
    memoryPagesMax,
    stackBytes,
    level,
    check,
    isDriver,
  ];
}

function requireMain(module: IrModule, { target, entry }: CompileOptions, text: string): void {
  if (target === "kernel") return;
  const index = module.exports.get("main");
  if (index === undefined)
    refuse("the program exports no function `main`", {
      file: entry,
      line: 1,
      column: 1,
      help: "write `export function main(): void { … }` in its entry file",
    });
  const signature = module.signatures[module.functions[index]!.signature];
  if (signature !== undefined && signature.parameters.length + signature.results.length > 0) {
    refuse("`main` takes or returns something", {
      file: entry,
      ...placeOfMain(text),
      help: "declare it `export function main(): void`",
    });
  }
}

/** Where the entry file declares it; its first line where it only hands it on. */
function placeOfMain(text: string): { readonly line: number; readonly column: number } {
  const before = /^[^]*?\bfunction (?=main\b)/.exec(text)?.[0].split("\n") ?? [""];
  return { line: before.length, column: before.at(-1)!.length + 1 };
}

/** The kernel runs on one stack of fixed size, so its depth must have a bound. */
function requireBoundedStack({ target, entry }: CompileOptions, stack: StackDepth): void {
  if (target !== "kernel" || stack.bytes !== null) return;
  refuse(`recursion in the kernel: ${stack.chain.join(" → ")}`, {
    file: entry,
    help: "write it as a loop with a bound",
  });
}

function sectionSizes(
  elfBytes: Uint8Array,
  name: string,
): Pick<ProgramSizes, "text" | "rodata" | "data" | "linear"> {
  const elf = readElf(elfBytes, `${name}.elf`);
  const bytes = (section: string) => sectionNamed(elf, section)?.memoryBytes ?? 0;
  return {
    text: bytes(".text"),
    rodata: bytes(".rodata"),
    data: bytes(".data"),
    linear: bytes(".linear"),
  };
}

/** Measures the steps of a run. */
class StepClock {
  private last = performance.now();
  private readonly timings: Record<string, number>;

  constructor(timings: Record<string, number>) {
    this.timings = timings;
  }

  step(name: string): void {
    const now = performance.now();
    this.timings[name] = (this.timings[name] ?? 0) + Math.round(now - this.last);
    this.last = now;
  }
}
