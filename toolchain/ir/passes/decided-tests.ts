/**
 * Sends an edge past a test that the edge itself decides, as where a function that may return null
 * was inlined and its caller tests for null: the ways that bring null go on to what is done then.
 * Unlike control.ts, the value tested may be used behind the test, on the other side.
 */
import { Dominators } from "../dominators.ts";
import type { Block, Edge, Instruction, IrFunction, Value } from "../function.ts";
import { isPure, Opcode } from "../opcode.ts";

/** Tests looked at and edges sent in one run: each costs time that grows with the function. */
const TESTS_MAX = 64;
const SENT_MAX = 64;

export function passDecidedTests(fn: IrFunction): boolean {
  let sent = 0;
  let dominators = new Dominators(fn);
  let looked = 0;
  for (const block of dominators.order) {
    if (block === 0 || sent >= SENT_MAX || looked >= TESTS_MAX) continue;
    const test = testOf(fn, block);
    if (test < 0 || isLoopHeader(dominators, block)) continue;
    if (!dominators.predecessors[block]!.some(({ from }) => decides(fn, from, block, test)))
      continue;
    looked++;
    const before = sent;
    sent += sendEdges(fn, block, test, dominators);
    // Only what `block` dominates has changed, but the next test may be there.
    if (sent > before) dominators = new Dominators(fn);
  }
  return sent > 0;
}

/** The number of the parameter that the block does nothing but test, or -1. */
function testOf(fn: IrFunction, block: Block): number {
  const [first] = fn.blockInstructions[block]!;
  if (first === undefined || fn.opcode(first) !== Opcode.Branch) return -1;
  const [notZero, zero] = fn.blockEdges[block]!;
  if (notZero!.target === zero!.target) return -1;
  return fn.blockParameters[block]!.indexOf(fn.operand(first, 0));
}

function isLoopHeader(dominators: Dominators, block: Block): boolean {
  return dominators.predecessors[block]!.some(({ from }) => dominators.dominates(block, from));
}

function constantOf(fn: IrFunction, value: Value): bigint | null {
  const definition = fn.definition(value);
  return definition !== -1 && fn.opcode(definition) === Opcode.Const
    ? fn.constantBits(definition)
    : null;
}

function decides(fn: IrFunction, from: Block, block: Block, test: number): boolean {
  return fn.blockEdges[from]!.some(
    ({ target, args }) =>
      target === block &&
      (constantOf(fn, args[test]!) !== null || chosenConstant(fn, from, args[test]!) !== null),
  );
}

/** A Select at the end of a block that goes on without a branch, one of whose arms is constant. */
interface Choice {
  readonly condition: Value;
  readonly arms: readonly [Value, Value];
  /** 0: the arm for a condition that is not zero. */
  readonly constantArm: 0 | 1;
}

function chosenConstant(fn: IrFunction, from: Block, value: Value): Choice | null {
  const select = fn.definition(value);
  if (select === -1 || fn.opcode(select) !== Opcode.Select) return null;
  if (fn.opcode(fn.blockInstructions[from]!.at(-1)!) !== Opcode.Jump) return null;
  const arms = [fn.operand(select, 1), fn.operand(select, 2)] as const;
  const isConstant = arms.map((arm) => constantOf(fn, arm) !== null);
  if (isConstant[0] === isConstant[1]) return null;
  return { condition: fn.operand(select, 0), arms, constantArm: isConstant[0] ? 0 : 1 };
}

