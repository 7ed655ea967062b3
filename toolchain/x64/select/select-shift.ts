import type { Instruction } from "../../ir/function.ts";
import { Type } from "../../ir/opcode.ts";
import { MachineOp } from "../machine/machine-op.ts";
import { Register } from "../machine/register.ts";
import { type Rule, rule } from "./rule.ts";
import type { Selector } from "./selector.ts";
import { widthOf } from "../machine/type-width.ts";

/** Counts are taken modulo the width by wasm and by the machine alike. */
function shiftRules(word: string, op: MachineOp): readonly Rule[] {
  return [
    rule(`${word}: constant`, (select: Selector, at: Instruction) => {
      const count = select.constant(select.fn.operand(at, 1));
      if (count === null) return false;
      const type = select.fn.type(at);
      const value = select.input(select.fn.operand(at, 0));
      const masked = Number(count & (type === Type.I64 ? 63n : 31n));
      select
        .emit(op, widthOf(type))
        .defineTied(select.result(at), value)
        .source({ kind: "immediate", value: masked });
      return true;
    }),
    rule(`${word}: variable`, (select: Selector, at: Instruction) => {
      const value = select.input(select.fn.operand(at, 0));
      const count = select.input(select.fn.operand(at, 1));
      select
        .emit(op, widthOf(select.fn.type(at)))
        .defineTied(select.result(at), value)
        .useFixed(count, Register.rcx, false);
      return true;
    }),
  ];
}

export const SHL_RULES = shiftRules("shift left", MachineOp.Shl);
export const SHR_S_RULES = shiftRules("shift right signed", MachineOp.Sar);
export const SHR_U_RULES = shiftRules("shift right unsigned", MachineOp.Shr);
export const ROTL_RULES = shiftRules("rotate left", MachineOp.Rol);
export const ROTR_RULES = shiftRules("rotate right", MachineOp.Ror);
