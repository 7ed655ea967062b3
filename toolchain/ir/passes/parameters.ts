/**
 * Removes block parameters that are superfluous: those that are always one other value, and those
 * that nothing needs.
 */
import { type PredecessorEdge, predecessorEdges, reversePostorder } from "../control-flow.ts";
import { type Block, type IrFunction, NO_VALUE, type Value } from "../function.ts";
import { isPure } from "../opcode.ts";
import { Replacement } from "../replacement.ts";

export function removeParameters(fn: IrFunction): boolean {
  const trivial = removeTrivial(fn);
  const dead = removeDead(fn);
  return trivial || dead;
}

/**
 * A parameter whose arguments are all the same value, or the parameter itself, is that value. On
 * graphs whose loops have one entry this leaves the fewest parameters, if those are asked again
 * that had the replaced one as argument.
 */
function removeTrivial(fn: IrFunction): boolean {
  const order = reversePostorder(fn);
  const predecessors = predecessorEdges(fn, order);
  const replacement = new Replacement();
  const removed = new Set<Value>();
  const work: Asked[] = [];
  // By parameter: the parameters that it is an argument of.
  const users = new Map<Value, Asked[]>();
  for (const block of order) {
    if (block === 0) continue;
    for (const [slot, parameter] of fn.blockParameters[block]!.entries()) {
      const asked = { block, slot, parameter };
      work.push(asked);
      for (const { from, edge } of predecessors[block]!) {
        const argument = fn.blockEdges[from]![edge]!.args[slot]!;
        if (fn.definition(argument) === -1) addUser(users, argument, asked);
      }
    }
  }
  // The first ones first: what stands behind depends on them.
  work.reverse();
  for (let asked = work.pop(); asked !== undefined; asked = work.pop()) {
    if (removed.has(asked.parameter)) continue;
    const only = onlyArgument(fn, asked, predecessors[asked.block]!, replacement);
    if (only === NO_VALUE) continue;
    replacement.replace(asked.parameter, only);
    removed.add(asked.parameter);
    for (const user of users.get(asked.parameter) ?? []) {
      work.push(user);
      addUser(users, only, user);
    }
  }
  if (removed.size === 0) return false;
  replacement.apply(fn);
  dropParameters(fn, order, (parameter) => removed.has(parameter));
  return true;
}

interface Asked {
  readonly block: Block;
  readonly slot: number;
  readonly parameter: Value;
}

function addUser(users: Map<Value, Asked[]>, value: Value, user: Asked): void {
  const list = users.get(value);
  if (list === undefined) users.set(value, [user]);
  else list.push(user);
}

/**
 * The one value that all edges bring, apart from the parameter itself; NO_VALUE if there are
 * several or none.
 */
function onlyArgument(
  fn: IrFunction,
  { slot, parameter }: Asked,
  edges: readonly PredecessorEdge[],
  replacement: Replacement,
): Value {
  let only: Value = NO_VALUE;
  for (const { from, edge } of edges) {
    const argument = replacement.resolve(fn.blockEdges[from]![edge]!.args[slot]!);
    if (argument === parameter || argument === only) continue;
    if (only !== NO_VALUE) return NO_VALUE;
    only = argument;
  }
  return only;
}

/**
 * A parameter is needed if something that happens depends on it; parameters that only feed each
 * other are not.
 */
function removeDead(fn: IrFunction): boolean {
  const order = reversePostorder(fn);
  const predecessors = predecessorEdges(fn, order);
  const needed = new Uint8Array(fn.valueTypes.length);
  const work: Value[] = [];
  const need = (value: Value): void => {
    if (needed[value]) return;
    needed[value] = 1;
    work.push(value);
  };
  for (const block of order) {
    for (const instruction of fn.blockInstructions[block]!) {
      if (isPure(fn.opcode(instruction))) continue;
      for (let i = 0; i < fn.operandCount(instruction); i++) need(fn.operand(instruction, i));
    }
  }
  for (let value = work.pop(); value !== undefined; value = work.pop()) {
    const definition = fn.valueDefinitions.data[value]!;
    if (definition >= 0) {
      const instruction = fn.definition(value) as never;
      if (!isPure(fn.opcode(instruction))) continue;
      for (let i = 0; i < fn.operandCount(instruction); i++) need(fn.operand(instruction, i));
      continue;
    }
    const block = ~definition as Block;
    if (block === 0) continue;
    const slot = fn.blockParameters[block]!.indexOf(value);
    for (const { from, edge } of predecessors[block]!)
      need(fn.blockEdges[from]![edge]!.args[slot]!);
  }

  const isDead = (parameter: Value): boolean => needed[parameter] === 0;
  if (!order.some((block) => block !== 0 && fn.blockParameters[block]!.some(isDead))) return false;
  dropParameters(fn, order, isDead);
  return true;
}

function dropParameters(
  fn: IrFunction,
  order: readonly Block[],
  isDropped: (parameter: Value) => boolean,
): void {
  const kept = order.map((block) => {
    const parameters = fn.blockParameters[block]!;
    return block !== 0 && parameters.some(isDropped)
      ? parameters.map((parameter) => !isDropped(parameter))
      : null;
  });
  const keptByBlock = new Map(order.map((block, index) => [block, kept[index]!]));
  for (const block of order) {
    for (const edge of fn.blockEdges[block]!) {
      const keep = keptByBlock.get(edge.target);
      if (keep) edge.args = edge.args.filter((_, slot) => keep[slot]);
    }
    const keep = keptByBlock.get(block);
    if (keep)
      fn.blockParameters[block] = fn.blockParameters[block]!.filter((_, slot) => keep[slot]);
  }
}
