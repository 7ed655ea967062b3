/**
 * The order in which blocks are laid out: forward edges lead downwards, loops stay contiguous, and
 * blocks that only lead to a trap stand at the end. A loop that is entered through a test is
 * rotated: its header comes last, so that each round has one branch instead of two.
 */
import { coldBlocks } from "../cold-blocks.ts";
import { Dominators } from "../dominators.ts";
import type { Block, IrFunction } from "../function.ts";
import { findLoops, isInLoop, type LoopForest } from "../loops.ts";
import { Opcode } from "../opcode.ts";

/**
 * Longer headers are not rotated: the jump into the header would cost more than the branch saved.
 */
const ROTATED_HEADER_MAX = 12;

export function layout(fn: IrFunction): void {
  const dominators = new Dominators(fn);
  const forest = findLoops(fn, dominators);
  for (let block = 0; block < fn.blockCount; block++) fn.loopDepths[block] = forest.depths[block]!;
  const isCold = coldBlocks(fn, dominators.order);
  const placed = placeInOrder(fn, dominators, forest, isCold);
  const rotated = rotateLoops(fn, placed, forest);
  fn.blockOrder = [
    ...rotated.filter((block) => !isCold[block]),
    ...rotated.filter((block) => isCold[block]),
  ];
}

/**
 * A topological order of the forward edges that leaves a loop only when all of it is placed. Blocks
 * that are ready wait in a list of their loop; the innermost open loop goes on first, and in it the
 * block that became ready last, which is usually a successor of the last one.
 */
function placeInOrder(
  fn: IrFunction,
  dominators: Dominators,
  forest: LoopForest,
  isCold: Uint8Array,
): Block[] {
  const missing = new Int32Array(fn.blockCount);
  for (const block of dominators.order) {
    for (const { from } of dominators.predecessors[block]!)
      if (!dominators.dominates(block, from)) missing[block]!++;
  }
  const ready = new Map<number, Block[]>();
  const makeReady = (block: Block): void => {
    // A header waits in the list of the loop around its own.
    const loop =
      forest.headerOf[block] === block ? forest.outerOf[block]! : forest.headerOf[block]!;
    const list = ready.get(loop);
    if (list === undefined) ready.set(loop, [block]);
    else list.push(block);
  };

  const result: Block[] = [];
  const open: number[] = [-1];
  makeReady(0 as Block);
  while (open.length > 0) {
    const block = ready.get(open[open.length - 1]!)?.pop();
    if (block === undefined) {
      open.pop();
      continue;
    }
    result.push(block);
    if (forest.headerOf[block] === block) open.push(block);
    // The first successor is made ready last and so comes next; cold ones give way.
    const targets = fn.blockEdges[block]!.map(({ target }) => target);
    const ordered = [
      ...targets.filter((target) => !isCold[target]),
      ...targets.filter((target) => isCold[target]),
    ];
    for (const target of ordered.reverse()) {
      if (dominators.dominates(target, block)) continue;
      if (--missing[target]! === 0) makeReady(target);
    }
  }
  if (result.length !== dominators.order.length)
    throw new Error(`${fn.name}: a loop has two entries, which no pass may make`);
  return result;
}

function rotateLoops(fn: IrFunction, placed: readonly Block[], forest: LoopForest): Block[] {
  const order = [...placed];
  // Loops are contiguous, so that a header's place and its loop's size say which blocks belong to
  // it. Inner loops come first.
  const sizes = new Int32Array(fn.blockCount);
  for (let start = placed.length - 1; start > 0; start--) {
    const header = placed[start]!;
    const innermost = forest.headerOf[header]!;
    if (innermost === -1) continue;
    sizes[innermost]!++;
    if (innermost !== header) continue;
    const size = sizes[header]!;
    if (forest.outerOf[header] !== -1) sizes[forest.outerOf[header]!]! += size;
    const end = start + size;
    if (size === 1) continue;

    const instructions = fn.blockInstructions[header]!;
    const edges = fn.blockEdges[header]!;
    const isTest =
      fn.opcode(instructions.at(-1)!) === Opcode.Branch &&
      edges.some(({ target }) => !isInLoop(forest, target, header));
    const last = fn.blockEdges[order[end - 1]!]!;
    const closes = last.length === 1 && last[0]!.target === header;
    if (!isTest || !closes || instructions.length > ROTATED_HEADER_MAX) continue;
    order.splice(end, 0, header);
    order.splice(start, 1);
  }
  return order;
}
