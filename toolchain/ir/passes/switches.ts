/**
 * Makes one Switch of a chain of tests of the same value against constants, which is what asc makes
 * of `switch`. A chain is followed from test to test as long as nothing else happens in between.
 */
import { predecessorEdges, reversePostorder } from "../control-flow.ts";
import type { Block, Edge, IrFunction, Value } from "../function.ts";
import { Opcode, Type } from "../opcode.ts";
import { PureValues } from "../pure-values.ts";

/** With fewer cases, comparing in turn is as fast and shorter. */
const CASES_MIN = 4;
/**
 * At least one table entry in this many must be a case: a sparser table is refused as mostly empty.
 */
const ENTRIES_PER_CASE_MAX = 3;

export function formSwitches(fn: IrFunction): boolean {
  const order = reversePostorder(fn);
  const predecessors = predecessorEdges(fn, order);
  const isInChain = new Uint8Array(fn.blockCount);
  let changed = false;
  for (const block of order) {
    if (isInChain[block]) continue;
    const first = testOf(fn, block);
    if (first === null) continue;
    const cases = new Map<number, Edge>([[first.constant, first.equal]]);
    let other = first.other;
    for (let next = other.target; ; next = other.target) {
      const isOnlyTest =
        predecessors[next]!.length === 1 &&
        fn.blockInstructions[next]!.length === 1 &&
        fn.blockParameters[next]!.length === 0;
      const test = isOnlyTest ? testOf(fn, next, first.value) : null;
      if (test === null) break;
      isInChain[next] = 1;
      if (!cases.has(test.constant)) cases.set(test.constant, test.equal);
      other = test.other;
    }
    if (replaceByTable(fn, block, first.value, cases, other)) changed = true;
  }
  return changed;
}

interface Test {
  readonly value: Value;
  readonly constant: number;
  readonly equal: Edge;
  readonly other: Edge;
}

/**
 * The block's branch as a test of an i32 for equality with a constant; of `expected`, where given.
 */
function testOf(fn: IrFunction, block: Block, expected?: Value): Test | null {
  const terminator = fn.blockInstructions[block]!.at(-1)!;
  if (fn.opcode(terminator) !== Opcode.Branch) return null;
  const [notZero, zero] = fn.blockEdges[block]! as [Edge, Edge];
  const condition = fn.operand(terminator, 0);
  const definition = fn.definition(condition);
  const op = definition === -1 ? Opcode.Nop : fn.opcode(definition);
  if (
    definition !== -1 &&
    (op === Opcode.Eq || op === Opcode.Ne) &&
    fn.type(definition) === Type.I32
  ) {
    const right = fn.definition(fn.operand(definition, 1));
    const value = fn.operand(definition, 0);
    if (
      right !== -1 &&
      fn.opcode(right) === Opcode.Const &&
      (expected === undefined || expected === value)
    ) {
      const [equal, other] = op === Opcode.Eq ? [notZero, zero] : [zero, notZero];
      return { value, constant: Number(fn.constantBits(right)), equal, other };
    }
  }
  // A value that is its own condition is tested for zero.
  if (expected !== undefined && expected !== condition) return null;
  return { value: condition, constant: 0, equal: zero, other: notZero };
}

function replaceByTable(
  fn: IrFunction,
  block: Block,
  value: Value,
  cases: ReadonlyMap<number, Edge>,
  other: Edge,
): boolean {
  if (cases.size < CASES_MIN) return false;
  const constants = [...cases.keys()].sort((left, right) => left - right);
  // Small first cases need no subtraction: the table starts at zero.
  const base = constants[0]! <= ENTRIES_PER_CASE_MAX ? 0 : constants[0]!;
  const length = constants[constants.length - 1]! - base + 1;
  if (length > cases.size * ENTRIES_PER_CASE_MAX) return false;

  const list = fn.blockInstructions[block]!;
  const terminator = list.pop()!;
  const [origin, inlinedAt] = [fn.origin(terminator), fn.inlinedAt.data[terminator]!];
  const pure = new PureValues(fn);
  const index =
    base === 0
      ? value
      : pure.make(
          Opcode.Add,
          Type.I32,
          [value, pure.constant(Type.I32, BigInt(-base))],
          origin,
          inlinedAt,
        );
  list.push(fn.newInstruction(Opcode.Switch, Type.None, [index], [], 0, origin, 0, inlinedAt));
  const edges = Array.from({ length }, (_, i) => cases.get(base + i) ?? other);
  fn.blockEdges[block] = [...edges, other].map(({ target, args }) => ({ target, args: [...args] }));
  return true;
}
