/**
 * Algebraic rules for pure operations. Each gives an equal value that is already there, or makes a
 * simpler one; none makes a value that costs more. Constants come right, subtraction of a constant
 * is an addition, and `x == 0` is Eqz, so that later rules see one form.
 */
import { evaluate } from "./evaluate.ts";
import type { Instruction, IrFunction, Value } from "./function.ts";
import { bitLength } from "./known-bits.ts";
import { isComparison, Opcode, Type } from "./opcode.ts";

/** What the rules need of the table of pure values (`pure-values.ts`). */
export interface PureValueMaker {
  readonly fn: IrFunction;
  constant(type: Type, bits: bigint): Value;
  /** The bits of a constant; null if `value` is not a constant. */
  bits(value: Value): bigint | null;
  /** The value of an operation, simplified; an equal existing value where there is one. */
  make(
    op: Opcode,
    type: Type,
    operands: readonly Value[],
    origin: number,
    inlinedAt: number,
  ): Value;
}

/** The simpler value, or null where no rule applies. */
export function simplify(
  pure: PureValueMaker,
  op: Opcode,
  type: Type,
  operands: readonly Value[],
  origin: number,
  inlinedAt: number,
): Value | null {
  const folded = fold(pure, op, type, operands);
  if (folded !== null) return folded;
  const rules = new Rules(pure, type, origin, inlinedAt);
  if (operands.length === 1) return rules.unary(op, operands[0]!);
  if (operands.length === 3)
    return op === Opcode.Select ? rules.select(operands[0]!, operands[1]!, operands[2]!) : null;
  if (operands.length !== 2) return null;
  const [left, right] = operands as [Value, Value];
  const isLeftConstant = pure.bits(left) !== null;
  const isRightConstant = pure.bits(right) !== null;
  const swapped = SWAPPED[op];
  // Constants right; of two others the older one left, so that equal sums meet.
  if (swapped !== undefined && !isRightConstant && (isLeftConstant || right < left))
    return rules.make(swapped, right, left);
  return isComparison(op) ? rules.comparison(op, left, right) : rules.binary(op, left, right);
}

function fold(
  pure: PureValueMaker,
  op: Opcode,
  type: Type,
  operands: readonly Value[],
): Value | null {
  if (operands.length === 0) return null;
  const bits: bigint[] = [];
  for (const operand of operands) {
    const constant = pure.bits(operand);
    if (constant === null) return null;
    bits.push(constant);
  }
  const result = evaluate(op, type, bits);
  if (result === null) return null;
  return pure.constant(isComparison(op) || op === Opcode.Eqz ? Type.I32 : type, result);
}

/** The operation with its operands exchanged. */
const SWAPPED: Readonly<Partial<Record<Opcode, Opcode>>> = {
  [Opcode.Add]: Opcode.Add,
  [Opcode.Mul]: Opcode.Mul,
  [Opcode.And]: Opcode.And,
  [Opcode.Or]: Opcode.Or,
  [Opcode.Xor]: Opcode.Xor,
  [Opcode.MulHighU]: Opcode.MulHighU,
  [Opcode.Eq]: Opcode.Eq,
  [Opcode.Ne]: Opcode.Ne,
  [Opcode.LtS]: Opcode.GtS,
  [Opcode.LtU]: Opcode.GtU,
  [Opcode.GtS]: Opcode.LtS,
  [Opcode.GtU]: Opcode.LtU,
  [Opcode.LeS]: Opcode.GeS,
  [Opcode.LeU]: Opcode.GeU,
  [Opcode.GeS]: Opcode.LeS,
  [Opcode.GeU]: Opcode.LeU,
};

/** The comparison that is true where this one is false. */
const NEGATED: Readonly<Partial<Record<Opcode, Opcode>>> = {
  [Opcode.Eq]: Opcode.Ne,
  [Opcode.Ne]: Opcode.Eq,
  [Opcode.LtS]: Opcode.GeS,
  [Opcode.LtU]: Opcode.GeU,
  [Opcode.GeS]: Opcode.LtS,
  [Opcode.GeU]: Opcode.LtU,
  [Opcode.GtS]: Opcode.LeS,
  [Opcode.GtU]: Opcode.LeU,
  [Opcode.LeS]: Opcode.GtS,
  [Opcode.LeU]: Opcode.GtU,
};

