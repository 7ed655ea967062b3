import type { Instruction } from "../../ir/function.ts";
import type { Level } from "../../ir/module.ts";
import { Type } from "../../ir/opcode.ts";
import { Condition } from "../machine/condition.ts";
import type { VirtualRegister } from "../machine/machine-function.ts";
import { MachineOp } from "../machine/machine-op.ts";
import { type Rule, rule } from "./rule.ts";
import type { Selector } from "./selector.ts";
import { widthOf } from "../machine/type-width.ts";

/**
 * The instruction for the operation, only for levels that have it: older processors silently
 * execute LZCNT and TZCNT as BSR and BSF.
 */
function byInstruction(name: string, op: MachineOp, level: Level): Rule {
  return rule(name, (select, at) => {
    if (select.module.level < level) return false;
    const source = select.registerOrMemory(select.fn.operand(at, 0));
    select
      .emit(op, widthOf(select.fn.type(at)))
      .define(select.result(at))
      .source(source);
    return true;
  });
}

/** The number of the first set bit, from the end where `op` begins; `otherwise` where none is. */
function emitFirstBit(
  select: Selector,
  at: Instruction,
  op: MachineOp,
  result: VirtualRegister,
  otherwise: number,
): void {
  const type = select.fn.type(at);
  const source = select.registerOrMemory(select.fn.operand(at, 0));
  const [found, none] = [select.temporary(Type.I64), select.temporary(type)];
  const constant = select
    .emit(MachineOp.MoveImmediate, widthOf(type))
    .define(none)
    .immediate(otherwise);
  select.machine.rematerializable[none] = constant.instruction;
  select.emit(op, widthOf(type)).define(found).source(source);
  select
    .emit(MachineOp.ConditionalMove, widthOf(type))
    .defineTied(result, none)
    .registerSource({ kind: "register", register: found })
    .condition(Condition.NotEqual);
}

export const CLZ_RULES: readonly Rule[] = [
  byInstruction("count leading zeros: lzcnt", MachineOp.Lzcnt, 3),
  rule("count leading zeros: bsr", (select, at) => {
    const type = select.fn.type(at);
    const bits = 8 * widthOf(type);
    const highest = select.temporary(type);
    // Bit n from below is bit (bits - 1) xor n from above, and 2 * bits - 1 comes out as `bits`.
    emitFirstBit(select, at, MachineOp.Bsr, highest, 2 * bits - 1);
    select
      .emit(MachineOp.Xor, widthOf(type))
      .defineTied(select.result(at), highest)
      .source({ kind: "immediate", value: bits - 1 });
    return true;
  }),
];

export const CTZ_RULES: readonly Rule[] = [
  byInstruction("count trailing zeros: tzcnt", MachineOp.Tzcnt, 3),
  rule("count trailing zeros: bsf", (select, at) => {
    emitFirstBit(select, at, MachineOp.Bsf, select.result(at), 8 * widthOf(select.fn.type(at)));
    return true;
  }),
];

/** A byte repeated over the width, as the bits of a constant. */
const repeated = (type: Type, byte: bigint): bigint =>
  BigInt.asUintN(type === Type.I64 ? 64 : 32, byte * 0x0101_0101_0101_0101n);

export const POPCNT_RULES: readonly Rule[] = [
  byInstruction("count ones: popcnt", MachineOp.Popcnt, 2),
  rule("count ones: sums of pairs, nibbles, bytes", (select, at) => {
    const type = select.fn.type(at);
    const sums = new BitSums(select, type);
    const value = select.input(select.fn.operand(at, 0));
    // Of two bits, the number less the high one is their sum.
    const pairs = sums.combine(MachineOp.Sub, value, sums.masked(sums.shifted(value, 1), 0x55n));
    const nibbles = sums.combine(
      MachineOp.Add,
      sums.masked(pairs, 0x33n),
      sums.masked(sums.shifted(pairs, 2), 0x33n),
    );
    const bytes = sums.masked(
      sums.combine(MachineOp.Add, sums.shifted(nibbles, 4), nibbles),
      0x0fn,
    );
    // The product's highest byte is the sum of all bytes.
    sums.shift(select.result(at), sums.multiplied(bytes, 0x01n), 8 * widthOf(type) - 8);
    return true;
  }),
];

/** Steps of the sum, each into a register of its own. */
class BitSums {
  private readonly width: number;

  constructor(
    private readonly select: Selector,
    private readonly type: Type,
  ) {
    this.width = widthOf(type);
  }

  shifted(value: VirtualRegister, count: number): VirtualRegister {
    return this.shift(this.select.temporary(this.type), value, count);
  }
  shift(result: VirtualRegister, value: VirtualRegister, count: number): VirtualRegister {
    this.select
      .emit(MachineOp.Shr, this.width)
      .defineTied(result, value)
      .source({ kind: "immediate", value: count });
    return result;
  }
  masked(value: VirtualRegister, byte: bigint): VirtualRegister {
    return this.withConstant(MachineOp.And, value, byte);
  }
  multiplied(value: VirtualRegister, byte: bigint): VirtualRegister {
    return this.withConstant(MachineOp.Imul, value, byte);
  }
  combine(op: MachineOp, left: VirtualRegister, right: VirtualRegister): VirtualRegister {
    const result = this.select.temporary(this.type);
    this.select
      .emit(op, this.width)
      .defineTied(result, left)
      .source({ kind: "register", register: right });
    return result;
  }

  private withConstant(op: MachineOp, value: VirtualRegister, byte: bigint): VirtualRegister {
    const bits = repeated(this.type, byte);
    if (this.type === Type.I64) return this.combine(op, value, this.select.constantRegister(bits));
    const result = this.select.temporary(this.type);
    if (op === MachineOp.Imul) {
      const source = { kind: "register", register: value } as const;
      this.select
        .emit(MachineOp.ImulImmediate, this.width)
        .define(result)
        .source(source)
        .immediate(Number(bits));
    } else {
      this.select
        .emit(op, this.width)
        .defineTied(result, value)
        .source({ kind: "immediate", value: Number(BigInt.asIntN(32, bits)) });
    }
    return result;
  }
}
