/**
 * A wasm binary to an IR module: decodes, validates, keeps what can be reached from exports, the
 * start function and tables, and translates it. Function indices of the result are its own: what
 * cannot be reached has none.
 */
import type { Diagnostic } from "../report/diagnostic.ts";
import { DiagnosticError } from "../report/diagnostic.ts";
import { decodeModule } from "../wasm/decode.ts";
import type { SourcePosition } from "../wasm/source-map.ts";
import { type ConstantExpression, type Import, ValueType, type WasmModule } from "../wasm/types.ts";
import { validateModule } from "../wasm/validate.ts";
import {
  type BuildContext,
  buildFunction,
  type Callee,
  irType,
  Unsupported,
} from "./build-function.ts";
import { INTRINSICS, Intrinsic } from "./intrinsic.ts";
import { importSymbol } from "./link-name.ts";
import {
  type DataSegment,
  type FunctionEntry,
  type FunctionTable,
  type GlobalVariable,
  type IrModule,
  type Level,
  LEVEL_LEAST,
  type Target,
} from "./module.ts";
import { Type } from "./opcode.ts";
import { findReachable, type Reachable } from "./reachable.ts";
import { SignatureTable } from "./signature-table.ts";

export interface BuildOptions {
  readonly name: string;
  readonly target: Target;
  /** Default: LEVEL_LEAST. */
  readonly level?: Level;
  /** Where a wasm offset comes from; by default nothing is known. */
  readonly sourceOf?: (origin: number) => SourcePosition | null;
  /** Pages that memory may grow to where the module does not say; default 16 MiB. */
  readonly memoryPagesMax?: number;
  /** Names of globals that each thread has its own copy of. */
  readonly threadLocalGlobals?: readonly string[];
  /** The module uses addresses below 64 KiB. By default: where its data lie there. */
  readonly lowPagesUsed?: boolean;
}

/** 16 MiB, see design: every module has a declared maximum. */
const MEMORY_PAGES_MAX_DEFAULT = 256;
/** Entries of a table: each takes 16 bytes of the domain's region of 2 MiB. */
const TABLE_ENTRIES_MAX = 65_536;
/** Addresses below are never mapped in modules that do not use them. */
const LOW_BYTES = 65_536;
/** Files of asc's library, as diagnostics name them. */
const LIBRARY = "~lib/";
/** After this many refused functions the rest is not worth reading. */
const DIAGNOSTICS_MAX = 20;

export function buildModule(wasm: Uint8Array, options: BuildOptions): IrModule {
  const module = decodeModule(wasm, options.name);
  validateModule(module);
  return new ModuleBuilder(module, options).build();
}

class ModuleBuilder {
  private readonly diagnostics: Diagnostic[] = [];
  private readonly signatures = new SignatureTable();
  private readonly reachable: Reachable;
  /** New index by wasm index; -1 for what is dropped. */
  private readonly newIndices: Int32Array;
  /** Wasm index by new index. */
  private readonly kept: number[] = [];
  private readonly callees: (Callee | null)[] = [];
  private readonly sourceOf: (origin: number) => SourcePosition | null;

  constructor(
    private readonly module: WasmModule,
    private readonly options: BuildOptions,
  ) {
    this.sourceOf = options.sourceOf ?? (() => null);
    this.reachable = findReachable(module);
    this.newIndices = new Int32Array(module.functionTypes.length).fill(-1);
  }

  build(): IrModule {
    const { module, options, kept } = this;
    const names = this.functionNames();
    const imports = module.imports.filter((entry) => entry.kind === "function");
    for (const index of this.reachable.functions) {
      const imported = imports[index];
      const callee =
        imported === undefined
          ? { kind: "function" as const, index: kept.length }
          : this.importedFunction(imported, index, kept.length);
      this.callees[index] = callee;
      if (callee?.kind !== "function") continue;
      this.newIndices[index] = kept.length;
      kept.push(index);
    }
    for (const entry of module.imports) {
      if (entry.kind !== "function")
        this.refuse(`import ${entry.module}.${entry.name}: only functions can be imported`);
    }

    const context: BuildContext = {
      module,
      callee: (index) => this.callees[index] ?? { kind: "trap" },
      signature: (typeIndex) => this.signatures.number(module.types[typeIndex]!, -1),
      constantGlobal: (index) => this.constantGlobal(index),
      isUnread: (index) => !this.reachable.globalsRead.has(index),
    };
    const functions: FunctionEntry[] = [];
    for (const [newIndex, index] of kept.entries()) {
      const name = names[index]!;
      try {
        const signature = this.signatures.number(
          module.types[module.functionTypes[index]!]!,
          this.startOf(index),
        );
        const imported = imports[index];
        if (imported !== undefined) {
          const symbol = importSymbol(
            imported.module,
            imported.name,
            this.signatures.list()[signature]!,
          );
          functions.push({
            kind: "external",
            name: `${imported.module}.${imported.name}`,
            symbol,
            signature,
          });
          continue;
        }
        const body = buildFunction(
          context,
          module.bodies[index - module.importedFunctionCount]!,
          name,
          newIndex,
          module.localNames.get(index),
        );
        functions.push({ kind: "defined", name, signature, body });
      } catch (error) {
        if (!(error instanceof Unsupported)) throw error;
        this.refuse(
          `function ${name}: ${error.message}`,
          error.origin < 0 ? this.startOf(index) : error.origin,
        );
        if (this.diagnostics.length >= DIAGNOSTICS_MAX) break;
      }
    }

    const result: Omit<IrModule, "signatures"> = {
      name: options.name,
      target: options.target,
      level: options.level ?? LEVEL_LEAST,
      functions,
      globals: this.globals(),
      tables: module.tables.map((_, index) => this.table(index)),
      dataSegments: this.dataSegments(),
      elementSegments: module.elements.map((segment) => {
        if (segment.mode !== "passive") return [];
        return segment.entries.map((entry) => this.tableEntry(entry));
      }),
      memory: this.memory(),
      exports: new Map(
        module.exports.flatMap(({ kind, name, index }) => {
          return kind === "function" && this.newIndices[index]! >= 0
            ? [[name, this.newIndices[index]!] as const]
            : [];
        }),
      ),
      start: module.start === null ? -1 : this.newIndices[module.start]!,
      sourceOf: this.sourceOf,
    };
    if (this.diagnostics.length > 0) throw new DiagnosticError(this.diagnostics);
    return { ...result, signatures: this.signatures.list() };
  }