/** (x op c1) op c2 is x op (c1 op c2). */
const ASSOCIATIVE = new Set([Opcode.Add, Opcode.Mul, Opcode.And, Opcode.Or, Opcode.Xor]);

/** Defined by x op x. */
const SAME_IS_TRUE = new Set([Opcode.Eq, Opcode.LeS, Opcode.LeU, Opcode.GeS, Opcode.GeU]);

/**
 * What an `x != 0` in a condition tests: `x` itself. For the conditions of branches and selects,
 * which are taken when not zero.
 */
export function conditionOf(fn: IrFunction, value: Value): Value {
  let condition = value;
  for (;;) {
    const definition = fn.definition(condition);
    if (
      definition === -1 ||
      fn.opcode(definition) !== Opcode.Ne ||
      fn.type(definition) !== Type.I32
    )
      return condition;
    const right = fn.definition(fn.operand(definition, 1));
    if (right === -1 || fn.opcode(right) !== Opcode.Const || fn.constantBits(right) !== 0n)
      return condition;
    condition = fn.operand(definition, 0);
  }
}

class Rules {
  private readonly fn: IrFunction;
  private readonly width: number;
  private readonly ones: bigint;

  constructor(
    private readonly pure: PureValueMaker,
    private readonly type: Type,
    private readonly origin: number,
    private readonly inlinedAt: number,
  ) {
    this.fn = pure.fn;
    this.width = type === Type.I32 ? 32 : 64;
    this.ones = (1n << BigInt(this.width)) - 1n;
  }

  make(op: Opcode, ...operands: Value[]): Value {
    return this.pure.make(op, this.type, operands, this.origin, this.inlinedAt);
  }
  private makeAs(type: Type, op: Opcode, ...operands: Value[]): Value {
    return this.pure.make(op, type, operands, this.origin, this.inlinedAt);
  }
  private constant(bits: bigint): Value {
    return this.pure.constant(this.type, bits);
  }
  private flag(value: boolean): Value {
    return this.pure.constant(Type.I32, value ? 1n : 0n);
  }
  /** The defining instruction if it has this opcode, else -1. */
  private defined(value: Value, op: Opcode): Instruction | -1 {
    const definition = this.fn.definition(value);
    return definition !== -1 && this.fn.opcode(definition) === op ? definition : -1;
  }
  private bitLength(value: Value): number {
    return bitLength(this.fn, value);
  }

  unary(op: Opcode, value: Value): Value | null {
    const { fn } = this;
    switch (op) {
      case Opcode.Eqz:
        return this.eqz(value);
      case Opcode.Wrap:
        return this.wrap(value);
      case Opcode.ExtendU: {
        // An i64 that fits is left as it was.
        const wrap = this.defined(value, Opcode.Wrap);
        if (wrap !== -1 && this.bitLength(fn.operand(wrap, 0)) <= 32) return fn.operand(wrap, 0);
        return null;
      }
      case Opcode.ExtendS:
        return this.bitLength(value) < 32 ? this.makeAs(Type.I64, Opcode.ExtendU, value) : null;
      case Opcode.Extend8S:
        return this.signExtend(op, value, 8);
      case Opcode.Extend16S:
        return this.signExtend(op, value, 16);
      case Opcode.Extend32S:
        return this.signExtend(op, value, 32);
      default:
        return null;
    }
  }

