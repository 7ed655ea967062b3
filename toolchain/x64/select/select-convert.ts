import { Type } from "../../ir/opcode.ts";
import { MachineOp } from "../machine/machine-op.ts";
import { TrapKind } from "../../ir/machine-code.ts";
import { type Rule, rule } from "./rule.ts";
import type { Selector } from "./selector.ts";
import { widthOf } from "../machine/type-width.ts";
import type { Instruction } from "../../ir/function.ts";

export const WRAP_RULES: readonly Rule[] = [
  rule("wrap", (select, at) => {
    const operand = select.fn.operand(at, 0);
    // The low half of a 64-bit load is a 32-bit load only for memory that is not the last of its
    // page: loads keep their width.
    select
      .emit(MachineOp.Move, 4)
      .define(select.result(at))
      .source({ kind: "register", register: select.register(operand) });
    return true;
  }),
];

export const EXTEND_S_RULES: readonly Rule[] = [
  rule("extend signed: load", (select, at) => {
    const operand = select.fn.operand(at, 0);
    if (!select.isFoldableFullLoad(operand)) return false;
    const source = select.foldLoad(operand);
    select
      .emitMemoryAccess(MachineOp.MoveSign32, 8, TrapKind.OutOfBounds)
      .define(select.result(at))
      .source(source);
    return true;
  }),
  rule("extend signed", (select, at) => {
    const operand = select.lowHalf(select.fn.operand(at, 0));
    select
      .emit(MachineOp.MoveSign32, 8)
      .define(select.result(at))
      .registerSource({ kind: "register", register: operand });
    return true;
  }),
];

function signExtension(word: string, op: MachineOp): readonly Rule[] {
  return [
    rule(word, (select: Selector, at: Instruction) => {
      const operand = select.input(select.fn.operand(at, 0));
      select
        .emit(op, widthOf(select.fn.type(at)))
        .define(select.result(at))
        .registerSource({ kind: "register", register: operand });
      return true;
    }),
  ];
}

export const EXTEND8_S_RULES = signExtension("extend 8 bits signed", MachineOp.MoveSign8);
export const EXTEND16_S_RULES = signExtension("extend 16 bits signed", MachineOp.MoveSign16);
export const EXTEND32_S_RULES: readonly Rule[] = [
  rule("extend 32 bits signed", (select, at) => {
    const operand = select.register(select.fn.operand(at, 0));
    select
      .emit(MachineOp.MoveSign32, 8)
      .define(select.result(at))
      .registerSource({ kind: "register", register: operand });
    return true;
  }),
];

export const CONST_RULES: readonly Rule[] = [
  rule("constant", (select, at) => {
    const bits = select.constant(select.fn.result(at))!;
    const builder = select
      .emit(MachineOp.MoveImmediate, select.fn.type(at) === Type.I64 ? 8 : 4)
      .define(select.result(at));
    builder.immediate(Number(BigInt.asIntN(32, bits)));
    builder.instruction.immediateHigh = Number(BigInt.asIntN(32, bits >> 32n));
    select.machine.rematerializable[select.result(at)] = builder.instruction;
    return true;
  }),
];
