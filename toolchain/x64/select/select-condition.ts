import type { Value } from "../../ir/function.ts";
import { TrapKind } from "../../ir/machine-code.ts";
import { isComparison, Opcode, type Type } from "../../ir/opcode.ts";
import { Condition, inverted, swapped } from "../machine/condition.ts";
import { hit } from "../machine/coverage.ts";
import type { SourceOperand } from "../machine/instruction-builder.ts";
import { MachineOp } from "../machine/machine-op.ts";
import { type ConditionRule, conditionRule } from "./rule.ts";
import type { Selector } from "./selector.ts";
import { widthOf } from "../machine/type-width.ts";

/**
 * Sets the flags for `value` at the root and returns the condition under which `value` is not zero.
 */
export function selectCondition(select: Selector, value: Value): Condition {
  return select.asCondition(value, () => {
    for (const { name, apply } of CONDITION_RULES) {
      const condition = apply(select, value);
      if (condition === null) continue;
      hit(name);
      return condition;
    }
    throw new Error("the last condition rule has no condition");
  });
}

const CONDITIONS: Partial<Record<Opcode, Condition>> = {
  [Opcode.Eq]: Condition.Equal,
  [Opcode.Ne]: Condition.NotEqual,
  [Opcode.LtS]: Condition.Less,
  [Opcode.LtU]: Condition.Below,
  [Opcode.GtS]: Condition.Greater,
  [Opcode.GtU]: Condition.Above,
  [Opcode.LeS]: Condition.LessOrEqual,
  [Opcode.LeU]: Condition.BelowOrEqual,
  [Opcode.GeS]: Condition.GreaterOrEqual,
  [Opcode.GeU]: Condition.AboveOrEqual,
};

/**
 * The comparison behind `value`, if it is one of this block: then the flags are made anew where
 * they are needed.
 */
function comparisonOf(
  select: Selector,
  value: Value,
): { left: Value; right: Value; condition: Condition; type: Type } | null {
  const op = select.opcodeOf(value);
  if (op === -1 || !isComparison(op) || !select.isInThisBlock(value)) return null;
  const [left, right] = [select.operandOf(value, 0), select.operandOf(value, 1)];
  return { left, right, condition: CONDITIONS[op]!, type: select.typeOf(left) };
}

/**
 * The condition for `x <condition> 0` after `test x, x`, null if that needs more than sign and zero
 * flag.
 */
function againstZero(condition: Condition): Condition | null {
  switch (condition) {
    case Condition.Equal:
    case Condition.BelowOrEqual:
      return Condition.Equal;
    case Condition.NotEqual:
    case Condition.Above:
      return Condition.NotEqual;
    case Condition.Less:
      return Condition.Sign;
    case Condition.GreaterOrEqual:
      return Condition.NotSign;
    // `test` clears overflow and carry, so that these mean what they say.
    case Condition.Greater:
    case Condition.LessOrEqual:
      return condition;
    default:
      return null;
  }
}

/**
 * Bytes of a load that can be compared with zero where it is, because its value has the sign and
 * the zeros of those bytes.
 */
function loadWidth(select: Selector, value: Value): number | null {
  if (select.isFoldableFullLoad(value)) return widthOf(select.typeOf(value));
  if (select.isFoldableLoad(value, Opcode.Load8S)) return 1;
  if (select.isFoldableLoad(value, Opcode.Load16S)) return 2;
  return null;
}

/**
 * Bytes of a load that can be tested with a mask where it is; a byte has a sign of its own, so that
 * its mask must leave the sign out.
 */
function maskedWidth(select: Selector, value: Value, mask: number): number | null {
  if (select.isFoldableFullLoad(value)) return widthOf(select.typeOf(value));
  return mask >= 0 && mask < 0x80 && select.isFoldableLoad(value, Opcode.Load8U) ? 1 : null;
}