  private eqz(value: Value): Value | null {
    const { fn } = this;
    const definition = fn.definition(value);
    if (definition === -1) return null;
    const op = fn.opcode(definition);
    const type = fn.type(definition);
    const negated = NEGATED[op];
    if (negated !== undefined) {
      // !(x != 0) is !x; other comparisons become their negation.
      return this.makeAs(type, negated, fn.operand(definition, 0), fn.operand(definition, 1));
    }
    if (op === Opcode.Eqz)
      return this.makeAs(type, Opcode.Ne, fn.operand(definition, 0), this.pure.constant(type, 0n));
    if (op === Opcode.ExtendU || op === Opcode.ExtendS)
      return this.makeAs(Type.I32, Opcode.Eqz, fn.operand(definition, 0));
    if (op === Opcode.Xor || op === Opcode.Sub)
      return this.makeAs(type, Opcode.Eq, fn.operand(definition, 0), fn.operand(definition, 1));
    return null;
  }

  private wrap(value: Value): Value | null {
    const { fn } = this;
    const definition = fn.definition(value);
    if (definition === -1) return null;
    const op = fn.opcode(definition);
    if (op === Opcode.ExtendU || op === Opcode.ExtendS) return fn.operand(definition, 0);
    if (op === Opcode.And) {
      const mask = this.pure.bits(fn.operand(definition, 1));
      if (mask !== null && (mask & 0xffffffffn) === 0xffffffffn)
        return this.makeAs(Type.I32, Opcode.Wrap, fn.operand(definition, 0));
    }
    // Sums of numbers that were i32 before are better computed in 32 bits.
    const isModular =
      op === Opcode.Add ||
      op === Opcode.Sub ||
      op === Opcode.Mul ||
      op === Opcode.And ||
      op === Opcode.Or ||
      op === Opcode.Xor;
    if (
      !isModular ||
      !this.isNarrow(fn.operand(definition, 0)) ||
      !this.isNarrow(fn.operand(definition, 1))
    )
      return null;
    const left = this.makeAs(Type.I32, Opcode.Wrap, fn.operand(definition, 0));
    const right = this.makeAs(Type.I32, Opcode.Wrap, fn.operand(definition, 1));
    return this.makeAs(Type.I32, op, left, right);
  }

  private isNarrow(value: Value): boolean {
    return (
      this.pure.bits(value) !== null ||
      this.defined(value, Opcode.ExtendU) !== -1 ||
      this.defined(value, Opcode.ExtendS) !== -1
    );
  }

  private signExtend(op: Opcode, value: Value, bits: number): Value | null {
    const { fn } = this;
    if (this.bitLength(value) < bits) return value;
    const definition = fn.definition(value);
    if (definition === -1) return null;
    const inner = fn.opcode(definition);
    const innerBits = SIGNED_BITS[inner];
    if (innerBits !== undefined && innerBits <= bits && fn.type(definition) === this.type)
      return value;
    // The bits that the mask clears are overwritten anyway.
    if (inner === Opcode.And) {
      const mask = this.pure.bits(fn.operand(definition, 1));
      const low = (1n << BigInt(bits)) - 1n;
      if (mask !== null && (mask & low) === low) return this.make(op, fn.operand(definition, 0));
    }
    return null;
  }

  select(condition: Value, ifNotZero: Value, ifZero: Value): Value | null {
    const { fn, pure } = this;
    if (ifNotZero === ifZero) return ifZero;
    const constant = pure.bits(condition);
    if (constant !== null) return constant !== 0n ? ifNotZero : ifZero;
    const eqz = this.defined(condition, Opcode.Eqz);
    if (eqz !== -1 && fn.type(eqz) === Type.I32)
      return this.make(Opcode.Select, fn.operand(eqz, 0), ifZero, ifNotZero);
    const plain = conditionOf(fn, condition);
    if (plain !== condition) return this.make(Opcode.Select, plain, ifNotZero, ifZero);
    const [first, second] = [pure.bits(ifNotZero), pure.bits(ifZero)];
    if (first === 1n && second === 0n && this.bitLength(condition) <= 1) {
      return this.type === Type.I32 ? condition : this.makeAs(Type.I64, Opcode.ExtendU, condition);
    }
    if (first === 0n && second === 1n && this.type === Type.I32)
      return this.makeAs(Type.I32, Opcode.Eqz, condition);
    // Of booleans: "and", "or".
    if (this.type === Type.I32 && this.bitLength(condition) <= 1) {
      if (second === 0n && this.bitLength(ifNotZero) <= 1)
        return this.make(Opcode.And, condition, ifNotZero);
      if (first === 1n && this.bitLength(ifZero) <= 1)
        return this.make(Opcode.Or, condition, ifZero);
    }
    return null;
  }

