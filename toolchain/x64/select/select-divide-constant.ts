import type { Instruction } from "../../ir/function.ts";
import { Type } from "../../ir/opcode.ts";
import type { VirtualRegister } from "../machine/machine-function.ts";
import { MachineOp } from "../machine/machine-op.ts";
import {
  type Reciprocal,
  reciprocalS32,
  reciprocalU32,
  reciprocalU64,
  wideReciprocalU32,
} from "./reciprocal.ts";
import { Register } from "../machine/register.ts";
import { type Rule, rule } from "./rule.ts";
import type { Selector } from "./selector.ts";
import { widthOf } from "../machine/type-width.ts";

// Divisions by constants without a division. None of them can trap: the divisor is neither 0 nor
// -1.

const emitRegister = (register: VirtualRegister) => ({ kind: "register", register }) as const;
const immediateOf = (value: number) => ({ kind: "immediate", value }) as const;

/**
 * The divisor if it is a constant from 3 on that is no power of two, as the instruction's type
 * reads it; else null.
 */
function divisorOf(select: Selector, at: Instruction, isSigned: boolean): bigint | null {
  const bits = select.constant(select.fn.operand(at, 1));
  if (bits === null) return null;
  const divisor = isSigned ? BigInt.asIntN(8 * widthOf(select.fn.type(at)), bits) : bits;
  return divisor >= 3n && (divisor & (divisor - 1n)) !== 0n ? divisor : null;
}

/** value * multiplier, low 64 bits. `value` is an i64, or an i32 that is read extended. */
function emitProduct(
  select: Selector,
  value: VirtualRegister,
  multiplier: bigint,
): VirtualRegister {
  const product = select.temporary(Type.I64);
  if (multiplier < 1n << 31n) {
    select
      .emit(MachineOp.ImulImmediate, 8)
      .define(product)
      .source(emitRegister(value))
      .immediate(Number(multiplier));
  } else {
    select
      .emit(MachineOp.Imul, 8)
      .defineTied(product, select.constantRegister(multiplier))
      .source(emitRegister(value));
  }
  return product;
}

function emitHighProduct(
  select: Selector,
  value: VirtualRegister,
  multiplier: bigint,
  high: VirtualRegister,
): void {
  select
    .emit(MachineOp.Multiply, 8)
    .defineFixed(high, Register.rdx)
    .defineFixed(select.temporary(Type.I64), Register.rax)
    .useFixed(select.constantRegister(multiplier), Register.rax)
    .source(emitRegister(value));
}

/** The quotient of `value` in a new register of the instruction's type. */
type Quotient = (select: Selector, value: VirtualRegister) => VirtualRegister;

function quotientU32(divisor: bigint): Quotient | null {
  const narrow = reciprocalU32(divisor);
  if (narrow !== null)
    return (select, value) =>
      lowHalf(
        select,
        shifted(select, emitProduct(select, value, narrow.multiplier), MachineOp.Shr, narrow.shift),
      );
  const wide = wideReciprocalU32(divisor);
  if (wide === null) return null;
  return (select, value) => {
    const high = select.temporary(Type.I64);
    emitHighProduct(select, value, wide.multiplier, high);
    return lowHalf(select, high);
  };
}

function quotientU64(divisor: bigint): Quotient | null {
  const reciprocal = reciprocalU64(divisor);
  if (reciprocal === null) return null;
  return (select, value) => {
    const high = select.temporary(Type.I64);
    emitHighProduct(select, value, reciprocal.multiplier, high);
    return shifted(select, high, MachineOp.Shr, reciprocal.shift - 64);
  };
}

function quotientS32(divisor: bigint): Quotient | null {
  const reciprocal = reciprocalS32(divisor);
  return reciprocal === null ? null : (select, value) => signedQuotient(select, value, reciprocal);
}

function signedQuotient(
  select: Selector,
  value: VirtualRegister,
  { multiplier, shift }: Reciprocal,
): VirtualRegister {
  const wide = select.temporary(Type.I64);
  select.emit(MachineOp.MoveSign32, 8).define(wide).registerSource(emitRegister(value));
  const below = shifted(select, emitProduct(select, wide, multiplier), MachineOp.Sar, shift);
  const [sign, quotient] = [select.temporary(Type.I32), select.temporary(Type.I32)];
  select.emit(MachineOp.Shr, 4).defineTied(sign, value).source(immediateOf(31));
  select
    .emit(MachineOp.AddFlexible, 4)
    .define(quotient)
    .use(below)
    .registerSource(emitRegister(sign));
  return quotient;
}

function shifted(
  select: Selector,
  value: VirtualRegister,
  op: MachineOp,
  count: number,
): VirtualRegister {
  if (count === 0) return value;
  const result = select.temporary(Type.I64);
  select.emit(op, 8).defineTied(result, value).source(immediateOf(count));
  return result;
}

