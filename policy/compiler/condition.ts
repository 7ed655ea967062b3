/** `when`: expressions over a message's fields → conditions over its words. */
import { RuleOperation } from "../../kernel/abi/blob.ts";
import { didYouMean } from "../../toolchain/report/suggest.ts";
import type { Help, Mistakes } from "./mistakes.ts";
import type { Condition, Field, WordOperand } from "./model.ts";
import type { Expression, Span } from "./syntax.ts";

/** What a condition can read, and what the names in it mean. */
interface ConditionScope {
  /** `write` of `Console`, for messages. */
  readonly method: string;
  readonly side: "request" | "response" | "error";
  readonly fields: readonly Field[];
  readonly constants: ReadonlyMap<string, bigint>;
}

const ALL_BITS = 0xffff_ffff_ffff_ffffn;

/** A side of a comparison that reads the message. */
interface Read {
  readonly operand: WordOperand;
  readonly signed: boolean;
  /** Least and greatest value that the type lets it have. */
  readonly low: bigint;
  readonly high: bigint;
  readonly names: readonly string[] | undefined;
  readonly isBool: boolean;
  readonly masked: boolean;
  readonly what: string;
}

/** Ends the work on one condition; its diagnostic is already recorded. */
class Refused extends Error {}

/**
 * Returns undefined, with an error recorded, if the expression is no condition on such a message.
 */
export function resolveCondition(
  expression: Expression,
  scope: ConditionScope,
  mistakes: Mistakes,
): Condition | undefined {
  try {
    return new Resolver(scope, mistakes).condition(expression);
  } catch (refusal) {
    if (refusal instanceof Refused) return undefined;
    throw refusal;
  }
}

/** Equal for conditions of the same parts in the same order, and for no others. */
export function conditionKey(condition: Condition): string {
  return JSON.stringify(condition, (_key, value: unknown) =>
    typeof value === "bigint" ? value.toString() : value,
  );
}

/**
 * The value of a number, a constant, a name of `field`'s enumeration or a boolean; undefined, with
 * an error recorded, for anything else.
 */
export function resolveValue(
  expression: Expression,
  scope: ConditionScope,
  field: Field | undefined,
  mistakes: Mistakes,
): bigint | undefined {
  try {
    const resolver = new Resolver(scope, mistakes);
    return field === undefined
      ? resolver.constant(expression, undefined)
      : resolver.constant(expression, { names: field.names, isBool: field.type === "bool" });
  } catch (refusal) {
    if (refusal instanceof Refused) return undefined;
    throw refusal;
  }
}

class Resolver {
  private readonly scope: ConditionScope;
  private readonly mistakes: Mistakes;

  constructor(scope: ConditionScope, mistakes: Mistakes) {
    this.scope = scope;
    this.mistakes = mistakes;
  }

  condition(expression: Expression): Condition {
    switch (expression.kind) {
      case "binary":
        if (expression.operator === "and" || expression.operator === "or") {
          return {
            kind: expression.operator,
            left: this.condition(expression.left),
            right: this.condition(expression.right),
          };
        }
        if (expression.operator === "&")
          return this.refuse(
            expression.span,
            "this is a number, not a condition",
            "compare it: `(flags & 0x3) == 0`",
          );
        return this.comparison(
          expression.operator,
          expression.left,
          expression.right,
          expression.span,
        );
      case "not":
        return { kind: "not", operand: this.condition(expression.operand) };
      case "range":
        return this.range(expression);
      case "members":
        return expression.members
          .map((member) => this.comparison("==", expression.left, member, member.span))
          .reduce((left, right) => ({ kind: "or", left, right }));
      case "reference":
        return this.truth(expression.name, expression.span);
      case "boolean":
        return this.refuse(
          expression.span,
          `the condition is always ${String(expression.value)}`,
          "leave `when` out, or the rule",
        );
      case "number":
      case "length":
        return this.refuse(
          expression.span,
          "this is a number, not a condition",
          "compare it: `length(name) <= 31`",
        );
    }
  }