  binary(op: Opcode, left: Value, right: Value): Value | null {
    const { fn, pure } = this;
    const constant = pure.bits(right);
    if (constant === null) return this.binaryOfVariables(op, left, right);
    const definition = fn.definition(left);

    if (
      ASSOCIATIVE.has(op) &&
      definition !== -1 &&
      fn.opcode(definition) === op &&
      fn.type(definition) === this.type
    ) {
      const inner = pure.bits(fn.operand(definition, 1));
      if (inner !== null)
        return this.make(
          op,
          fn.operand(definition, 0),
          this.constant(evaluate(op, this.type, [inner, constant])!),
        );
    }
    switch (op) {
      case Opcode.Add:
        return constant === 0n ? left : null;
      case Opcode.Sub:
        return this.make(Opcode.Add, left, this.constant(-constant));
      case Opcode.Mul:
        if (constant === 0n) return right;
        if (constant === 1n) return left;
        if ((constant & (constant - 1n)) === 0n)
          return this.make(
            Opcode.Shl,
            left,
            this.constant(BigInt(constant.toString(2).length - 1)),
          );
        return null;
      case Opcode.And:
        return this.andConstant(left, right, constant);
      case Opcode.Or:
        if (constant === 0n) return left;
        return constant === this.ones ? right : null;
      case Opcode.Xor:
        if (constant === 0n) return left;
        // Negating a boolean.
        if (constant === 1n && this.type === Type.I32 && this.bitLength(left) <= 1)
          return this.makeAs(Type.I32, Opcode.Eqz, left);
        return null;
      case Opcode.Shl:
      case Opcode.ShrU:
      case Opcode.ShrS:
      case Opcode.Rotl:
      case Opcode.Rotr:
        return this.shiftByConstant(op, left, constant);
      default:
        return null;
    }
  }

  private binaryOfVariables(op: Opcode, left: Value, right: Value): Value | null {
    const { fn, pure } = this;
    if (left === right) {
      if (op === Opcode.Sub || op === Opcode.Xor) return this.constant(0n);
      if (op === Opcode.And || op === Opcode.Or) return left;
    }
    if (
      (op === Opcode.Shl ||
        op === Opcode.ShrU ||
        op === Opcode.ShrS ||
        op === Opcode.Rotl ||
        op === Opcode.Rotr) &&
      pure.bits(left) === 0n
    )
      return left;
    // Counts are taken modulo the width, so that a mask of those bits does nothing.
    if (op >= Opcode.Shl && op <= Opcode.Rotr) {
      const mask = this.defined(right, Opcode.And);
      const bits = mask === -1 ? null : pure.bits(fn.operand(mask, 1));
      if (bits !== null && (bits & BigInt(this.width - 1)) === BigInt(this.width - 1))
        return this.make(op, left, fn.operand(mask as Instruction, 0));
    }
    // (x + c) + y is (x + y) + c: constants gather outside, where the back end takes them into
    // addresses.
    if (op === Opcode.Add) {
      for (const [sum, other] of [
        [left, right],
        [right, left],
      ] as const) {
        const inner = this.defined(sum, Opcode.Add);
        const constant = inner === -1 ? null : pure.bits(fn.operand(inner, 1));
        if (constant !== null)
          return this.make(
            Opcode.Add,
            this.make(Opcode.Add, fn.operand(inner as Instruction, 0), other),
            this.constant(constant),
          );
      }
    }
    if (op === Opcode.Sub) {
      const inner = this.defined(left, Opcode.Add);
      const constant = inner === -1 ? null : pure.bits(fn.operand(inner, 1));
      if (constant !== null)
        return this.make(
          Opcode.Add,
          this.make(Opcode.Sub, fn.operand(inner as Instruction, 0), right),
          this.constant(constant),
        );
      if (inner !== -1) {
        // (x + y) - y is x.
        if (fn.operand(inner, 1) === right) return fn.operand(inner, 0);
        if (fn.operand(inner, 0) === right) return fn.operand(inner, 1);
      }
    }
    if (op === Opcode.Or) return this.rotation(left, right) ?? this.rotation(right, left);
    return null;
  }

