/**
 * A branch both of whose edges lead to one block only chooses the values that it brings. Where they
 * are few and cost little, a Select chooses them instead: nothing is predicted wrong, and the value
 * may meet equal ones.
 */
import { reversePostorder } from "../control-flow.ts";
import type { IrFunction, Value } from "../function.ts";
import { isPure, Opcode, Type } from "../opcode.ts";
import { PureValues } from "../pure-values.ts";

/** With more values to choose, a branch is cheaper. */
const CHOSEN_MAX = 2;
/** Instructions that one side may cost where it would not have been taken. */
const COST_MAX = 2;

export function formSelects(fn: IrFunction): boolean {
  const pure = new PureValues(fn);
  let changed = false;
  for (const block of reversePostorder(fn)) {
    const list = fn.blockInstructions[block]!;
    const terminator = list.at(-1)!;
    if (fn.opcode(terminator) !== Opcode.Branch) continue;
    const [notZero, zero] = fn.blockEdges[block]!;
    if (notZero!.target !== zero!.target) continue;
    const chosen = notZero!.args.flatMap((value, slot) =>
      value === zero!.args[slot] ? [] : [slot],
    );
    const isCheap = (value: Value): boolean => costOf(fn, value, COST_MAX + 1) <= COST_MAX;
    if (
      chosen.length > CHOSEN_MAX ||
      !chosen.every((slot) => isCheap(notZero!.args[slot]!) && isCheap(zero!.args[slot]!))
    )
      continue;

    const condition = fn.operand(terminator, 0);
    const [origin, inlinedAt] = [fn.origin(terminator), fn.inlinedAt.data[terminator]!];
    const args = notZero!.args.map((value, slot) => {
      const other = zero!.args[slot]!;
      return value === other
        ? value
        : pure.make(
            Opcode.Select,
            fn.valueType(value),
            [condition, value, other],
            origin,
            inlinedAt,
          );
    });
    list[list.length - 1] = fn.newInstruction(
      Opcode.Jump,
      Type.None,
      [],
      [],
      0,
      origin,
      0,
      inlinedAt,
    );
    fn.blockEdges[block] = [{ target: notZero!.target, args }];
    changed = true;
  }
  return changed;
}

/**
 * Pure instructions behind the value, counted up to `limit`. Those that are needed anyway count
 * too: it is an estimate.
 */
function costOf(fn: IrFunction, value: Value, limit: number): number {
  const definition = fn.definition(value);
  if (definition === -1 || !isPure(fn.opcode(definition)) || fn.opcode(definition) === Opcode.Const)
    return 0;
  let cost = 1;
  for (let i = 0; i < fn.operandCount(definition) && cost < limit; i++)
    cost += costOf(fn, fn.operand(definition, i), limit - cost);
  return cost;
}
