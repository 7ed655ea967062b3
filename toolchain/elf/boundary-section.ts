import type { MachineCode } from "../ir/machine-code.ts";
import type { IrModule, Signature } from "../ir/module.ts";
import { Type } from "../ir/opcode.ts";
import { RelocationType, SectionType } from "./format.ts";
import { entryPointsOf } from "../ir/passes/entry-points.ts";
import { keyOf } from "../ir/link-name.ts";
import type { RelocatableFile } from "./relocatable.ts";

export const BOUNDARY_ENTRY_BYTES = 24;
/** Called by hand-written code: an export, or the start function. */
export const BOUNDARY_EXPORT = 1;
/** Hand-written and called by compiled code. */
export const BOUNDARY_EXTERNAL = 2;
/**
 * An export that keeps no callee-saved register: only hand-written code calls it, and relies on
 * none (toolchain/ir/passes/entry-points.ts).
 */
export const BOUNDARY_ENTRY_POINT = 3;

/** Called for memory.grow: i32 to i32. In a domain it is verified like all other code. */
const MEMORY_GROW_SYMBOL = "trine_memory_grow";

/** Parameters in registers; the rest is on the stack. */
const REGISTER_PARAMETERS = 8;

/**
 * `.trine.boundary`: what hand-written and compiled code promise each other. An entry is u64
 * address, u32 kind, u32 mask of the parameters in registers that are i32, u32 mask of the results
 * that are i32, u32 bytes of stack arguments that the function pops. Where a bit is set, the code
 * that makes the value clears the upper half of its register. The verifier believes this of
 * hand-written code only.
 */
export function writeBoundary(
  file: RelocatableFile,
  module: IrModule,
  codes: readonly MachineCode[],
): void {
  const section = file.section(".trine.boundary", SectionType.ProgramBits, 0, 8);
  const add = (kind: number, functionIndex: number): void => {
    const entry = module.functions[functionIndex]!;
    const signature: Signature = module.signatures[entry.signature]!;
    section.relocations.push({
      offset: section.content.length,
      type: RelocationType.Absolute64,
      symbol: keyOf(entry),
      addend: 0,
    });
    section.content.u64(0);
    section.content.u32(kind);
    section.content.u32(maskOf(signature.parameters.slice(0, REGISTER_PARAMETERS)));
    section.content.u32(maskOf(signature.results));
    section.content.u32(8 * Math.max(0, signature.parameters.length - REGISTER_PARAMETERS));
  };
  const called = new Set([...module.exports.values(), ...(module.start < 0 ? [] : [module.start])]);
  const entryPoints = entryPointsOf(module);
  for (const functionIndex of called) {
    const kind = entryPoints.has(functionIndex) ? BOUNDARY_ENTRY_POINT : BOUNDARY_EXPORT;
    if (module.functions[functionIndex]?.kind === "defined") add(kind, functionIndex);
  }
  module.functions.forEach((entry, index) => {
    if (entry.kind === "external") add(BOUNDARY_EXTERNAL, index);
  });
  if (
    module.target !== "domain" &&
    codes.some((code) =>
      code.relocations.some((relocation) => relocation.symbol === MEMORY_GROW_SYMBOL),
    )
  ) {
    section.relocations.push({
      offset: section.content.length,
      type: RelocationType.Absolute64,
      symbol: MEMORY_GROW_SYMBOL,
      addend: 0,
    });
    section.content.u64(0);
    for (const value of [BOUNDARY_EXTERNAL, 1, 1, 0]) section.content.u32(value);
  }
}

function maskOf(types: readonly Type[]): number {
  return types.reduce((mask, type, index) => (type === Type.I32 ? mask | (1 << index) : mask), 0);
}
