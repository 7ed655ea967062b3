/**
 * What the pure operations mean, on numbers. The one definition for constant folding and for the
 * interpreter.
 */
import { Opcode, Type } from "./opcode.ts";

/**
 * The result of a pure operation with `type` in its type column, on operands given as unsigned
 * bits; null for operations that are none.
 */
export function evaluate(op: Opcode, type: Type, operands: readonly bigint[]): bigint | null {
  const width = type === Type.I32 ? 32 : 64;
  const bits = BigInt(width);
  const wrap = (value: bigint): bigint => BigInt.asUintN(width, value);
  const signed = (value: bigint): bigint => BigInt.asIntN(width, value);
  const [left, right] = operands as [bigint, bigint];
  const flag = (condition: boolean): bigint => (condition ? 1n : 0n);
  const count = right === undefined ? 0n : right % bits;
  switch (op) {
    case Opcode.Add:
      return wrap(left + right);
    case Opcode.Sub:
      return wrap(left - right);
    case Opcode.Mul:
      return wrap(left * right);
    case Opcode.MulHighU:
      return (left * right) >> 64n;
    case Opcode.And:
      return left & right;
    case Opcode.Or:
      return left | right;
    case Opcode.Xor:
      return left ^ right;
    case Opcode.Shl:
      return wrap(left << count);
    case Opcode.ShrU:
      return left >> count;
    case Opcode.ShrS:
      return wrap(signed(left) >> count);
    case Opcode.Rotl:
      return wrap((left << count) | (left >> (bits - count)));
    case Opcode.Rotr:
      return wrap((left >> count) | (left << (bits - count)));
    case Opcode.Eq:
      return flag(left === right);
    case Opcode.Ne:
      return flag(left !== right);
    case Opcode.LtU:
      return flag(left < right);
    case Opcode.LeU:
      return flag(left <= right);
    case Opcode.GtU:
      return flag(left > right);
    case Opcode.GeU:
      return flag(left >= right);
    case Opcode.LtS:
      return flag(signed(left) < signed(right));
    case Opcode.LeS:
      return flag(signed(left) <= signed(right));
    case Opcode.GtS:
      return flag(signed(left) > signed(right));
    case Opcode.GeS:
      return flag(signed(left) >= signed(right));
    case Opcode.Eqz:
      return flag(left === 0n);
    case Opcode.Clz:
      return left === 0n ? bits : BigInt(width - left.toString(2).length);
    case Opcode.Ctz:
      return left === 0n ? bits : BigInt((left & -left).toString(2).length - 1);
    case Opcode.Popcnt:
      return BigInt(left.toString(2).replaceAll("0", "").length);
    case Opcode.Wrap:
      return BigInt.asUintN(32, left);
    case Opcode.ExtendU:
      return left;
    case Opcode.ExtendS:
      return wrap(BigInt.asIntN(32, left));
    case Opcode.Extend8S:
      return wrap(BigInt.asIntN(8, left));
    case Opcode.Extend16S:
      return wrap(BigInt.asIntN(16, left));
    case Opcode.Extend32S:
      return wrap(BigInt.asIntN(32, left));
    case Opcode.Select:
      return operands[0] !== 0n ? operands[1]! : operands[2]!;
    default:
      return null;
  }
}

type DivisionTrap = "zero" | "overflow";

/** Quotient or remainder, or why there is none. */
export function evaluateDivision(
  op: Opcode,
  type: Type,
  left: bigint,
  right: bigint,
): bigint | DivisionTrap {
  const width = type === Type.I32 ? 32 : 64;
  if (right === 0n) return "zero";
  if (op === Opcode.DivU) return left / right;
  if (op === Opcode.RemU) return left % right;
  const [dividend, divisor] = [BigInt.asIntN(width, left), BigInt.asIntN(width, right)];
  if (op === Opcode.RemS) return BigInt.asUintN(width, dividend % divisor);
  const quotient = dividend / divisor;
  return quotient === 1n << BigInt(width - 1) ? "overflow" : BigInt.asUintN(width, quotient);
}
