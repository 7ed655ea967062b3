import type { Instruction } from "../../ir/function.ts";
import { Type } from "../../ir/opcode.ts";
import { MachineOp } from "../machine/machine-op.ts";
import { type Rule, rule } from "./rule.ts";
import { selectWithFoldedLoad } from "./select-arithmetic.ts";
import type { Selector } from "./selector.ts";
import { widthOf } from "../machine/type-width.ts";

/** d ← left op right, for operations that commute. */
function selectCommutative(select: Selector, at: Instruction, op: MachineOp): boolean {
  const right = select.source(select.fn.operand(at, 1));
  const left = select.input(select.fn.operand(at, 0));
  const builder = select
    .emit(op, widthOf(select.fn.type(at)))
    .defineTied(select.result(at), left)
    .source(right);
  if (right.kind === "register") builder.commutes();
  return true;
}

/**
 * A 64-bit `and` whose mask leaves only the low half can be done in the low half, which clears the
 * upper one.
 */
function lowMask(select: Selector, at: Instruction): bigint | null {
  const mask = select.constant(select.fn.operand(at, 1));
  return select.fn.type(at) === Type.I64 && mask !== null && mask <= 0xffff_ffffn ? mask : null;
}

const extendRule = (name: string, mask: bigint, op: MachineOp): Rule =>
  rule(name, (select, at) => {
    if (select.constant(select.fn.operand(at, 1)) !== mask) return false;
    const value = select.input(select.fn.operand(at, 0));
    select
      .emit(op, 4)
      .define(select.result(at))
      .registerSource({ kind: "register", register: value });
    return true;
  });

export const AND_RULES: readonly Rule[] = [
  extendRule("and: low byte", 0xffn, MachineOp.MoveZero8),
  extendRule("and: low 16 bits", 0xffffn, MachineOp.MoveZero16),

  rule("and: low half of an i64", (select, at) => {
    if (lowMask(select, at) !== 0xffff_ffffn) return false;
    const value = select.register(select.fn.operand(at, 0));
    select
      .emit(MachineOp.Move, 4)
      .define(select.result(at))
      .source({ kind: "register", register: value });
    return true;
  }),

  rule("and: i64 with a mask of 32 bits", (select, at) => {
    const mask = lowMask(select, at);
    if (mask === null) return false;
    const value = select.register(select.fn.operand(at, 0));
    select
      .emit(MachineOp.And, 4)
      .defineTied(select.result(at), value)
      .source({ kind: "immediate", value: Number(BigInt.asIntN(32, mask)) });
    return true;
  }),

  rule("and: load on the left", (select, at) =>
    selectWithFoldedLoad(select, at, MachineOp.And, 1, 0),
  ),
  rule("and: general", (select, at) => selectCommutative(select, at, MachineOp.And)),
];

export const OR_RULES: readonly Rule[] = [
  rule("or: load on the left", (select, at) =>
    selectWithFoldedLoad(select, at, MachineOp.Or, 1, 0),
  ),
  rule("or: general", (select, at) => selectCommutative(select, at, MachineOp.Or)),
];

export const XOR_RULES: readonly Rule[] = [
  rule("xor: all ones", (select, at) => {
    const type = select.fn.type(at);
    const ones = type === Type.I64 ? 0xffff_ffff_ffff_ffffn : 0xffff_ffffn;
    if (select.constant(select.fn.operand(at, 1)) !== ones) return false;
    const value = select.input(select.fn.operand(at, 0));
    select.emit(MachineOp.Not, widthOf(type)).defineTied(select.result(at), value);
    return true;
  }),
  rule("xor: load on the left", (select, at) =>
    selectWithFoldedLoad(select, at, MachineOp.Xor, 1, 0),
  ),
  rule("xor: general", (select, at) => selectCommutative(select, at, MachineOp.Xor)),
];