  /** A boolean field by itself. */
  private truth(name: string, span: Span): Condition {
    const read = this.field(name, span);
    if (read === undefined) return this.unknown(name, span);
    if (!read.isBool)
      return this.refuse(
        span,
        `\`${name}\` is a number, not a condition`,
        `compare it: \`${name} != 0\``,
      );
    return { kind: "test", operation: RuleOperation.Equal, left: read.operand, value: 1n };
  }

  private comparison(
    operator: string,
    leftSide: Expression,
    rightSide: Expression,
    span: Span,
  ): Condition {
    const left = this.read(leftSide);
    const right = this.read(rightSide);
    if (left !== undefined && right !== undefined) return this.between(operator, left, right, span);
    if (left !== undefined)
      return this.against(operator, left, this.constant(rightSide, left), span);
    if (right !== undefined)
      return this.against(mirrored(operator), right, this.constant(leftSide, right), span);
    // Neither reads the message: an unknown name is the likelier mistake.
    this.constant(leftSide, undefined);
    this.constant(rightSide, undefined);
    return this.refuse(span, "the comparison reads nothing of the message", this.fieldList());
  }

  private range(expression: Extract<Expression, { readonly kind: "range" }>): Condition {
    const { span } = expression;
    const read = this.read(expression.left);
    if (read === undefined)
      return this.refuse(
        expression.left.span,
        "a range wants a field before `in`",
        this.fieldList(),
      );
    this.refuseOrderOfNames(read, span);
    const low = this.constant(expression.low, read);
    const high = this.constant(expression.high, read);
    if (low > high)
      return this.refuse(span, `the range ${low}..${high} is empty`, `${high}..${low}`);
    const isFromStart = low <= read.low;
    const isToEnd = high >= read.high;
    if (isFromStart && isToEnd)
      return this.refuse(
        span,
        `${read.what} is always in ${low}..${high}`,
        `it is between ${read.low} and ${read.high}`,
      );
    if (low > read.high || high < read.low)
      return this.refuse(
        span,
        `${read.what} is never in ${low}..${high}`,
        `it is between ${read.low} and ${read.high}`,
      );
    const above: Condition = {
      kind: "not",
      operand: this.test(read, read.signed ? RuleOperation.Less : RuleOperation.Below, low),
    };
    const below = this.test(
      read,
      read.signed ? RuleOperation.LessOrEqual : RuleOperation.BelowOrEqual,
      high,
    );
    if (isFromStart) return below;
    return isToEnd ? above : { kind: "and", left: above, right: below };
  }

  private against(operator: string, read: Read, value: bigint, span: Span): Condition {
    if (operator !== "==" && operator !== "!=") this.refuseOrderOfNames(read, span);
    const verdict = decided(operator, read, value);
    if (verdict !== undefined) {
      return this.refuse(
        span,
        `${read.what} ${operator} ${value} is always ${String(verdict)}`,
        read.high === read.low ? undefined : `it is between ${read.low} and ${read.high}`,
      );
    }
    switch (operator) {
      case "==":
        return this.test(read, RuleOperation.Equal, value);
      case "!=":
        return { kind: "not", operand: this.test(read, RuleOperation.Equal, value) };
      case "<":
        return this.test(read, read.signed ? RuleOperation.Less : RuleOperation.Below, value);
      case "<=":
        return this.test(
          read,
          read.signed ? RuleOperation.LessOrEqual : RuleOperation.BelowOrEqual,
          value,
        );
      case ">":
        return {
          kind: "not",
          operand: this.test(
            read,
            read.signed ? RuleOperation.LessOrEqual : RuleOperation.BelowOrEqual,
            value,
          ),
        };
      default:
        return {
          kind: "not",
          operand: this.test(read, read.signed ? RuleOperation.Less : RuleOperation.Below, value),
        };
    }
  }

  private test(read: Read, operation: RuleOperation, value: bigint): Condition {
    return { kind: "test", operation, left: read.operand, value: BigInt.asUintN(64, value) };
  }

