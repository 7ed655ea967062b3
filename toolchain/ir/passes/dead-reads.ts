/**
 * Removes reads whose result nothing uses. A load of linear memory may trap, so that a dead one
 * goes only in the target kernel, where a stray load has no defined result; reads of globals and
 * sizes never trap.
 */
import { reversePostorder } from "../control-flow.ts";
import type { IrFunction, Value } from "../function.ts";
import type { Target } from "../module.ts";
import { isLoad, isPure, Opcode } from "../opcode.ts";

export function removeDeadReads(fn: IrFunction, target: Target): boolean {
  const order = reversePostorder(fn);
  const isUsed = new Uint8Array(fn.valueTypes.length);
  const work: Value[] = [];
  const use = (value: Value): void => {
    if (isUsed[value]) return;
    isUsed[value] = 1;
    work.push(value);
  };
  const isRemovable = (op: Opcode): boolean => {
    return (
      op === Opcode.GlobalGet ||
      op === Opcode.MemorySize ||
      op === Opcode.TableSize ||
      (target === "kernel" && isLoad(op))
    );
  };
  const useOperands = (instruction: number): void => {
    for (let i = 0; i < fn.operandCount(instruction as never); i++)
      use(fn.operand(instruction as never, i));
  };
  for (const block of order) {
    for (const instruction of fn.blockInstructions[block]!) {
      const op = fn.opcode(instruction);
      if (!isPure(op) && !isRemovable(op)) useOperands(instruction);
    }
    for (const { args } of fn.blockEdges[block]!) args.forEach(use);
  }
  for (let value = work.pop(); value !== undefined; value = work.pop()) {
    const definition = fn.definition(value);
    if (definition !== -1) useOperands(definition);
  }

  let changed = false;
  for (const block of order) {
    const list = fn.blockInstructions[block]!;
    const kept = list.filter(
      (instruction) => !isRemovable(fn.opcode(instruction)) || isUsed[fn.result(instruction)],
    );
    if (kept.length === list.length) continue;
    fn.blockInstructions[block] = kept;
    changed = true;
  }
  return changed;
}