/** A variable bit that `value` is or masks, if nothing else needs the mask. */
function variableBit(select: Selector, value: Value): { of: Value; number: Value } | null {
  if (!select.isFoldable(value, Opcode.And) || select.isDemanded(value)) return null;
  const isOne = (other: Value): boolean => select.constant(other) === 1n;
  const isFree = (other: Value, op: Opcode): boolean =>
    select.isFoldable(other, op) && !select.isDemanded(other);
  const [left, right] = [select.operandOf(value, 0), select.operandOf(value, 1)];
  const shift = isFree(left, Opcode.ShrU) || isFree(left, Opcode.ShrS) ? left : null;
  if (shift !== null && isOne(right) && select.constant(select.operandOf(shift, 1)) === null)
    return { of: select.operandOf(shift, 0), number: select.operandOf(shift, 1) };
  for (const [mask, of] of [
    [left, right],
    [right, left],
  ] as const) {
    if (!isFree(mask, Opcode.Shl) || !isOne(select.operandOf(mask, 0))) continue;
    return { of, number: select.operandOf(mask, 1) };
  }
  return null;
}

/** Sets the carry to the bit. */
function emitBitTest(select: Selector, { of, number }: { of: Value; number: Value }): void {
  const width = widthOf(select.typeOf(of));
  const position = select.input(number);
  const value = select.input(of);
  select
    .emit(MachineOp.BitTest, width)
    .use(value)
    .registerSource({ kind: "register", register: position });
}

/**
 * Sets zero and sign flag for `value`: a mask that only the test needs is tested itself, a load is
 * compared in memory.
 */
function emitTest(select: Selector, value: Value): void {
  const width = widthOf(select.typeOf(value));
  const inMemory = loadWidth(select, value);
  if (inMemory !== null) {
    emitInMemory(select, MachineOp.Cmp, select.foldLoad(value), 0, inMemory);
    return;
  }
  if (select.isFoldable(value, Opcode.And) && !select.isDemanded(value)) {
    const [left, right] = [select.operandOf(value, 0), select.operandOf(value, 1)];
    const immediate = select.immediate(right);
    const masked = immediate === null ? null : maskedWidth(select, left, immediate);
    if (masked !== null) {
      emitInMemory(select, MachineOp.Test, select.foldLoad(left), immediate!, masked);
      return;
    }
    const source: SourceOperand =
      immediate !== null
        ? { kind: "immediate", value: immediate }
        : { kind: "register", register: select.input(right) };
    const register = select.input(left);
    select.emit(MachineOp.Test, width).use(register).registerSource(source);
    return;
  }
  const register = select.input(value);
  select.emit(MachineOp.Test, width).use(register).registerSource({ kind: "register", register });
}

/**
 * An unsigned comparison in place of a signed one, for operands that are both zero-extended bytes
 * or words.
 */
function unsignedFor(condition: Condition): Condition {
  switch (condition) {
    case Condition.Less:
      return Condition.Below;
    case Condition.Greater:
      return Condition.Above;
    case Condition.LessOrEqual:
      return Condition.BelowOrEqual;
    case Condition.GreaterOrEqual:
      return Condition.AboveOrEqual;
    default:
      return condition;
  }
}

