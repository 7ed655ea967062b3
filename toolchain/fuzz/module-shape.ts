import type { Random } from "./random.ts";

export type IntegerType = "i32" | "i64";
export const TYPE_CODES: Readonly<Record<IntegerType, number>> = { i32: 0x7f, i64: 0x7e };

export interface FunctionShape {
  readonly parameters: readonly IntegerType[];
  readonly results: readonly IntegerType[];
}

/** What generated functions may refer to. */
export interface ModuleShape {
  readonly random: Random;
  readonly functions: readonly FunctionShape[];
  readonly globals: readonly { readonly type: IntegerType; readonly mutable: boolean }[];
  readonly tableLength: number;
  /** Function index of each entry at the start; what is behind is null. */
  readonly tableEntries: readonly number[];
  readonly dataCount: number;
  readonly elementCount: number;
  readonly passiveSegments: boolean;
  /** All addresses that are meant to hit lie in the 64 KiB from here on. */
  readonly memoryBase: number;
  typeIndex(shape: FunctionShape): number;
}

/** The global that holds the fuel left. */
export const FUEL_GLOBAL = 0;

export const MEMORY_PAGES = 2;
export const MEMORY_BYTES = MEMORY_PAGES * 65536;