  private refuse(message: string, origin = -1): void {
    const position = this.sourceOf(origin);
    if (position === null) {
      const where = origin >= 0 ? ` (offset 0x${origin.toString(16)})` : "";
      this.diagnostics.push({
        severity: "error",
        file: this.options.name,
        message: message + where,
      });
      return;
    }
    const own = this.callOutsideLibrary(origin);
    if (own === null) this.diagnostics.push({ severity: "error", ...position, message });
    else
      this.diagnostics.push({
        severity: "error",
        ...own,
        message: `${message}, called in ${position.file}:${position.line}`,
      });
  }

  /**
   * The program's own call that leads to a place in asc's library; null where the place is not in
   * it, or nothing leads there by direct calls.
   */
  private callOutsideLibrary(origin: number): SourcePosition | null {
    const { bodies, importedFunctionCount } = this.module;
    const seen = new Set<number>();
    for (let at = origin; ; ) {
      const position = this.sourceOf(at);
      if (position === null) return null;
      if (!position.file.startsWith(LIBRARY)) return at === origin ? null : position;
      const index = bodies.findIndex(({ start, end }) => at >= start && at < end);
      const call = this.firstCall(index + importedFunctionCount);
      if (index < 0 || call < 0 || seen.has(call)) return null;
      seen.add(call);
      at = call;
    }
  }

  private startOf(index: number): number {
    return this.module.bodies[index - this.module.importedFunctionCount]?.start ?? -1;
  }

  /** Names for symbols: unique, and without characters that no symbol may have. */
  private functionNames(): string[] {
    const { module } = this;
    const used = new Set<string>();
    const exported = new Map(
      module.exports
        .filter(({ kind }) => kind === "function")
        .map(({ name, index }) => [index, name]),
    );
    return module.functionTypes.map((_, index) => {
      // Control characters would break listings, and a symbol ends at a zero byte.
      const base = (
        module.functionNames.get(index) ??
        exported.get(index) ??
        `function.${index}`
      ).replace(/[\u0000-\u0020\u007f]/g, "_");
      let name = base;
      for (let number = 2; used.has(name); number++) name = `${base}~${number}`;
      used.add(name);
      return name;
    });
  }

  /** An intrinsic, code linked in from assembly, or a trap; null where the import is refused. */
  private importedFunction(
    imported: Import & { kind: "function" },
    index: number,
    newIndex: number,
  ): Callee | null {
    const { target } = this.options;
    const name = `${imported.module}.${imported.name}`;
    const type = this.module.types[imported.typeIndex]!;
    // What `assert` and `throw` call in programs that export no `abort`.
    if (name === "env.abort") return { kind: "trap" };

    const known = INTRINSICS[name];
    if (known !== undefined) {
      const [intrinsic, signature] = known;
      const actual = `${signatureLetters(type.parameters)}:${signatureLetters(type.results)}`;
      if (actual !== signature)
        this.refuse(
          `${name} is declared as (${actual}) and is (${signature})`,
          this.firstCall(index),
        );
      if (!isAllowed(imported.module, intrinsic, target))
        this.refuse(`${name} cannot be used in the target ${target}`, this.firstCall(index));
      return { kind: "intrinsic", intrinsic };
    }
    if (["x64", "message-words", "mmio", "trine"].includes(imported.module)) {
      this.refuse(`${name}: there is no such intrinsic`, this.firstCall(index));
      return null;
    }
    if (target === "domain") {
      this.refuse(`${name}: programs cannot import functions`, this.firstCall(index));
      return null;
    }
    return { kind: "function", index: newIndex };
  }

  private firstCall(index: number): number {
    return this.reachable.firstCalls.get(index) ?? -1;
  }

