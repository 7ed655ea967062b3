import type { Instruction } from "../../ir/function.ts";
import { TrapKind } from "../../ir/machine-code.ts";
import { Type } from "../../ir/opcode.ts";
import { MachineOp } from "../machine/machine-op.ts";
import { Register } from "../machine/register.ts";
import { type Rule, rule } from "./rule.ts";
import { exponentOf } from "./select-arithmetic.ts";
import {
  DIVIDE_S_CONSTANT,
  DIVIDE_S_POWER_OF_TWO,
  DIVIDE_U_CONSTANT,
  REMAINDER_S_CONSTANT,
  REMAINDER_S_POWER_OF_TWO,
  REMAINDER_U_CONSTANT,
} from "./select-divide-constant.ts";
import type { Selector } from "./selector.ts";
import { widthOf } from "../machine/type-width.ts";

/**
 * The dividend goes to rax, its upper half to rdx, quotient and remainder come back there. The
 * machine's fault is the trap: its entry names the divisor, zero means division by zero, anything
 * else overflow.
 */
function selectDivision(
  select: Selector,
  at: Instruction,
  op: MachineOp,
  wantsRemainder: boolean,
): boolean {
  const type = select.fn.type(at);
  // The fault handler reads the whole register to see whether the divisor is zero, so the upper
  // half must be defined.
  const dividend = select.input(select.fn.operand(at, 0));
  const divisor = select.register(select.fn.operand(at, 1));
  const other = select.temporary(type);
  const builder = select.emit(op, widthOf(type)).traps(TrapKind.Divide);
  if (wantsRemainder)
    builder.defineFixed(other, Register.rax).defineFixedEarly(select.result(at), Register.rdx);
  else builder.defineFixed(select.result(at), Register.rax).defineFixedEarly(other, Register.rdx);
  builder.useFixed(dividend, Register.rax, widthOf(type) === 8).use(divisor);
  return true;
}

const powerOfTwo = (select: Selector, at: Instruction): number | null => {
  const divisor = select.constant(select.fn.operand(at, 1));
  return divisor === null ? null : exponentOf(divisor);
};

export const DIV_U_RULES: readonly Rule[] = [
  rule("divide unsigned: power of two", (select, at) => {
    const exponent = powerOfTwo(select, at);
    if (exponent === null) return false;
    const value = select.input(select.fn.operand(at, 0));
    select
      .emit(MachineOp.Shr, widthOf(select.fn.type(at)))
      .defineTied(select.result(at), value)
      .source({ kind: "immediate", value: exponent });
    return true;
  }),
  DIVIDE_U_CONSTANT,
  rule("divide unsigned", (select, at) =>
    selectDivision(select, at, MachineOp.DivideUnsigned, false),
  ),
];

export const REM_U_RULES: readonly Rule[] = [
  rule("remainder unsigned: power of two", (select, at) => {
    const divisor = select.constant(select.fn.operand(at, 1));
    if (powerOfTwo(select, at) === null || divisor! > 0x4000_0000n) return false;
    const value = select.input(select.fn.operand(at, 0));
    select
      .emit(MachineOp.And, 4)
      .defineTied(select.result(at), value)
      .source({ kind: "immediate", value: Number(divisor! - 1n) });
    return true;
  }),
  REMAINDER_U_CONSTANT,
  rule("remainder unsigned", (select, at) =>
    selectDivision(select, at, MachineOp.DivideUnsigned, true),
  ),
];

export const DIV_S_RULES: readonly Rule[] = [
  DIVIDE_S_POWER_OF_TWO,
  DIVIDE_S_CONSTANT,
  rule("divide signed", (select, at) => selectDivision(select, at, MachineOp.DivideSigned, false)),
];

/** Whether a divisor is known not to be -1, for which the machine would fault where wasm says 0. */
function isNotMinusOne(select: Selector, at: Instruction): boolean {
  const divisor = select.constant(select.fn.operand(at, 1));
  return (
    divisor !== null &&
    divisor !== (select.fn.type(at) === Type.I64 ? 0xffff_ffff_ffff_ffffn : 0xffff_ffffn)
  );
}

export const REM_S_RULES: readonly Rule[] = [
  REMAINDER_S_POWER_OF_TWO,
  REMAINDER_S_CONSTANT,
  rule(
    "remainder signed: constant",
    (select, at) =>
      isNotMinusOne(select, at) && selectDivision(select, at, MachineOp.DivideSigned, true),
  ),
  rule("remainder signed", (select, at) =>
    selectDivision(select, at, MachineOp.RemainderSigned, true),
  ),
];
