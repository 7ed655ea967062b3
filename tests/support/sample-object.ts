import type { MachineCode } from "../../toolchain/ir/machine-code.ts";
import { IrFunction } from "../../toolchain/ir/function.ts";
import {
  type FunctionEntry,
  type IrModule,
  LEVEL_LEAST,
  type Target,
} from "../../toolchain/ir/module.ts";

/** Machine code by hand for tests: everything that is not given is empty. */
export function sampleCode(
  name: string,
  functionIndex: number,
  bytes: readonly number[],
  more: Partial<MachineCode> = {},
): MachineCode {
  return {
    name,
    functionIndex,
    bytes: Uint8Array.from(bytes),
    relocations: [],
    lines: [{ offset: 0, origin: functionIndex, inlinedAt: -1 }],
    inlinedCalls: [],
    traps: [],
    jumpTables: [],
    frameBytes: 0,
    savedRegisters: [],
    depths: [{ offset: 0, depth: 0, hasFrame: true }],
    calls: [],
    poppedBytes: 0,
    parameters: [],
    notes: [],
    ...more,
  };
}

/** A module for tests, whose wasm offset n comes from line n + 1 of `sample.ts`. */
export function sampleModule(target: Target, more: Partial<IrModule> = {}): IrModule {
  return {
    name: "sample",
    target,
    level: LEVEL_LEAST,
    signatures: [
      { parameters: [], results: [] },
      { parameters: [], results: [] },
    ],
    functions: [],
    globals: [],
    tables: [],
    dataSegments: [],
    elementSegments: [],
    memory: { initialPages: 2, maximumPages: 4, lowPagesUsed: false },
    exports: new Map(),
    start: -1,
    sourceOf: (origin) => ({ file: "sample.ts", line: origin + 1, column: 1 }),
    ...more,
  };
}

/** Entries of functions without parameters, results and body. */
export function sampleFunctions(names: readonly string[]): FunctionEntry[] {
  return names.map((name, index) => ({
    kind: "defined",
    name,
    signature: 1,
    body: new IrFunction(name, index, [], []),
  }));
}