  private constantGlobal(index: number): bigint | null {
    const definition = this.module.globalDefinitions[index - this.module.importedGlobalCount];
    if (definition === undefined || this.reachable.globalsWritten.has(index)) return null;
    return definition.initial.kind === "i32" || definition.initial.kind === "i64"
      ? definition.initial.bits
      : null;
  }

  private globals(): GlobalVariable[] {
    const { module, options } = this;
    return module.globals.map((global, index): GlobalVariable => {
      const name = module.globalNames.get(index) ?? `global.${index}`;
      const initial = module.globalDefinitions[index - module.importedGlobalCount]?.initial;
      const isInteger = global.type === ValueType.I32 || global.type === ValueType.I64;
      return {
        name,
        // A global of another type is refused where code touches it; untouched ones need no place.
        type: isInteger ? irType(global.type, -1) : Type.None,
        mutable: this.reachable.globalsWritten.has(index) && this.reachable.globalsRead.has(index),
        initial: initial !== undefined && "bits" in initial ? initial.bits : 0n,
        threadLocal: options.threadLocalGlobals?.includes(name) ?? false,
      };
    });
  }

  private table(index: number): FunctionTable {
    const table = this.module.tables[index]!;
    const isExported = this.module.exports.some(
      (entry) => entry.kind === "table" && entry.index === index,
    );
    const entries = new Array<number>(Math.min(table.minimum, TABLE_ENTRIES_MAX)).fill(-1);
    if (table.minimum > TABLE_ENTRIES_MAX)
      this.refuse(`table ${index}: at most ${TABLE_ENTRIES_MAX} entries are supported`);
    for (const segment of this.module.elements) {
      if (segment.place?.index !== index) continue;
      const start = this.constantOffset(segment.place.offset);
      if (start + segment.entries.length > table.minimum) {
        this.refuse(`an element segment reaches beyond table ${index}`);
        continue;
      }
      for (const [i, entry] of segment.entries.entries())
        entries[start + i] = this.tableEntry(entry);
    }
    const constant = !isExported && !this.reachable.tablesWritten.has(index);
    const signatures = new Set(
      entries.filter((entry) => entry >= 0).map((entry) => this.signatureOfNew(entry)),
    );
    return {
      name: `table.${index}`,
      minimum: table.minimum,
      maximum: table.maximum,
      constant,
      entries,
      onlySignature: constant && signatures.size === 1 ? [...signatures][0]! : -1,
    };
  }

  private signatureOfNew(newIndex: number): number {
    const index = this.kept[newIndex]!;
    try {
      return this.signatures.number(this.module.types[this.module.functionTypes[index]!]!, -1);
    } catch (error) {
      // The function itself has been refused already.
      if (error instanceof Unsupported) return -1;
      throw error;
    }
  }

  private tableEntry(entry: ConstantExpression): number {
    return entry.kind === "function" ? this.newIndices[entry.index]! : -1;
  }

  private constantOffset(expression: ConstantExpression): number {
    if (expression.kind === "i32") return Number(expression.bits);
    this.refuse("segments need constant offsets");
    return 0;
  }

  private dataSegments(): DataSegment[] {
    const bytes = (this.module.memories[0]?.minimum ?? 0) * 65_536;
    return this.module.data.map((segment) => {
      if (segment.place === null) return { address: -1, bytes: segment.bytes };
      const address = this.constantOffset(segment.place.offset);
      if (address + segment.bytes.length > bytes)
        this.refuse(`the data segment at ${address} reaches beyond the initial memory`);
      return { address, bytes: segment.bytes };
    });
  }

  private memory(): IrModule["memory"] {
    const memory = this.module.memories[0] ?? { minimum: 0, maximum: 0 };
    const maximumPages =
      memory.maximum ??
      Math.max(this.options.memoryPagesMax ?? MEMORY_PAGES_MAX_DEFAULT, memory.minimum);
    const usesLow = this.module.data.some(
      (segment) =>
        segment.place?.offset.kind === "i32" && segment.place.offset.bits < BigInt(LOW_BYTES),
    );
    return {
      initialPages: memory.minimum,
      maximumPages,
      lowPagesUsed: this.options.lowPagesUsed ?? usesLow,
    };
  }
}

function signatureLetters(types: readonly ValueType[]): string {
  return types
    .map((type) => (type === ValueType.I32 ? "i" : type === ValueType.I64 ? "l" : "?"))
    .join("");
}

/** Instructions of module x64 that need no privilege, or only one that the image grants. */
const UNPRIVILEGED = new Set([
  Intrinsic.In8,
  Intrinsic.In16,
  Intrinsic.In32,
  Intrinsic.Out8,
  Intrinsic.Out16,
  Intrinsic.Out32,
  Intrinsic.ReadTsc,
  Intrinsic.Pause,
  Intrinsic.LoadFence,
]);

function isAllowed(importModule: string, intrinsic: Intrinsic, target: Target): boolean {
  if (importModule === "trine") return target === "domain";
  if (importModule === "mmio") return target !== "linux";
  return target === "kernel" || UNPRIVILEGED.has(intrinsic);
}
