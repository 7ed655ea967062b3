/**
 * Orders and predecessors of a function's blocks: recomputed by whoever needs them, since passes
 * change the graph.
 */
import type { Block, IrFunction } from "./function.ts";

/**
 * Blocks that can be reached, in reverse postorder of a depth-first walk: before a block stand all
 * its predecessors but those of back edges.
 */
export function reversePostorder(fn: IrFunction): Block[] {
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
    // Last successor first, so that the first one comes right behind the block.
    const { target } = edges[edges.length - 1 - top.next++]!;
    if (visited[target]) continue;
    visited[target] = 1;
    stack.push({ block: target, next: 0 });
  }
  return order.reverse();
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
