import type { Instruction } from "../../ir/function.ts";
import { TrapKind } from "../../ir/machine-code.ts";
import { Type } from "../../ir/opcode.ts";
import { MachineOp } from "../machine/machine-op.ts";
import { RESULT_REGISTERS } from "../machine/register.ts";
import { type Rule, rule } from "./rule.ts";
import { selectCondition } from "./select-condition.ts";
import type { Selector } from "./selector.ts";

export const JUMP_RULES: readonly Rule[] = [
  rule("jump", (select: Selector) => {
    select.emit(MachineOp.Jump, 8);
    return true;
  }),
];

export const BRANCH_RULES: readonly Rule[] = [
  rule("branch", (select: Selector, at: Instruction) => {
    const condition = selectCondition(select, select.fn.operand(at, 0));
    select.emit(MachineOp.Branch, 8).condition(condition);
    return true;
  }),
];

export const SWITCH_RULES: readonly Rule[] = [
  rule("switch: default only", (select: Selector, at: Instruction) => {
    if (select.edgeCount(at) > 1) return false;
    select.emit(MachineOp.Jump, 8);
    return true;
  }),
  rule("switch: jump table", (select: Selector, at: Instruction) => {
    const index = select.register(select.fn.operand(at, 0));
    const builder = select
      .emit(MachineOp.JumpTable, 8)
      .defineEarly(select.temporary(Type.I64))
      .defineEarly(select.temporary(Type.I64))
      .useExtended(index);
    builder.immediate(select.edgeCount(at) - 1);
    return true;
  }),
];

export const RETURN_RULES: readonly Rule[] = [
  rule("return", (select: Selector, at: Instruction) => {
    const { fn } = select;
    const count = fn.operandCount(at);
    if (count > RESULT_REGISTERS.length)
      select.refuse(
        at,
        `it has ${count} results; at most ${RESULT_REGISTERS.length} are supported`,
      );
    const registers = Array.from({ length: count }, (_, i) => select.register(fn.operand(at, i)));
    const builder = select.emit(MachineOp.Return, 8);
    registers.forEach((register, i) => builder.useFixed(register, RESULT_REGISTERS[i]!));
    return true;
  }),
];

export const UNREACHABLE_RULES: readonly Rule[] = [
  rule("unreachable", (select: Selector, at: Instruction) => {
    select
      .emit(MachineOp.Trap, 8)
      .traps(select.fn.immediate(at) === 0 ? TrapKind.Unreachable : select.fn.immediate(at));
    return true;
  }),
];
