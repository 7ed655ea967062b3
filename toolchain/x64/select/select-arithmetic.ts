import type { Instruction, Value } from "../../ir/function.ts";
import { Opcode, Type } from "../../ir/opcode.ts";
import { NO_ADDRESS } from "../machine/instruction-builder.ts";
import { MachineOp } from "../machine/machine-op.ts";
import { Register } from "../machine/register.ts";
import { type Rule, rule } from "./rule.ts";
import type { Selector } from "./selector.ts";
import { widthOf } from "../machine/type-width.ts";

/** 2, 4 or 8 if `value` is a foldable shift left by 1, 2 or 3. */
function foldableScale(select: Selector, value: Value): 2 | 4 | 8 | null {
  if (!select.isFoldable(value, Opcode.Shl)) return null;
  const count = select.constant(select.operandOf(value, 1));
  return count !== null && count >= 1n && count <= 3n ? ((1 << Number(count)) as 2 | 4 | 8) : null;
}

/**
 * Both operands, and a third constant part, of a sum that one `lea` computes: a + b * scale +
 * displacement.
 */
function selectLea(
  select: Selector,
  at: Instruction,
  base: Value,
  index: Value,
  scale: 1 | 2 | 4 | 8,
  displacement: number,
): void {
  const address = {
    ...NO_ADDRESS,
    base: select.input(base),
    index: select.input(index),
    scale,
    displacement,
  };
  select
    .emit(MachineOp.Lea, widthOf(select.fn.type(at)))
    .define(select.result(at))
    .memory(address);
}

/**
 * Addition. The first rule that matches wins; the last rule has no condition and is the proof that
 * every addition can be selected.
 */
export const ADD_RULES: readonly Rule[] = [
  rule("add: sum and constant", (select, at) => {
    const [left, right] = [select.fn.operand(at, 0), select.fn.operand(at, 1)];
    const addend = select.immediate(right);
    if (addend === null || !select.isFoldable(left, Opcode.Add)) return false;
    const [a, b] = [select.operandOf(left, 0), select.operandOf(left, 1)];
    if (select.constant(b) !== null) return false;
    const scale = foldableScale(select, b);
    if (scale !== null) selectLea(select, at, a, select.operandOf(b, 0), scale, addend);
    else selectLea(select, at, a, b, 1, addend);
    return true;
  }),

  rule("add: constant", (select, at) => {
    const addend = select.immediate(select.fn.operand(at, 1));
    if (addend === null) return false;
    const left = select.input(select.fn.operand(at, 0));
    select
      .emit(MachineOp.AddFlexible, widthOf(select.fn.type(at)))
      .define(select.result(at))
      .use(left)
      .source({ kind: "immediate", value: addend });
    return true;
  }),

  // The optimiser leaves constants on the right, but a front end may call us unoptimised.
  rule("add: to a constant", (select, at) => {
    const addend = select.immediate(select.fn.operand(at, 0));
    if (addend === null) return false;
    const right = select.input(select.fn.operand(at, 1));
    select
      .emit(MachineOp.AddFlexible, widthOf(select.fn.type(at)))
      .define(select.result(at))
      .use(right)
      .source({ kind: "immediate", value: addend });
    return true;
  }),

  rule("add: scaled right", (select, at) => {
    const [left, right] = [select.fn.operand(at, 0), select.fn.operand(at, 1)];
    const scale = foldableScale(select, right);
    if (scale === null) return false;
    selectLea(select, at, left, select.operandOf(right, 0), scale, 0);
    return true;
  }),

  rule("add: scaled left", (select, at) => {
    const [left, right] = [select.fn.operand(at, 0), select.fn.operand(at, 1)];
    const scale = foldableScale(select, left);
    if (scale === null) return false;
    selectLea(select, at, right, select.operandOf(left, 0), scale, 0);
    return true;
  }),

  rule("add: load on the right", (select, at) =>
    selectWithFoldedLoad(select, at, MachineOp.Add, 0, 1),
  ),
  rule("add: load on the left", (select, at) =>
    selectWithFoldedLoad(select, at, MachineOp.Add, 1, 0),
  ),

  rule("add: registers", (select, at) => {
    const left = select.input(select.fn.operand(at, 0));
    const right = select.input(select.fn.operand(at, 1));
    select
      .emit(MachineOp.AddFlexible, widthOf(select.fn.type(at)))
      .define(select.result(at))
      .use(left)
      .registerSource({ kind: "register", register: right });
    return true;
  }),
];