/** A quotient of u32 fits 32 bits, so that this is the same value as an i32. */
function lowHalf(select: Selector, value: VirtualRegister): VirtualRegister {
  const result = select.temporary(Type.I32);
  select.emit(MachineOp.Move, 4).define(result).registerSource(emitRegister(value));
  return result;
}

function findQuotient(
  select: Selector,
  at: Instruction,
  isSigned: boolean,
): { quotient: Quotient; divisor: bigint } | null {
  const divisor = divisorOf(select, at, isSigned);
  if (divisor === null) return null;
  const isWide = select.fn.type(at) === Type.I64;
  if (isSigned && isWide) return null;
  const quotient = isSigned
    ? quotientS32(divisor)
    : isWide
      ? quotientU64(divisor)
      : quotientU32(divisor);
  return quotient === null ? null : { quotient, divisor };
}

function divideRule(name: string, isSigned: boolean): Rule {
  return rule(name, (select, at) => {
    const found = findQuotient(select, at, isSigned);
    if (found === null) return false;
    const quotient = found.quotient(select, select.register(select.fn.operand(at, 0)));
    const width = widthOf(select.fn.type(at));
    select
      .emit(MachineOp.Move, width)
      .define(select.result(at))
      .registerSource(emitRegister(quotient));
    return true;
  });
}

function remainderRule(name: string, isSigned: boolean): Rule {
  return rule(name, (select, at) => {
    const found = findQuotient(select, at, isSigned);
    if (found === null || found.divisor >= 1n << 31n) return false;
    const width = widthOf(select.fn.type(at));
    const type = select.fn.type(at);
    const value = select.register(select.fn.operand(at, 0));
    const quotient = found.quotient(select, value);
    const multiple = select.temporary(type);
    select
      .emit(MachineOp.ImulImmediate, width)
      .define(multiple)
      .registerSource(emitRegister(quotient))
      .immediate(Number(found.divisor));
    select
      .emit(MachineOp.Sub, width)
      .defineTied(select.result(at), value)
      .source(emitRegister(multiple));
    return true;
  });
}

export const DIVIDE_U_CONSTANT = divideRule("divide unsigned: constant", false);
export const DIVIDE_S_CONSTANT = divideRule("divide signed: constant", true);
export const REMAINDER_U_CONSTANT = remainderRule("remainder unsigned: constant", false);
export const REMAINDER_S_CONSTANT = remainderRule(
  "remainder signed: constant, by reciprocal",
  true,
);

/** Signed division by 2^k rounds to zero: a negative dividend is raised by 2^k - 1 first. */
export const DIVIDE_S_POWER_OF_TWO = rule("divide signed: power of two", (select, at) => {
  const exponent = exponentOfSigned(select, at);
  if (exponent === null) return false;
  const width = widthOf(select.fn.type(at));
  const raised = emitRaised(select, at, exponent);
  select
    .emit(MachineOp.Sar, width)
    .defineTied(select.result(at), raised)
    .source(immediateOf(exponent));
  return true;
});

export const REMAINDER_S_POWER_OF_TWO = rule("remainder signed: power of two", (select, at) => {
  const exponent = exponentOfSigned(select, at);
  if (exponent === null || exponent > 30) return false;
  const type = select.fn.type(at);
  const width = widthOf(type);
  const raised = emitRaised(select, at, exponent);
  const multiple = select.temporary(type);
  select
    .emit(MachineOp.And, width)
    .defineTied(multiple, raised)
    .source(immediateOf(-(2 ** exponent)));
  select
    .emit(MachineOp.Sub, width)
    .defineTied(select.result(at), select.register(select.fn.operand(at, 0)))
    .source(emitRegister(multiple));
  return true;
});

function exponentOfSigned(select: Selector, at: Instruction): number | null {
  const bits = select.constant(select.fn.operand(at, 1));
  if (bits === null || bits < 2n || (bits & (bits - 1n)) !== 0n) return null;
  const exponent = bits.toString(2).length - 1;
  // The highest bit alone is the most negative number.
  return exponent < 8 * widthOf(select.fn.type(at)) - 1 ? exponent : null;
}

function emitRaised(select: Selector, at: Instruction, exponent: number): VirtualRegister {
  const type = select.fn.type(at);
  const width = widthOf(type);
  const value = select.register(select.fn.operand(at, 0));
  const [sign, bias, raised] = [
    select.temporary(type),
    select.temporary(type),
    select.temporary(type),
  ];
  if (exponent === 1) {
    select
      .emit(MachineOp.Shr, width)
      .defineTied(bias, value)
      .source(immediateOf(8 * width - 1));
  } else {
    select
      .emit(MachineOp.Sar, width)
      .defineTied(sign, value)
      .source(immediateOf(8 * width - 1));
    select
      .emit(MachineOp.Shr, width)
      .defineTied(bias, sign)
      .source(immediateOf(8 * width - exponent));
  }
  select
    .emit(MachineOp.AddFlexible, width)
    .define(raised)
    .use(value)
    .registerSource(emitRegister(bias));
  return raised;
}
