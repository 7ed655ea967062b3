import type { Instruction } from "../../ir/function.ts";
import { Type } from "../../ir/opcode.ts";
import { MachineOp } from "../machine/machine-op.ts";
import { type Rule, rule } from "./rule.ts";
import { selectCondition } from "./select-condition.ts";
import type { Selector } from "./selector.ts";
import { widthOf } from "../machine/type-width.ts";

/**
 * A truth value in a register: zero first, since that clears the whole register and may not touch
 * the flags between compare and setcc.
 */
function selectTruthValue(select: Selector, at: Instruction): boolean {
  const zero = select.temporary(Type.I32);
  const clear = select.emit(MachineOp.MoveImmediate, 4).define(zero).immediate(0);
  select.machine.rematerializable[zero] = clear.instruction;
  const condition = selectCondition(select, select.fn.result(at));
  select.emit(MachineOp.SetCondition, 4).defineTied(select.result(at), zero).condition(condition);
  return true;
}

export const COMPARISON_RULES: readonly Rule[] = [
  rule("comparison in a register", selectTruthValue),
];
export const EQZ_RULES: readonly Rule[] = [rule("not in a register", selectTruthValue)];

export const SELECT_RULES: readonly Rule[] = [
  rule("select", (select, at) => {
    const type = select.fn.type(at);
    const condition = select.fn.operand(at, 0);
    const taken = { kind: "register", register: select.input(select.fn.operand(at, 1)) } as const;
    const otherwise = select.input(select.fn.operand(at, 2));
    const code = selectCondition(select, condition);
    select
      .emit(MachineOp.ConditionalMove, widthOf(type))
      .defineTied(select.result(at), otherwise)
      .source(taken)
      .condition(code);
    return true;
  }),
];
