/** Dominator tree by the algorithm of Cooper, Harvey and Kennedy: simple, and fast on graphs that come from structured code. */
import { type PredecessorEdge, predecessorEdges, reversePostorder } from "./control-flow.ts";
import type { Block, IrFunction } from "./function.ts";

export class Dominators {
  readonly order: readonly Block[];
  readonly predecessors: readonly (readonly PredecessorEdge[])[];
  /** Position in `order`; -1 for blocks that cannot be reached. */
  readonly position: Int32Array;
  /** Immediate dominator by block; the entry's is itself. */
  readonly parent: Int32Array;
  /** Depth in the tree. */
  readonly depth: Int32Array;

  constructor(fn: IrFunction) {
    this.order = reversePostorder(fn);
    this.predecessors = predecessorEdges(fn, this.order);
    this.position = new Int32Array(fn.blockCount).fill(-1);
    this.parent = new Int32Array(fn.blockCount).fill(-1);
    this.depth = new Int32Array(fn.blockCount);
    for (const [index, block] of this.order.entries()) this.position[block] = index;
    this.parent[0] = 0;
    for (let changed = true; changed; ) {
      changed = false;
      for (const block of this.order.slice(1)) {
        let dominator = -1;
        for (const { from } of this.predecessors[block]!) {
          if (this.parent[from] === -1) continue;
          dominator = dominator === -1 ? from : this.intersect(from, dominator);
        }
        if (this.parent[block] === dominator) continue;
        this.parent[block] = dominator;
        changed = true;
      }
    }
    for (const block of this.order.slice(1)) this.depth[block] = this.depth[this.parent[block]!]! + 1;
  }

  dominates(above: Block, below: Block): boolean {
    let block = below;
    while (this.depth[block]! > this.depth[above]!) block = this.parent[block]! as Block;
    return block === above;
  }

  /** The lowest block that dominates both. */
  common(left: Block, right: Block): Block {
    let [a, b] = [left as number, right as number];
    while (a !== b) {
      if (this.depth[a]! < this.depth[b]!) b = this.parent[b]!;
      else a = this.parent[a]!;
    }
    return a as Block;
  }

  private intersect(left: number, right: number): number {
    let [a, b] = [left, right];
    while (a !== b) {
      while (this.position[a]! > this.position[b]!) a = this.parent[a]!;
      while (this.position[b]! > this.position[a]!) b = this.parent[b]!;
    }
    return a;
  }
}
