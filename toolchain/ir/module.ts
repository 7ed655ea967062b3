import type { IrFunction } from "./function.ts";
import type { SourcePosition } from "../wasm/source-map.ts";
import type { Type } from "./opcode.ts";

export interface Signature {
  readonly parameters: readonly Type[];
  readonly results: readonly Type[];
}

export interface GlobalVariable {
  readonly name: string;
  readonly type: Type;
  readonly mutable: boolean;
  /** Bits of the initial value. */
  readonly initial: bigint;
  /**
   * Thread-local globals live in the thread block behind fs, the others in the section of globals.
   */
  readonly threadLocal: boolean;
}

export interface FunctionTable {
  readonly name: string;
  readonly minimum: number;
  readonly maximum: number | null;
  /** Neither written nor exported: read-only, constant length. */
  readonly constant: boolean;
  /** Function index of each entry at the start, -1 for null. */
  readonly entries: readonly number[];
  /** Where every entry that can be called has one signature, its number; else -1. */
  readonly onlySignature: number;
}

export interface DataSegment {
  /** Linear address of an active segment, -1 for a passive one. */
  readonly address: number;
  readonly bytes: Uint8Array;
}

/** What a function index stands for. */
export type FunctionEntry =
  | {
      readonly kind: "defined";
      readonly name: string;
      readonly signature: number;
      readonly body: IrFunction;
    }
  /** An intrinsic that the back end lowers inline; it never appears as the target of Call. */
  | {
      readonly kind: "intrinsic";
      readonly name: string;
      readonly signature: number;
      readonly intrinsic: number;
    }
  /**
   * Code linked in from assembly, our calling convention: `symbol` is its ELF symbol
   * (toolchain/ir/link-name.ts).
   */
  | {
      readonly kind: "external";
      readonly name: string;
      readonly symbol: string;
      readonly signature: number;
    };

/** A whole program after decoding, validation and SSA construction. */
export interface IrModule {
  readonly name: string;
  readonly target: Target;
  /** What the processor must have. */
  readonly level: Level;
  /**
   * Canonical over the program, structural: equal signatures have one number, from 1 on, their
   * index here.
   */
  readonly signatures: readonly Signature[];
  readonly functions: readonly FunctionEntry[];
  readonly globals: readonly GlobalVariable[];
  readonly tables: readonly FunctionTable[];
  readonly dataSegments: readonly DataSegment[];
  /** Element segments by index, for table.init; function indices. */
  readonly elementSegments: readonly (readonly number[])[];
  readonly memory: {
    readonly initialPages: number;
    readonly maximumPages: number;
    readonly lowPagesUsed: boolean;
  };
  /**
   * Export name → function index. Each gets a global ELF symbol (`exportSymbol` of
   * toolchain/ir/link-name.ts).
   */
  readonly exports: ReadonlyMap<string, number>;
  /** Function index of the start function, or -1. */
  readonly start: number;
  /**
   * Where a wasm offset comes from, or null. Lines and columns from 1; `file` relative to the root
   * of the tree.
   */
  readonly sourceOf: (origin: number) => SourcePosition | null;
}

export type Target = "kernel" | "domain" | "linux";

/** Levels of x86-64 by their number: kernel/abi/executable.ts says what each has. */
export type Level = 1 | 2 | 3;
export const LEVELS: readonly Level[] = [1, 2, 3];
/** What every 64-bit processor has. */
export const LEVEL_LEAST: Level = 1;
