/**
 * Whether a condition can hold, and whether it can fail: exactly, by a reduced ordered decision
 * diagram over the bits of the words that the condition reads. Two conditions that mean the same
 * have the same node, so that a condition that never holds is the node 0.
 *
 * Bits of all words are ordered from the highest to the lowest, bits of one place side by side:
 * with this order a comparison of two words takes a few nodes for each bit.
 */
import { RuleOperation } from "../../kernel/abi/blob.ts";
import type { Condition, Field } from "./model.ts";

/**
 * Beyond these the question stays open: such a condition takes long to read as well. Three numbers
 * of nodes fit a double.
 */
const NODES_MAX = 100_000;
const WORDS_MAX = 32;
const BITS = 64;
const NO: Node = 0;
const YES: Node = 1;

type Node = number;

/** Ends the work on one condition. */
class TooLarge extends Error {}

/**
 * `never` or `always` if the condition is false or true for all values that the fields can have;
 * undefined if it is neither, or too large to decide.
 */
export function constantCondition(
  condition: Condition,
  fields: readonly Field[],
): "never" | "always" | undefined {
  const words = [...new Set(wordsOf(condition))];
  if (words.length > WORDS_MAX) return undefined;
  try {
    const diagram = new Diagram(words);
    const holds = diagram.of(condition);
    const possible = words.reduce((all, word) => {
      const field = fields.find((candidate) => candidate.word === word);
      return field === undefined ? all : diagram.ifThenElse(all, diagram.range(field, word), NO);
    }, YES);
    if (diagram.ifThenElse(possible, holds, NO) === NO) return "never";
    return diagram.ifThenElse(possible, diagram.ifThenElse(holds, NO, YES), NO) === NO
      ? "always"
      : undefined;
  } catch (tooLarge) {
    if (tooLarge instanceof TooLarge) return undefined;
    throw tooLarge;
  }
}

function* wordsOf(condition: Condition): Iterable<number> {
  switch (condition.kind) {
    case "and":
    case "or":
      yield* wordsOf(condition.left);
      yield* wordsOf(condition.right);
      return;
    case "not":
      yield* wordsOf(condition.operand);
      return;
    case "testWords":
      yield condition.right.word;
      yield condition.left.word;
      return;
    case "test":
      yield condition.left.word;
  }
}

class Diagram {
  private readonly words: readonly number[];
  /** Of each node but the first two: the bit that it asks for, and where `0` and `1` lead. */
  private readonly bit: number[] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  private readonly low: Node[] = [NO, YES];
  private readonly high: Node[] = [NO, YES];
  private readonly unique = new Map<number, Node>();
  private readonly results = new Map<number, Node>();

  constructor(words: readonly number[]) {
    this.words = words;
  }

  of(condition: Condition): Node {
    switch (condition.kind) {
      case "and":
        return this.ifThenElse(this.of(condition.left), this.of(condition.right), NO);
      case "or":
        return this.ifThenElse(this.of(condition.left), YES, this.of(condition.right));
      case "not":
        return this.ifThenElse(this.of(condition.operand), NO, YES);
      case "test": {
        const { left, operation, value } = condition;
        return this.compare(operation, this.bitsOf(left.word, left.mask), constantBits(value));
      }
      case "testWords": {
        const { left, right, operation } = condition;
        return this.compare(
          operation - RuleOperation.EqualWord,
          this.bitsOf(left.word, left.mask),
          this.bitsOf(right.word, (1n << 64n) - 1n),
        );
      }
    }
  }

  /** What the type lets the field's value be. A length is the number that its condition reads. */
  range(field: Field, word: number): Node {
    const bits = this.bitsOf(word, (1n << 64n) - 1n);
    if (field.kind !== "signed") {
      const notAbove = this.compare(RuleOperation.BelowOrEqual, bits, constantBits(field.max));
      // Errors are numbered from 1.
      const isZero = this.compare(RuleOperation.Equal, bits, constantBits(0n));
      return field.names?.[0] === "" ? this.ifThenElse(isZero, NO, notAbove) : notAbove;
    }
    const least = constantBits(BigInt.asUintN(64, -field.max - 1n));
    const notBelow = this.compare(RuleOperation.LessOrEqual, least, bits);
    const notAbove = this.compare(RuleOperation.LessOrEqual, bits, constantBits(field.max));
    return this.ifThenElse(notBelow, notAbove, NO);
  }

  ifThenElse(test: Node, then: Node, otherwise: Node): Node {
    if (test === YES || then === otherwise) return then;
    if (test === NO) return otherwise;
    const key = (test * NODES_MAX + then) * NODES_MAX + otherwise;
    const known = this.results.get(key);
    if (known !== undefined) return known;
    const bit = Math.min(this.bit[test]!, this.bit[then]!, this.bit[otherwise]!);
    const node = this.node(
      bit,
      this.ifThenElse(this.at(test, bit, 0), this.at(then, bit, 0), this.at(otherwise, bit, 0)),
      this.ifThenElse(this.at(test, bit, 1), this.at(then, bit, 1), this.at(otherwise, bit, 1)),
    );
    this.results.set(key, node);
    return node;
  }

  /** The operations of one word; those of two words are the same, less EqualWord. */
  private compare(operation: RuleOperation, left: readonly Node[], right: readonly Node[]): Node {
    const isSigned = operation === RuleOperation.Less || operation === RuleOperation.LessOrEqual;
    const isEqual = operation === RuleOperation.Equal;
    // Of the bits below: whether they are in order.
    let result = operation === RuleOperation.Below || operation === RuleOperation.Less ? NO : YES;
    for (let i = 0; i < BITS; i++) {
      const isSign = isSigned && i === BITS - 1;
      const [a, b] = isSign ? [right[i]!, left[i]!] : [left[i]!, right[i]!];
      // Both 0 or both 1: the bits below decide. Only b: less. Only a: greater.
      const ifNotA = this.ifThenElse(b, isEqual ? NO : YES, result);
      const ifA = this.ifThenElse(b, result, NO);
      result = this.ifThenElse(a, ifA, ifNotA);
    }
    return result;
  }

  /** From the lowest on; those that the mask takes away are 0. */
  private bitsOf(word: number, mask: bigint): readonly Node[] {
    const place = this.words.indexOf(word);
    return Array.from({ length: BITS }, (_, i) =>
      ((mask >> BigInt(i)) & 1n) === 0n
        ? NO
        : this.node((BITS - 1 - i) * this.words.length + place, NO, YES),
    );
  }

  private at(node: Node, bit: number, value: 0 | 1): Node {
    if (this.bit[node] !== bit) return node;
    return value === 0 ? this.low[node]! : this.high[node]!;
  }

  private node(bit: number, low: Node, high: Node): Node {
    if (low === high) return low;
    const key = (bit * NODES_MAX + low) * NODES_MAX + high;
    const known = this.unique.get(key);
    if (known !== undefined) return known;
    if (this.bit.length >= NODES_MAX) throw new TooLarge();
    this.bit.push(bit);
    this.low.push(low);
    this.high.push(high);
    this.unique.set(key, this.bit.length - 1);
    return this.bit.length - 1;
  }
}

function constantBits(value: bigint): readonly Node[] {
  return Array.from({ length: BITS }, (_, i) => (((value >> BigInt(i)) & 1n) === 0n ? NO : YES));
}
