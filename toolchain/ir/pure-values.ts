/**
 * Makes pure values: folds constants, applies algebraic rules (`simplify.ts`) and hands out an
 * existing equal value where there is one. Because pure values belong to no block yet, equal
 * operation and operands are all that equality takes.
 */
import type { Instruction, IrFunction, Value } from "./function.ts";
import { Opcode, Type } from "./opcode.ts";
import { type PureValueMaker, simplify } from "./simplify.ts";

export class PureValues implements PureValueMaker {
  private readonly constants = new Map<bigint, Value>();
  private readonly longConstants = new Map<bigint, Value>();
  /** Open addressing: instruction + 1, 0 for a free place. */
  private table = new Int32Array(256);
  private count = 0;

  constructor(readonly fn: IrFunction) {}

  constant(type: Type, bits: bigint): Value {
    const known = type === Type.I32 ? this.constants : this.longConstants;
    const unsigned = BigInt.asUintN(type === Type.I32 ? 32 : 64, bits);
    let value = known.get(unsigned);
    if (value === undefined) {
      const { fn } = this;
      const index = fn.constantLow.push(Number(BigInt.asIntN(32, unsigned)));
      fn.constantHigh.push(Number(BigInt.asIntN(32, unsigned >> 32n)));
      value = fn.result(fn.newInstruction(Opcode.Const, type, [], [type], index));
      known.set(unsigned, value);
    }
    return value;
  }

  /** The one constant for a Const instruction that stands somewhere already. */
  adoptConstant(instruction: Instruction): Value {
    return this.constant(this.fn.type(instruction), this.fn.constantBits(instruction));
  }

  /** The bits of a constant, or null. */
  bits(value: Value): bigint | null {
    const definition = this.fn.definition(value);
    return definition !== -1 && this.fn.opcode(definition) === Opcode.Const
      ? this.fn.constantBits(definition)
      : null;
  }

  /** `origin` and `inlinedAt` are recorded if a new value has to be made. */
  make(
    op: Opcode,
    type: Type,
    operands: readonly Value[],
    origin: number,
    inlinedAt: number,
  ): Value {
    const simple = simplify(this, op, type, operands, origin, inlinedAt);
    if (simple !== null) return simple;
    const place = this.find(op, type, operands);
    if (this.table[place] !== 0) return this.fn.result((this.table[place]! - 1) as Instruction);
    const instruction = this.fn.newInstruction(
      op,
      type,
      operands,
      [resultType(op, type)],
      0,
      origin,
      0,
      inlinedAt,
    );
    this.insert(place, instruction);
    return this.fn.result(instruction);
  }

  /**
   * Like `make` for an instruction that exists and whose operands are final: it is kept where
   * nothing simpler or equal is known.
   */
  adopt(instruction: Instruction): Value {
    const { fn } = this;
    const [op, type] = [fn.opcode(instruction), fn.type(instruction)];
    const operands = Array.from({ length: fn.operandCount(instruction) }, (_, i) =>
      fn.operand(instruction, i),
    );
    const simple = simplify(
      this,
      op,
      type,
      operands,
      fn.origin(instruction),
      fn.inlinedAt.data[instruction]!,
    );
    if (simple !== null) return simple;
    const place = this.find(op, type, operands);
    if (this.table[place] !== 0) return fn.result((this.table[place]! - 1) as Instruction);
    this.insert(place, instruction);
    return fn.result(instruction);
  }

  private find(op: Opcode, type: Type, operands: readonly Value[]): number {
    let hash = Math.imul(op * 8 + type, 0x9e3779b1);
    for (const operand of operands) hash = Math.imul(hash ^ operand, 0x85ebca6b) ^ (hash >>> 15);
    const mask = this.table.length - 1;
    for (let place = hash & mask; ; place = (place + 1) & mask) {
      const entry = this.table[place]!;
      if (entry === 0 || this.equals((entry - 1) as Instruction, op, type, operands)) return place;
    }
  }

  private equals(
    instruction: Instruction,
    op: Opcode,
    type: Type,
    operands: readonly Value[],
  ): boolean {
    const { fn } = this;
    if (fn.opcode(instruction) !== op || fn.type(instruction) !== type) return false;
    return operands.every((operand, i) => fn.operand(instruction, i) === operand);
  }

  private insert(place: number, instruction: Instruction): void {
    this.table[place] = instruction + 1;
    if (++this.count * 2 < this.table.length) return;
    const old = this.table;
    this.table = new Int32Array(old.length * 2);
    const { fn } = this;
    for (const entry of old) {
      if (entry === 0) continue;
      const held = (entry - 1) as Instruction;
      const operands = Array.from({ length: fn.operandCount(held) }, (_, i) => fn.operand(held, i));
      this.table[this.find(fn.opcode(held), fn.type(held), operands)] = entry;
    }
  }
}

function resultType(op: Opcode, type: Type): Type {
  return (op >= Opcode.Eq && op <= Opcode.GeU) || op === Opcode.Eqz ? Type.I32 : type;
}
