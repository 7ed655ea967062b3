/**
 * Orders and predecessors of a function's blocks. Nothing keeps them up to date: passes change the
 * graph, so that each caller computes them anew.
 */
import type { Block, IrFunction } from "./function.ts";

/**
 * Blocks that control can reach, in reverse postorder: each stands behind all its predecessors but
 * those of back edges, and its first successor, if new, right behind it.
 */
export function reversePostorder(fn: IrFunction): Block[] {
  return postorder(fn, "last successor").reverse();
}

/**
 * Blocks that control can reach, in the order in which a depth-first walk leaves them: each stands
 * behind all its successors but those of back edges. `enteredFirst` says which successor of a block
 * the walk enters first.
 */
export function postorder(
  fn: IrFunction,
  enteredFirst: "first successor" | "last successor",
): Block[] {
  const isForward = enteredFirst === "first successor";
  const visited = new Uint8Array(fn.blockCount);
  const order: Block[] = [];
  const stack: { block: Block; next: number }[] = [{ block: 0 as Block, next: 0 }];
  visited[0] = 1;
  while (stack.length > 0) {
    const top = stack[stack.length - 1]!;
    const edges = fn.blockEdges[top.block]!;
    if (top.next === edges.length) {
      order.push(top.block);
      stack.pop();
      continue;
    }
    const next = top.next++;
    const { target } = edges[isForward ? next : edges.length - 1 - next]!;
    if (visited[target]) continue;
    visited[target] = 1;
    stack.push({ block: target, next: 0 });
  }
  return order;
}

export interface PredecessorEdge {
  readonly from: Block;
  readonly edge: number;
}

/** In-edges by block; only from the blocks in `order`. */
export function predecessorEdges(fn: IrFunction, order: readonly Block[]): PredecessorEdge[][] {
  const predecessors: PredecessorEdge[][] = Array.from({ length: fn.blockCount }, () => []);
  for (const from of order) {
    for (const [edge, { target }] of fn.blockEdges[from]!.entries())
      predecessors[target]!.push({ from, edge });
  }
  return predecessors;
}