/** Truth values, in the order tried; the last rule takes any value. */
const CONDITION_RULES: readonly ConditionRule[] = [
  conditionRule("condition: not", (select, value) => {
    if (
      select.opcodeOf(value) !== Opcode.Eqz ||
      !select.isInThisBlock(value) ||
      select.isDeepCondition
    )
      return null;
    return inverted(selectCondition(select, select.operandOf(value, 0)));
  }),

  conditionRule("condition: byte or word in memory against a constant", (select, value) => {
    const comparison = comparisonOf(select, value);
    if (comparison === null) return null;
    const constant = select.constant(comparison.right);
    if (constant === null) return null;
    const isByte = select.isFoldableLoad(comparison.left, Opcode.Load8U);
    if (!isByte && !select.isFoldableLoad(comparison.left, Opcode.Load16U)) return null;
    const bits = isByte ? 8 : 16;
    if (constant >= 1n << BigInt(bits)) return null;
    const source = select.foldLoad(comparison.left);
    emitInMemory(select, MachineOp.Cmp, source, Number(BigInt.asIntN(bits, constant)), bits / 8);
    return unsignedFor(comparison.condition);
  }),

  conditionRule("condition: bit of a number that varies", (select, value) => {
    const bit = variableBit(select, value);
    if (bit === null) return null;
    emitBitTest(select, bit);
    return Condition.Below;
  }),

  conditionRule("condition: such a bit against zero", (select, value) => {
    const comparison = comparisonOf(select, value);
    const isEqual = comparison?.condition === Condition.Equal;
    if (comparison === null || (!isEqual && comparison.condition !== Condition.NotEqual))
      return null;
    const bit = select.constant(comparison.right) === 0n && variableBit(select, comparison.left);
    if (!bit) return null;
    emitBitTest(select, bit);
    return isEqual ? Condition.AboveOrEqual : Condition.Below;
  }),

  conditionRule("condition: against zero", (select, value) => {
    const comparison = comparisonOf(select, value);
    if (comparison === null || select.constant(comparison.right) !== 0n) return null;
    const condition = againstZero(comparison.condition);
    if (condition === null) return null;
    emitTest(select, comparison.left);
    return condition;
  }),

  conditionRule("condition: memory against a constant", (select, value) => {
    const comparison = comparisonOf(select, value);
    if (comparison === null) return null;
    const immediate = select.immediate(comparison.right);
    if (immediate === null || !select.isFoldableFullLoad(comparison.left)) return null;
    emitInMemory(
      select,
      MachineOp.Cmp,
      select.foldLoad(comparison.left),
      immediate,
      widthOf(comparison.type),
    );
    return comparison.condition;
  }),

  conditionRule("condition: memory on the left", (select, value) => {
    const comparison = comparisonOf(select, value);
    if (
      comparison === null ||
      select.constant(comparison.right) !== null ||
      !select.isFoldableFullLoad(comparison.left)
    )
      return null;
    const source = select.foldLoad(comparison.left);
    const right = select.input(comparison.right);
    select
      .emit(MachineOp.Cmp, widthOf(comparison.type))
      .use(right)
      .source(source)
      .traps(TrapKind.OutOfBounds);
    return swapped(comparison.condition);
  }),

  conditionRule("condition: constant on the left", (select, value) => {
    const comparison = comparisonOf(select, value);
    if (comparison === null) return null;
    const immediate = select.immediate(comparison.left);
    if (immediate === null || select.constant(comparison.right) !== null) return null;
    const right = select.input(comparison.right);
    select
      .emit(MachineOp.Cmp, widthOf(comparison.type))
      .use(right)
      .source({ kind: "immediate", value: immediate });
    return swapped(comparison.condition);
  }),

  conditionRule("condition: comparison", (select, value) => {
    const comparison = comparisonOf(select, value);
    if (comparison === null) return null;
    const right = select.source(comparison.right);
    const left = select.input(comparison.left);
    const builder = select.emit(MachineOp.Cmp, widthOf(comparison.type)).use(left).source(right);
    if (right.kind === "memory") builder.traps(TrapKind.OutOfBounds);
    return comparison.condition;
  }),

  // Its sign is not the byte's, but whether it is zero is.
  conditionRule("condition: byte or word in memory", (select, value) => {
    const isByte = select.isFoldableLoad(value, Opcode.Load8U);
    if (!isByte && !select.isFoldableLoad(value, Opcode.Load16U)) return null;
    emitInMemory(select, MachineOp.Cmp, select.foldLoad(value), 0, isByte ? 1 : 2);
    return Condition.NotEqual;
  }),

  conditionRule("condition: any value", (select, value) => {
    emitTest(select, value);
    return Condition.NotEqual;
  }),
];

function emitInMemory(
  select: Selector,
  op: MachineOp,
  source: SourceOperand & { kind: "memory" },
  immediate: number,
  width: number,
): void {
  const builder = select
    .emit(op, width)
    .source({ kind: "immediate", value: immediate })
    .toMemory()
    .memory(source.address)
    .traps(TrapKind.OutOfBounds);
  builder.instruction.trapOrigin = source.load;
}
