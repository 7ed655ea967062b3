import type { IrFunction, Value } from "./function.ts";
import { isComparison, Opcode, Type } from "./opcode.ts";

/** Definitions that are followed: deeper ones seldom tell more, and the walk must stay short. */
const DEPTH_MAX = 6;

/** A number n such that `value` as an unsigned number is below 2^n. */
export function bitLength(fn: IrFunction, value: Value, depth = 0): number {
  const width = fn.valueType(value) === Type.I32 ? 32 : 64;
  const definition = fn.definition(value);
  if (definition === -1 || depth > DEPTH_MAX) return width;
  const op = fn.opcode(definition);
  const of = (index: number): number => bitLength(fn, fn.operand(definition, index), depth + 1);
  const constant = (index: number): bigint | null => {
    const operand = fn.definition(fn.operand(definition, index));
    return operand !== -1 && fn.opcode(operand) === Opcode.Const ? fn.constantBits(operand) : null;
  };
  if (isComparison(op)) return 1;
  switch (op) {
    case Opcode.Const: {
      const bits = fn.constantBits(definition);
      return bits === 0n ? 0 : bits.toString(2).length;
    }
    case Opcode.Eqz:
      return 1;
    case Opcode.Load8U:
      return 8;
    case Opcode.Load16U:
      return 16;
    case Opcode.Load32U:
      return 32;
    case Opcode.And:
      return Math.min(of(0), of(1));
    case Opcode.Or:
    case Opcode.Xor:
      return Math.max(of(0), of(1));
    case Opcode.Add:
      return Math.min(width, Math.max(of(0), of(1)) + 1);
    case Opcode.Mul:
      return Math.min(width, of(0) + of(1));
    case Opcode.Select:
      return Math.max(of(1), of(2));
    case Opcode.ExtendU:
      return of(0);
    case Opcode.Wrap:
      return Math.min(32, of(0));
    case Opcode.Clz:
    case Opcode.Ctz:
    case Opcode.Popcnt:
      return 7;
    case Opcode.MemorySize:
      return 17;
    case Opcode.RemU:
      return Math.min(of(0), of(1));
    case Opcode.DivU:
      return of(0);
    case Opcode.ShrU: {
      const count = constant(1);
      return count === null ? of(0) : Math.max(0, of(0) - Number(count % BigInt(width)));
    }
    case Opcode.Shl: {
      const count = constant(1);
      return count === null ? width : Math.min(width, of(0) + Number(count % BigInt(width)));
    }
    default:
      return width;
  }
}
