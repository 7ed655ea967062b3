import type { IrModule, Target } from "../module.ts";
import { Opcode } from "../opcode.ts";
import { otherwiseReachable } from "./inline-plan.ts";

/**
 * Exports that only the assembly stubs of kernel/x64 call, which keep nothing in a callee-saved
 * register across the call: they load all registers of the next thread. So these functions save
 * none of them.
 */
const ENTRY_POINTS: Readonly<Record<Target, readonly string[]>> = {
  kernel: ["systemCall", "fastCall", "fastReply", "fastRecv", "fault", "interrupt"],
  domain: [],
  linux: [],
};

/**
 * Indices of the functions that need not save registers. Throws if other code of the module could
 * call one: that code relies on its callee-saved registers.
 */
export function entryPointsOf(module: IrModule): ReadonlySet<number> {
  const entries = new Set(
    ENTRY_POINTS[module.target].flatMap((name) => module.exports.get(name) ?? []),
  );
  const refuse = (index: number, by: string): never => {
    throw new Error(`${module.functions[index]!.name} saves no registers, but ${by}`);
  };
  const exported = [...module.exports.values()];
  for (const index of otherwiseReachable({ ...module, exports: new Map() }))
    if (entries.has(index)) refuse(index, "a table holds it, or the module starts with it");
  for (const index of entries)
    if (exported.filter((other) => other === index).length > 1) refuse(index, "has two exports");
  for (const entry of module.functions) {
    if (entry.kind !== "defined") continue;
    for (const instruction of entry.body.blockInstructions.flatMap((list) => [...list])) {
      if (entry.body.opcode(instruction) !== Opcode.Call) continue;
      const callee = entry.body.immediate(instruction);
      if (entries.has(callee)) refuse(callee, `${entry.name} calls it`);
    }
  }
  return entries;
}