  private between(operator: string, left: Read, right: Read, span: Span): Condition {
    if (left.signed !== right.signed)
      return this.refuse(
        span,
        `${left.what} is ${signedness(left)}, ${right.what} ${signedness(right)}`,
        "compare each with a number",
      );
    if (left.names?.join() !== right.names?.join())
      return this.refuse(
        span,
        `${left.what} and ${right.what} have different names`,
        "compare each with a name",
      );
    if (operator !== "==" && operator !== "!=") this.refuseOrderOfNames(left, span);
    if (left.masked && right.masked)
      return this.refuse(span, "only one side of a comparison can have a mask");
    if (right.masked) return this.between(mirrored(operator), right, left, span);
    const test = (operation: RuleOperation, a: Read, b: Read): Condition => ({
      kind: "testWords",
      operation,
      left: a.operand,
      right: b.operand,
    });
    const [less, lessOrEqual] = left.signed
      ? [RuleOperation.LessWord, RuleOperation.LessOrEqualWord]
      : [RuleOperation.BelowWord, RuleOperation.BelowOrEqualWord];
    switch (operator) {
      case "==":
        return test(RuleOperation.EqualWord, left, right);
      case "!=":
        return { kind: "not", operand: test(RuleOperation.EqualWord, left, right) };
      case "<":
        return test(less, left, right);
      case "<=":
        return test(lessOrEqual, left, right);
      case ">":
        return { kind: "not", operand: test(lessOrEqual, left, right) };
      default:
        return { kind: "not", operand: test(less, left, right) };
    }
  }

  /** Undefined if the expression does not read the message. */
  private read(expression: Expression): Read | undefined {
    switch (expression.kind) {
      case "reference":
        return this.field(expression.name, expression.span);
      case "length":
        return this.length(expression.field.text, expression.field.span);
      case "binary":
        return expression.operator === "&"
          ? this.masked(expression)
          : this.refuse(
              expression.span,
              "a condition cannot be compared",
              "use `and`, `or`, `not`",
            );
      case "not":
      case "range":
      case "members":
        return this.refuse(
          expression.span,
          "a condition cannot be compared",
          "use `and`, `or`, `not`",
        );
      case "number":
      case "boolean":
        return undefined;
    }
  }

  private masked(expression: Extract<Expression, { readonly kind: "binary" }>): Read | undefined {
    const left = this.read(expression.left);
    const right = this.read(expression.right);
    if (left !== undefined && right !== undefined)
      return this.refuse(expression.span, "a mask is a number", "`flags & 0x3`");
    const read = left ?? right;
    if (read === undefined) return undefined;
    if (read.names !== undefined || read.isBool)
      return this.refuse(expression.span, `${read.what} is no number: it cannot be masked`);
    const mask = this.constant(left === undefined ? expression.left : expression.right, undefined);
    if (mask < 0n || mask > ALL_BITS)
      return this.refuse(expression.span, `the mask ${mask} is no 64-bit pattern`);
    const bits = read.signed ? ALL_BITS : fullBits(read.high);
    const both = mask & read.operand.mask & bits;
    if (both === 0n)
      return this.refuse(
        expression.span,
        `${read.what} & 0x${mask.toString(16)} is always 0`,
        read.signed ? undefined : `it is at most ${read.high}`,
      );
    return {
      ...read,
      operand: { ...read.operand, mask: mask & read.operand.mask },
      signed: false,
      low: 0n,
      high: both,
      masked: true,
      what: `${read.what} & 0x${mask.toString(16)}`,
    };
  }

  private field(name: string, span: Span): Read | undefined {
    const field = this.scope.fields.find((candidate) => candidate.name === name);
    if (field === undefined) return undefined;
    if (this.scope.constants.has(name))
      return this.refuse(
        span,
        `\`${name}\` names a field and a value of the policy`,
        "give the value another name",
      );
    if (field.word === undefined)
      return this.refuse(
        span,
        `\`${name}\` is a handle: a rule cannot read it`,
        "the class of its object is judged by `grant … { transfer }`",
      );
    if (field.kind === "bytes" || field.kind === "text")
      return this.refuse(
        span,
        `\`${name}\` is ${field.type}: a rule cannot read its content`,
        `\`length(${name})\``,
      );
    const signed = field.kind === "signed";
    return {
      operand: { word: field.word, shift: 0, mask: ALL_BITS },
      signed,
      low: signed ? -field.max - 1n : 0n,
      high: field.max,
      names: field.names,
      isBool: field.type === "bool",
      masked: false,
      what: `\`${name}\``,
    };
  }