  /** (x << c) | (x >>> width - c) */
  private rotation(left: Value, right: Value): Value | null {
    const { fn, pure } = this;
    const [shl, shr] = [this.defined(left, Opcode.Shl), this.defined(right, Opcode.ShrU)];
    if (shl === -1 || shr === -1 || fn.operand(shl, 0) !== fn.operand(shr, 0)) return null;
    const [up, down] = [pure.bits(fn.operand(shl, 1)), pure.bits(fn.operand(shr, 1))];
    if (up === null || down === null || up + down !== BigInt(this.width)) return null;
    return this.make(Opcode.Rotl, fn.operand(shl, 0), this.constant(up));
  }

  private andConstant(left: Value, right: Value, mask: bigint): Value | null {
    const { fn } = this;
    if (mask === 0n) return right;
    const possible = (1n << BigInt(this.bitLength(left))) - 1n;
    if ((mask & possible) === possible) return left;
    if ((mask & possible) === 0n) return this.constant(0n);
    const definition = fn.definition(left);
    if (definition === -1) return null;
    // Bits that only a sign extension set are cleared again.
    const bits = SIGNED_BITS[fn.opcode(definition)];
    const isExtension =
      fn.opcode(definition) >= Opcode.Extend8S && fn.opcode(definition) <= Opcode.Extend32S;
    if (bits !== undefined && isExtension && mask < 1n << BigInt(bits))
      return this.make(Opcode.And, fn.operand(definition, 0), right);
    return null;
  }

  private shiftByConstant(op: Opcode, left: Value, constant: bigint): Value | null {
    const { fn, pure } = this;
    const count = constant % BigInt(this.width);
    if (count === 0n) return left;
    if (count !== constant) return this.make(op, left, this.constant(count));
    const definition = fn.definition(left);
    if (op === Opcode.ShrU && BigInt(this.bitLength(left)) <= count) return this.constant(0n);
    if (op === Opcode.ShrS && this.bitLength(left) < this.width)
      return this.make(Opcode.ShrU, left, this.constant(count));
    if (op === Opcode.Rotr)
      return this.make(Opcode.Rotl, left, this.constant(BigInt(this.width) - count));
    if (definition === -1 || fn.operandCount(definition) !== 2 || fn.type(definition) !== this.type)
      return null;
    const inner = fn.opcode(definition);
    const innerCount = pure.bits(fn.operand(definition, 1));
    if (innerCount === null) return null;
    const source = fn.operand(definition, 0);

    if (inner === op && (op === Opcode.Shl || op === Opcode.ShrU || op === Opcode.ShrS)) {
      const sum = innerCount + count;
      if (sum < BigInt(this.width)) return this.make(op, source, this.constant(sum));
      return op === Opcode.ShrS
        ? this.make(op, source, this.constant(BigInt(this.width - 1)))
        : this.constant(0n);
    }
    if (inner === Opcode.Shl && op === Opcode.ShrS && innerCount === count) {
      const extension = EXTENSION_OF_BITS[this.width - Number(count)];
      return extension === undefined ? null : this.make(extension, source);
    }
    // Masks of an i64 seldom fit into an instruction.
    if (this.type !== Type.I32 || innerCount !== count) return null;
    if (inner === Opcode.Shl && op === Opcode.ShrU)
      return this.make(Opcode.And, source, this.constant(this.ones >> count));
    if (inner === Opcode.ShrU && op === Opcode.Shl)
      return this.make(Opcode.And, source, this.constant((this.ones << count) & this.ones));
    return null;
  }

