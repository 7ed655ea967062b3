/**
 * Simplifies the graph: decides branches on constants, sends edges past blocks that only jump or
 * only branch on what the edge brings, and joins blocks that always follow each other.
 */
import { predecessorEdges, reversePostorder } from "../control-flow.ts";
import { Dominators } from "../dominators.ts";
import type { Block, Edge, Instruction, IrFunction, Value } from "../function.ts";
import { isPure, Opcode } from "../opcode.ts";
import { Replacement } from "../replacement.ts";

export function simplifyControl(fn: IrFunction): boolean {
  let changed = decideBranches(fn);
  changed = threadEdges(fn) || changed;
  changed = decideBranches(fn) || changed;
  return joinBlocks(fn) || changed;
}

function constantOf(fn: IrFunction, value: Value): number | null {
  const definition = fn.definition(value);
  return definition !== -1 && fn.opcode(definition) === Opcode.Const
    ? Number(fn.constantBits(definition))
    : null;
}

/** The edge that a terminator takes for a constant operand. */
function takenEdge(op: Opcode, edges: readonly Edge[], constant: number): Edge {
  if (op === Opcode.Branch) return edges[constant !== 0 ? 0 : 1]!;
  return edges[Math.min(constant, edges.length - 1)]!;
}

function decideBranches(fn: IrFunction): boolean {
  let changed = false;
  for (const block of reversePostorder(fn)) {
    const terminator = fn.blockInstructions[block]!.at(-1)!;
    const op = fn.opcode(terminator);
    if (op !== Opcode.Branch && op !== Opcode.Switch) continue;
    const edges = fn.blockEdges[block]!;
    const constant = constantOf(fn, fn.operand(terminator, 0));
    const first = edges[0]!;
    const isSame = edges.every(
      ({ target, args }) =>
        target === first.target && args.every((value, i) => value === first.args[i]),
    );
    if (constant === null && !isSame) continue;
    const edge = constant === null ? first : takenEdge(op, edges, constant);
    makeJump(fn, terminator);
    fn.blockEdges[block] = [{ target: edge.target, args: edge.args }];
    changed = true;
  }
  return changed;
}

function makeJump(fn: IrFunction, terminator: Instruction): void {
  fn.opcodes.data[terminator] = Opcode.Jump;
  fn.operandCounts.data[terminator] = 0;
}

/**
 * An edge into a block without instructions of its own may go where that block would send it. The
 * block's parameters must have no other use than its terminator and its edges, since they would not
 * be defined behind it any more. No edge is sent past the test of a loop's header: the loop would
 * get a second entry.
 */
function threadEdges(fn: IrFunction): boolean {
  const dominators = new Dominators(fn);
  const { order } = dominators;
  const isPrivate = blocksWithPrivateParameters(fn, order);
  const isHeader = new Uint8Array(fn.blockCount);
  for (const block of order) {
    for (const { target } of fn.blockEdges[block]!)
      if (dominators.dominates(target, block)) isHeader[target] = 1;
  }
  let changed = false;
  // Targets first, so that a chain of empty blocks is one step for those in front of it.
  for (const block of order.toReversed()) {
    for (const edge of fn.blockEdges[block]!) {
      // A cycle of empty blocks has no end: each is passed at most once.
      const passed = new Set<Block>();
      const through = (): Edge | null => throughEdge(fn, edge, isPrivate, isHeader);
      for (let next = through(); next !== null && !passed.has(edge.target); next = through()) {
        passed.add(edge.target);
        // What an empty header jumps to is the loop's header from now on.
        if (isHeader[edge.target]) isHeader[next.target] = 1;
        edge.target = next.target;
        edge.args = next.args;
        changed = true;
      }
    }
  }
  return changed;
}

function throughEdge(
  fn: IrFunction,
  edge: Edge,
  isPrivate: Uint8Array,
  isHeader: Uint8Array,
): Edge | null {
  const middle = edge.target;
  const list = fn.blockInstructions[middle]!;
  if (list.length !== 1 || !isPrivate[middle]) return null;
  const op = fn.opcode(list[0]!);
  const parameters = fn.blockParameters[middle]!;
  const arrives = (value: Value): Value => {
    const slot = parameters.indexOf(value);
    return slot < 0 ? value : edge.args[slot]!;
  };
  const edges = fn.blockEdges[middle]!;
  let taken: Edge;
  if (op === Opcode.Jump) taken = edges[0]!;
  else if ((op === Opcode.Branch || op === Opcode.Switch) && !isHeader[middle]) {
    const condition = fn.operand(list[0]!, 0);
    // Only a value that this very edge brings can decide.
    const constant = parameters.includes(condition) ? constantOf(fn, arrives(condition)) : null;
    if (constant === null) return null;
    taken = takenEdge(op, edges, constant);
  } else return null;
  if (taken.target === middle) return null;
  return { target: taken.target, args: taken.args.map(arrives) };
}

/**
 * Blocks whose parameters are used by nothing but their own terminator and edges, and pure values
 * not at all.
 */
function blocksWithPrivateParameters(fn: IrFunction, order: readonly Block[]): Uint8Array {
  const isPrivate = new Uint8Array(fn.blockCount).fill(1);
  const foreignUse = (value: Value, user: Block | -1): void => {
    const definition = fn.valueDefinitions.data[value]!;
    if (definition < 0 && ~definition !== user) isPrivate[~definition] = 0;
  };
  const seen = new Uint8Array(fn.opcodes.length);
  const work: Instruction[] = [];
  const visit = (value: Value, user: Block | -1): void => {
    foreignUse(value, user);
    const definition = fn.definition(value);
    if (definition === -1 || seen[definition] || !isPure(fn.opcode(definition))) return;
    seen[definition] = 1;
    work.push(definition);
  };
  for (const block of order) {
    for (const instruction of fn.blockInstructions[block]!) {
      for (let i = 0; i < fn.operandCount(instruction); i++)
        visit(fn.operand(instruction, i), block);
    }
    for (const { args } of fn.blockEdges[block]!) for (const value of args) visit(value, block);
  }
  for (let instruction = work.pop(); instruction !== undefined; instruction = work.pop()) {
    for (let i = 0; i < fn.operandCount(instruction); i++) visit(fn.operand(instruction, i), -1);
  }
  return isPrivate;
}

/** A block whose only way out leads to a block with only that way in is one block with it. */
function joinBlocks(fn: IrFunction): boolean {
  const order = reversePostorder(fn);
  const predecessors = predecessorEdges(fn, order);
  const replacement = new Replacement();
  const isGone = new Uint8Array(fn.blockCount);
  for (const block of order) {
    if (isGone[block]) continue;
    for (;;) {
      const edges = fn.blockEdges[block]!;
      const list = fn.blockInstructions[block]!;
      if (edges.length !== 1 || fn.opcode(list.at(-1)!) !== Opcode.Jump) break;
      const { target, args } = edges[0]!;
      if (target === block || target === 0 || predecessors[target]!.length !== 1) break;
      for (const [slot, parameter] of fn.blockParameters[target]!.entries())
        replacement.replace(parameter, args[slot]!);
      list.pop();
      for (const instruction of fn.blockInstructions[target]!) list.push(instruction);
      fn.blockEdges[block] = fn.blockEdges[target]!;
      fn.blockInstructions[target] = [];
      fn.blockEdges[target] = [];
      fn.blockParameters[target] = [];
      isGone[target] = 1;
    }
  }
  replacement.apply(fn);
  return isGone.includes(1);
}