  private length(name: string, span: Span): Read {
    const field = this.scope.fields.find((candidate) => candidate.name === name);
    if (field === undefined) return this.unknown(name, span);
    if (field.word === undefined || (field.kind !== "bytes" && field.kind !== "text"))
      return this.refuse(
        span,
        `\`${name}\` is ${field.type}: it has no length`,
        `\`${name}\` itself`,
      );
    return {
      operand: { word: field.word, shift: 32, mask: ALL_BITS },
      signed: false,
      low: 0n,
      high: field.max,
      names: undefined,
      isBool: false,
      masked: false,
      what: `length(${name})`,
    };
  }

  constant(
    expression: Expression,
    against:
      | { readonly names: readonly string[] | undefined; readonly isBool: boolean }
      | undefined,
  ): bigint {
    switch (expression.kind) {
      case "number":
        if (against?.names !== undefined)
          return this.refuse(
            expression.span,
            "an enumeration is compared with its names",
            `one of ${quoted(against.names)}`,
          );
        if (against?.isBool === true)
          return this.refuse(expression.span, "a bool is compared with `true` and `false`");
        return expression.value;
      case "boolean":
        if (against?.isBool !== true)
          return this.refuse(expression.span, `\`${String(expression.value)}\` is no number`);
        return expression.value ? 1n : 0n;
      case "reference":
        return this.named(expression.name, expression.span, against?.names);
      case "binary":
        if (expression.operator === "&")
          return (
            this.constant(expression.left, undefined) & this.constant(expression.right, undefined)
          );
        return this.refuse(expression.span, "a number is expected here");
      default:
        return this.refuse(expression.span, "a number is expected here");
    }
  }

  private named(name: string, span: Span, names: readonly string[] | undefined): bigint {
    if (names !== undefined) {
      const place = names.indexOf(name);
      if (place >= 0) return BigInt(place);
      return this.refuse(span, `\`${name}\` is no name of the enumeration`, () =>
        didYouMean(name, names, `one of ${quoted(names)}`),
      );
    }
    return this.scope.constants.get(name) ?? this.unknown(name, span);
  }

  private refuseOrderOfNames(read: Read, span: Span): void {
    if (read.names !== undefined || read.isBool)
      this.refuse(
        span,
        `${read.what} has names, not an order`,
        "compare with `==`, `!=` or `in { … }`",
      );
  }

  private unknown(name: string, span: Span): never {
    const what = this.scope.side === "error" ? "an error of" : `the ${this.scope.side} of`;
    const names = [
      ...this.scope.fields.map((field) => field.name),
      ...this.scope.constants.keys(),
      "true",
      "false",
    ];
    return this.refuse(span, `${what} ${this.scope.method} has no field \`${name}\``, () =>
      didYouMean(name, names, this.fieldList()),
    );
  }

  private fieldList(): string {
    const names = this.scope.fields.map((field) => field.name);
    return names.length === 0 ? "it has no fields" : `its fields: ${names.join(", ")}`;
  }

  private refuse(span: Span, message: string, help?: Help): never {
    this.mistakes.refuse(span, message, help);
    throw new Refused();
  }
}

/** The result of `operator` if it is the same for every value of the type. */
function decided(operator: string, { low, high }: Read, value: bigint): boolean | undefined {
  switch (operator) {
    case "==":
    case "!=":
      if (value < low || value > high) return operator === "!=";
      return low === high ? operator === "==" : undefined;
    case "<":
      return high < value ? true : low >= value ? false : undefined;
    case "<=":
      return high <= value ? true : low > value ? false : undefined;
    case ">":
      return low > value ? true : high <= value ? false : undefined;
    default:
      return low >= value ? true : high < value ? false : undefined;
  }
}

function mirrored(operator: string): string {
  return { "<": ">", "<=": ">=", ">": "<", ">=": "<=" }[operator] ?? operator;
}

/** All bits that numbers up to `high` may have. */
function fullBits(high: bigint): bigint {
  return (1n << BigInt(high.toString(2).length)) - 1n;
}

function signedness(read: Read): string {
  return read.signed ? "signed" : "unsigned";
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(", ");
}