  comparison(op: Opcode, left: Value, right: Value): Value | null {
    const { fn, pure } = this;
    if (left === right) return this.flag(SAME_IS_TRUE.has(op));
    const narrow = this.narrowComparison(op, left, right);
    if (narrow !== null) return narrow;
    const constant = pure.bits(right);
    if (constant === null) return null;

    if (op === Opcode.Eq && constant === 0n) return this.make(Opcode.Eqz, left);
    if (op === Opcode.Ne && constant === 0n && this.type === Type.I32 && this.bitLength(left) <= 1)
      return left;
    if (op === Opcode.LtU && constant === 0n) return this.flag(false);
    if (op === Opcode.GeU && constant === 0n) return this.flag(true);
    if (op === Opcode.LtU && constant === 1n) return this.make(Opcode.Eqz, left);
    if (op === Opcode.LeU && constant === 0n) return this.make(Opcode.Eqz, left);
    if (op === Opcode.GtU && constant === 0n) return this.make(Opcode.Ne, left, right);
    if (op === Opcode.GeU && constant === 1n) return this.make(Opcode.Ne, left, this.constant(0n));
    if (op === Opcode.GtU && constant === this.ones) return this.flag(false);
    if (op === Opcode.LeU && constant === this.ones) return this.flag(true);

    const length = this.bitLength(left);
    if (length === 1 && constant === 1n && this.type === Type.I32) {
      if (op === Opcode.Eq) return left;
      if (op === Opcode.Ne) return this.make(Opcode.Eqz, left);
    }
    const largest = (1n << BigInt(length)) - 1n;
    if (largest < constant) {
      if (op === Opcode.Eq || op === Opcode.GtU || op === Opcode.GeU) return this.flag(false);
      if (op === Opcode.Ne || op === Opcode.LtU || op === Opcode.LeU) return this.flag(true);
    }
    if (op === Opcode.Eq || op === Opcode.Ne) {
      const definition = fn.definition(left);
      const inner =
        definition === -1
          ? null
          : fn.operandCount(definition) === 2
            ? pure.bits(fn.operand(definition, 1))
            : null;
      if (inner !== null && fn.opcode(definition as Instruction) === Opcode.Add) {
        return this.make(
          op,
          fn.operand(definition as Instruction, 0),
          this.constant(constant - inner),
        );
      }
      if (inner !== null && fn.opcode(definition as Instruction) === Opcode.Xor) {
        return this.make(
          op,
          fn.operand(definition as Instruction, 0),
          this.constant(constant ^ inner),
        );
      }
    }
    return null;
  }

  /** Comparisons of zero-extended numbers are comparisons of those numbers. */
  private narrowComparison(op: Opcode, left: Value, right: Value): Value | null {
    const { fn, pure } = this;
    if (this.type !== Type.I64) return null;
    const wide = this.defined(left, Opcode.ExtendU);
    if (wide === -1) return null;
    const isUnsignedOrEqual =
      op === Opcode.Eq ||
      op === Opcode.Ne ||
      op === Opcode.LtU ||
      op === Opcode.LeU ||
      op === Opcode.GtU ||
      op === Opcode.GeU;
    if (!isUnsignedOrEqual) return null;
    const other = this.defined(right, Opcode.ExtendU);
    if (other !== -1) return this.makeAs(Type.I32, op, fn.operand(wide, 0), fn.operand(other, 0));
    const constant = pure.bits(right);
    if (constant === null || constant > 0xffffffffn) return null;
    return this.makeAs(Type.I32, op, fn.operand(wide, 0), pure.constant(Type.I32, constant));
  }
}

/** Operations whose result is a number of so many bits, sign-extended. */
const SIGNED_BITS: Readonly<Partial<Record<Opcode, number>>> = {
  [Opcode.Load8S]: 8,
  [Opcode.Extend8S]: 8,
  [Opcode.Load16S]: 16,
  [Opcode.Extend16S]: 16,
  [Opcode.Load32S]: 32,
  [Opcode.Extend32S]: 32,
  [Opcode.ExtendS]: 32,
};

const EXTENSION_OF_BITS: Readonly<Record<number, Opcode | undefined>> = {
  8: Opcode.Extend8S,
  16: Opcode.Extend16S,
  32: Opcode.Extend32S,
};