/** d ← operand `kept` op [load], where operand `folded` is a load that may be folded. */
export function selectWithFoldedLoad(
  select: Selector,
  at: Instruction,
  op: MachineOp,
  kept: number,
  folded: number,
): boolean {
  const load = select.fn.operand(at, folded);
  if (!select.isFoldableFullLoad(load)) return false;
  const source = select.foldLoad(load);
  const value = select.input(select.fn.operand(at, kept));
  select
    .emit(op, widthOf(select.fn.type(at)))
    .defineTied(select.result(at), value)
    .source(source);
  return true;
}

export const SUB_RULES: readonly Rule[] = [
  rule("sub: from zero", (select, at) => {
    if (select.constant(select.fn.operand(at, 0)) !== 0n) return false;
    const value = select.input(select.fn.operand(at, 1));
    select.emit(MachineOp.Neg, widthOf(select.fn.type(at))).defineTied(select.result(at), value);
    return true;
  }),

  // The negated constant is added, so that lea can do it. The one constant whose negation is no
  // immediate of an i64 is left to `sub`.
  rule("sub: constant", (select, at) => {
    const subtrahend = select.immediate(select.fn.operand(at, 1));
    if (subtrahend === null || subtrahend === -(2 ** 31)) return false;
    const left = select.input(select.fn.operand(at, 0));
    select
      .emit(MachineOp.AddFlexible, widthOf(select.fn.type(at)))
      .define(select.result(at))
      .use(left)
      .source({ kind: "immediate", value: -subtrahend });
    return true;
  }),

  rule("sub: general", (select, at) => {
    const right = select.source(select.fn.operand(at, 1));
    const left = select.input(select.fn.operand(at, 0));
    select
      .emit(MachineOp.Sub, widthOf(select.fn.type(at)))
      .defineTied(select.result(at), left)
      .source(right);
    return true;
  }),
];

const LEA_FACTORS = new Map<bigint, 2 | 4 | 8>([
  [3n, 2],
  [5n, 4],
  [9n, 8],
]);

/** The exponent if `bits` is a power of two, else null. */
export function exponentOf(bits: bigint): number | null {
  if (bits <= 0n || (bits & (bits - 1n)) !== 0n) return null;
  return bits.toString(2).length - 1;
}

export const MUL_RULES: readonly Rule[] = [
  rule("mul: power of two", (select, at) => {
    const factor = select.constant(select.fn.operand(at, 1));
    const exponent = factor === null ? null : exponentOf(factor);
    if (exponent === null) return false;
    const value = select.input(select.fn.operand(at, 0));
    select
      .emit(MachineOp.Shl, widthOf(select.fn.type(at)))
      .defineTied(select.result(at), value)
      .source({ kind: "immediate", value: exponent });
    return true;
  }),

  rule("mul: 3, 5 or 9", (select, at) => {
    const factor = select.constant(select.fn.operand(at, 1));
    const scale = factor === null ? undefined : LEA_FACTORS.get(factor);
    if (scale === undefined) return false;
    selectLea(select, at, select.fn.operand(at, 0), select.fn.operand(at, 0), scale, 0);
    return true;
  }),

  rule("mul: constant", (select, at) => {
    const factor = select.immediate(select.fn.operand(at, 1));
    if (factor === null) return false;
    const source = select.registerOrMemory(select.fn.operand(at, 0));
    select
      .emit(MachineOp.ImulImmediate, widthOf(select.fn.type(at)))
      .define(select.result(at))
      .source(source)
      .immediate(factor);
    return true;
  }),

  rule("mul: load on the left", (select, at) =>
    selectWithFoldedLoad(select, at, MachineOp.Imul, 1, 0),
  ),

  rule("mul: general", (select, at) => {
    const right = select.registerOrMemory(select.fn.operand(at, 1));
    const left = select.input(select.fn.operand(at, 0));
    select
      .emit(MachineOp.Imul, widthOf(select.fn.type(at)))
      .defineTied(select.result(at), left)
      .source(right)
      .commutes();
    return true;
  }),
];

export const MUL_HIGH_RULES: readonly Rule[] = [
  rule("multiply high", (select, at) => {
    const right = select.registerOrMemory(select.fn.operand(at, 1));
    const left = select.register(select.fn.operand(at, 0));
    select
      .emit(MachineOp.Multiply, 8)
      .defineFixed(select.result(at), Register.rdx)
      .defineFixed(select.temporary(Type.I64), Register.rax)
      .useFixed(left, Register.rax)
      .source(right);
    return true;
  }),
];