function sendEdges(fn: IrFunction, block: Block, test: number, dominators: Dominators): number {
  const parameters = fn.blockParameters[block]!;
  const uses = new ParameterUses(fn, block, dominators.order);
  const targets = fn.blockEdges[block]!;
  const mayTake = targets.map((taken, side) => {
    const other = targets[1 - side]!.target;
    // Everything that uses a parameter must still be reached through the test alone.
    const isUsedBehindOther = uses.blocks.every((user) => dominators.dominates(other, user));
    return (
      (uses.blocks.length === 0 ||
        (dominators.predecessors[other]!.length === 1 && isUsedBehindOther)) &&
      taken.args.every((value) => parameters.includes(value) || !uses.dependsOn(value))
    );
  });
  const onward = (constant: bigint, brought: readonly Value[]): Edge | null => {
    const side = constant !== 0n ? 0 : 1;
    if (!mayTake[side]) return null;
    const { target, args } = targets[side]!;
    const arrives = (value: Value): Value => {
      const slot = parameters.indexOf(value);
      return slot < 0 ? value : brought[slot]!;
    };
    return { target, args: args.map(arrives) };
  };

  let sent = 0;
  for (const from of new Set(dominators.predecessors[block]!.map((edge) => edge.from))) {
    for (const edge of fn.blockEdges[from]!) {
      if (edge.target !== block) continue;
      const constant = constantOf(fn, edge.args[test]!);
      const choice = constant === null ? chosenConstant(fn, from, edge.args[test]!) : null;
      if (constant !== null) {
        const direct = onward(constant, edge.args);
        if (direct === null) continue;
        edge.target = direct.target;
        edge.args = direct.args;
        sent++;
      } else if (choice !== null) {
        const withArm = (arm: Value) => edge.args.map((value, i) => (i === test ? arm : value));
        const arm = choice.arms[choice.constantArm];
        const direct = onward(constantOf(fn, arm)!, withArm(arm));
        if (direct === null) continue;
        const rest = { target: block, args: withArm(choice.arms[1 - choice.constantArm]!) };
        branchOn(fn, from, choice.condition);
        fn.blockEdges[from] = choice.constantArm === 0 ? [direct, rest] : [rest, direct];
        sent++;
      }
    }
  }
  return sent;
}

/** The Jump at the end of `block` becomes a Branch. */
function branchOn(fn: IrFunction, block: Block, condition: Value): void {
  const list = fn.blockInstructions[block]!;
  const jump = list.pop()!;
  list.push(
    fn.newInstruction(
      Opcode.Branch,
      fn.type(jump),
      [condition],
      [],
      0,
      fn.origin(jump),
      0,
      fn.inlinedAt.data[jump]!,
    ),
  );
}

/** Where parameters of `block` are used but in its own test and on its edges. */
class ParameterUses {
  /** Blocks of such uses. */
  readonly blocks: Block[] = [];
  /** By instruction: 1 if a pure value depends on a parameter, 2 if not, 0 not known. */
  private readonly state: Uint8Array;

  constructor(
    private readonly fn: IrFunction,
    private readonly home: Block,
    order: readonly Block[],
  ) {
    this.state = new Uint8Array(fn.opcodes.length);
    for (const block of order) {
      if (block === home) continue;
      const isUser =
        fn.blockInstructions[block]!.some((instruction) => this.reads(instruction)) ||
        fn.blockEdges[block]!.some(({ args }) => args.some((value) => this.dependsOn(value)));
      if (isUser) this.blocks.push(block);
    }
  }

  private reads(instruction: Instruction): boolean {
    for (let i = 0; i < this.fn.operandCount(instruction); i++)
      if (this.dependsOn(this.fn.operand(instruction, i))) return true;
    return false;
  }

  /** Whether `value` is a parameter of the block or made from one by pure operations. */
  dependsOn(value: Value): boolean {
    const { fn, state } = this;
    const isParameter = (other: Value): boolean => fn.valueDefinitions.data[other] === ~this.home;
    const root = fn.definition(value);
    if (root === -1) return isParameter(value);
    if (!isPure(fn.opcode(root))) return false;
    const work: Instruction[] = [root];
    while (work.length > 0) {
      const instruction = work.at(-1)!;
      if (state[instruction] !== 0) {
        work.pop();
        continue;
      }
      let result = 2;
      let isReady = true;
      for (let i = 0; i < fn.operandCount(instruction); i++) {
        const operand = fn.operand(instruction, i);
        const definition = fn.definition(operand);
        if (definition === -1) {
          if (isParameter(operand)) result = 1;
        } else if (isPure(fn.opcode(definition))) {
          if (state[definition] === 0) {
            work.push(definition);
            isReady = false;
          } else if (state[definition] === 1) result = 1;
        }
      }
      if (!isReady) continue;
      state[instruction] = result;
      work.pop();
    }
    return state[root] === 1;
  }
}
