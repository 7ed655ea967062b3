/**
 * Behind a branch its condition is known: a branch on the same condition, or on its negation, that
 * lies behind one side of the first is decided, and an edge passes a block that does nothing but
 * such a branch. Also what an edge carries: a condition that is false there is zero.
 */
import { Dominators } from "../dominators.ts";
import type { Block, Edge, IrFunction, Value } from "../function.ts";
import { isComparison, Opcode, Type } from "../opcode.ts";
import { PureValues } from "../pure-values.ts";

/** What is known of a condition: zero, or not zero. */
type Known = "zero" | "not zero";

interface Fact {
  readonly key: string;
  readonly known: Known;
}

export function useKnownConditions(fn: IrFunction): boolean {
  return new KnownConditions(fn).run();
}

/** Walks down the dominator tree. What is known in a block is known in all that it dominates. */
class KnownConditions {
  private readonly dominators: Dominators;
  private readonly pure: PureValues;
  private readonly known = new Map<string, Known>();
  private changed = false;

  constructor(private readonly fn: IrFunction) {
    this.dominators = new Dominators(fn);
    this.pure = new PureValues(fn);
  }

  run(): boolean {
    const { dominators, known } = this;
    const children: Block[][] = Array.from({ length: this.fn.blockCount }, () => []);
    for (const block of dominators.order.slice(1)) children[dominators.parent[block]!]!.push(block);
    const stack: { block: Block; next: number; fact: Fact | null; before: Known | undefined }[] =
      [];
    const enter = (block: Block): void => {
      const fact = this.factOf(block);
      const before = fact === null ? undefined : known.get(fact.key);
      if (fact !== null) known.set(fact.key, fact.known);
      stack.push({ block, next: 0, fact, before });
      this.use(block);
    };
    enter(0 as Block);
    while (stack.length > 0) {
      const top = stack.at(-1)!;
      const child = children[top.block]![top.next++];
      if (child !== undefined) {
        enter(child);
        continue;
      }
      stack.pop();
      if (top.fact === null) continue;
      if (top.before === undefined) known.delete(top.fact.key);
      else known.set(top.fact.key, top.before);
    }
    return this.changed;
  }

  /** What the only edge into `block` says of the condition that its branch tests. */
  private factOf(block: Block): Fact | null {
    const [only, ...others] = this.dominators.predecessors[block]!;
    return only === undefined || others.length > 0 ? null : this.factOfEdge(only.from, only.edge);
  }

  private factOfEdge(from: Block, edge: number): Fact | null {
    const condition = this.conditionOf(from);
    if (condition === null) return null;
    const { key, isNegated } = keyOf(this.fn, condition);
    return { key, known: (edge === 0) !== isNegated ? "not zero" : "zero" };
  }

  /** The condition by which the block branches, if it does. */
  private conditionOf(block: Block): Value | null {
    const terminator = this.fn.blockInstructions[block]!.at(-1)!;
    return this.fn.opcode(terminator) === Opcode.Branch ? this.fn.operand(terminator, 0) : null;
  }

  /** What is known of `value`, `fact` included. */
  private look(value: Value, fact: Fact | null = null): Known | null {
    const { key, isNegated } = keyOf(this.fn, value);
    const known = fact?.key === key ? fact.known : this.known.get(key);
    if (known === undefined) return null;
    return (known === "zero") !== isNegated ? "zero" : "not zero";
  }

  private use(block: Block): void {
    const { fn, pure } = this;
    const condition = this.conditionOf(block);
    const known = condition === null ? null : this.look(condition);
    if (condition !== null && known !== null && pure.bits(condition) === null) {
      const terminator = fn.blockInstructions[block]!.at(-1)!;
      fn.setOperand(terminator, 0, pure.constant(Type.I32, known === "zero" ? 0n : 1n));
      this.changed = true;
      return;
    }
    for (const [index, edge] of fn.blockEdges[block]!.entries()) {
      const fact = this.factOfEdge(block, index);
      this.passTest(block, edge, fact);
      for (const [slot, value] of edge.args.entries()) {
        if (fn.valueType(value) !== Type.I32 || pure.bits(value) !== null) continue;
        if (this.look(value, fact) !== "zero") continue;
        edge.args[slot] = pure.constant(Type.I32, 0n);
        this.changed = true;
      }
    }
  }

  /**
   * Sends an edge past a block that only branches on what is known on the edge. A block without
   * parameters defines nothing, so that what its edges carry is defined in front of it.
   */
  private passTest(block: Block, edge: Edge, fact: Fact | null): void {
    const { fn, dominators } = this;
    const test = edge.target;
    const condition = this.conditionOf(test);
    if (
      condition === null ||
      test === block ||
      fn.blockInstructions[test]!.length !== 1 ||
      fn.blockParameters[test]!.length > 0 ||
      dominators.predecessors[test]!.some(({ from }) => dominators.dominates(test, from))
    )
      return;
    const known = this.look(condition, fact);
    if (known === null) return;
    const taken = fn.blockEdges[test]![known === "zero" ? 1 : 0]!;
    edge.target = taken.target;
    edge.args = [...taken.args];
    this.changed = true;
  }
}

const NEGATIONS: Readonly<Partial<Record<Opcode, Opcode>>> = {
  [Opcode.Ne]: Opcode.Eq,
  [Opcode.GeS]: Opcode.LtS,
  [Opcode.GeU]: Opcode.LtU,
  [Opcode.GtS]: Opcode.LeS,
  [Opcode.GtU]: Opcode.LeU,
};

/** One name for a condition and its negation. */
function keyOf(
  fn: IrFunction,
  value: Value,
): { readonly key: string; readonly isNegated: boolean } {
  let condition = value;
  let isNegated = false;
  let definition = fn.definition(condition);
  while (
    definition !== -1 &&
    fn.opcode(definition) === Opcode.Eqz &&
    fn.type(definition) === Type.I32
  ) {
    condition = fn.operand(definition, 0);
    isNegated = !isNegated;
    definition = fn.definition(condition);
  }
  const op = definition === -1 ? Opcode.Nop : fn.opcode(definition);
  if (definition === -1 || !isComparison(op)) return { key: `v${condition}`, isNegated };
  const negation = NEGATIONS[op];
  const [left, right] = [fn.operand(definition, 0), fn.operand(definition, 1)];
  return {
    key: `${negation ?? op} v${left} v${right}`,
    isNegated: negation === undefined ? isNegated : !isNegated,
  };
}
