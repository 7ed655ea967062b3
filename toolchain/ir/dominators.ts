/**
 * Dominator tree by the simple algorithm of Lengauer and Tarjan. The iterative one is shorter, but
 * takes time in the square of a function's length where many branches from different depths meet,
 * which hostile modules and long condition chains do.
 */
import { type PredecessorEdge, predecessorEdges, reversePostorder } from "./control-flow.ts";
import type { Block, IrFunction } from "./function.ts";

export class Dominators {
  /** Reverse postorder. */
  readonly order: readonly Block[];
  readonly predecessors: readonly (readonly PredecessorEdge[])[];
  /** Immediate dominator by block; the entry's is itself, -1 for blocks that cannot be reached. */
  readonly parent: Int32Array;
  /** Depth in the tree. */
  readonly depth: Int32Array;
  /**
   * Numbers of a walk over the tree: a block's subtree has the numbers from its own up to `last`.
   */
  private readonly first: Int32Array;
  private readonly last: Int32Array;

  constructor(fn: IrFunction) {
    this.order = reversePostorder(fn);
    this.predecessors = predecessorEdges(fn, this.order);
    this.parent = immediateDominators(fn, this.predecessors);
    this.depth = new Int32Array(fn.blockCount);
    for (const block of this.order.slice(1))
      this.depth[block] = this.depth[this.parent[block]!]! + 1;
    this.first = new Int32Array(fn.blockCount);
    this.last = new Int32Array(fn.blockCount);
    this.numberTree(fn.blockCount);
  }

  dominates(above: Block, below: Block): boolean {
    return this.first[above]! <= this.first[below]! && this.first[below]! <= this.last[above]!;
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

  /**
   * Sizes of subtrees from the leaves up, then numbers from the root down: parents stand before
   * children in `order`.
   */
  private numberTree(blockCount: number): void {
    const size = new Int32Array(blockCount).fill(1);
    for (let index = this.order.length - 1; index > 0; index--)
      size[this.parent[this.order[index]!]!]! += size[this.order[index]!]!;
    const next = new Int32Array(blockCount);
    next[0] = 1;
    this.last[0] = size[0]! - 1;
    for (const block of this.order.slice(1)) {
      const parent = this.parent[block]!;
      this.first[block] = next[parent]!;
      next[parent]! += size[block]!;
      next[block] = this.first[block]! + 1;
      this.last[block] = this.first[block]! + size[block]! - 1;
    }
  }
}

function immediateDominators(
  fn: IrFunction,
  predecessors: readonly (readonly PredecessorEdge[])[],
): Int32Array {
  const { preorder, treeParent } = depthFirstTree(fn);
  const count = fn.blockCount;
  // Vertices are numbers of the preorder from here on.
  const numbers = new Int32Array(count).fill(-1);
  for (const [number, block] of preorder.entries()) numbers[block] = number;
  const reached = preorder.length;
  const semi = Int32Array.from({ length: reached }, (_, number) => number);
  const label = semi.slice();
  const ancestor = new Int32Array(reached).fill(-1);
  const dominator = new Int32Array(reached);
  // Vertices by semidominator, as linked lists.
  const bucketHead = new Int32Array(reached).fill(-1);
  const bucketNext = new Int32Array(reached).fill(-1);
  const path: number[] = [];

  /**
   * The vertex of least semidominator on the way from `vertex` up to the root of its tree; shortens
   * the way.
   */
  function evaluate(vertex: number): number {
    if (ancestor[vertex] === -1) return vertex;
    for (let at = vertex; ancestor[ancestor[at]!] !== -1; at = ancestor[at]!) path.push(at);
    for (let at = path.pop(); at !== undefined; at = path.pop()) {
      const above = ancestor[at]!;
      if (semi[label[above]!]! < semi[label[at]!]!) label[at] = label[above]!;
      ancestor[at] = ancestor[above]!;
    }
    return label[vertex]!;
  }

  for (let vertex = reached - 1; vertex > 0; vertex--) {
    const parent = treeParent[vertex]!;
    for (const { from } of predecessors[preorder[vertex]!]!) {
      const least = semi[evaluate(numbers[from]!)]!;
      if (least < semi[vertex]!) semi[vertex] = least;
    }
    bucketNext[vertex] = bucketHead[semi[vertex]!]!;
    bucketHead[semi[vertex]!] = vertex;
    ancestor[vertex] = parent;
    for (let member = bucketHead[parent]!; member !== -1; member = bucketNext[member]!) {
      const least = evaluate(member);
      dominator[member] = semi[least]! < semi[member]! ? least : parent;
    }
    bucketHead[parent] = -1;
  }
  const result = new Int32Array(count).fill(-1);
  result[0] = 0;
  for (let vertex = 1; vertex < reached; vertex++) {
    if (dominator[vertex] !== semi[vertex]) dominator[vertex] = dominator[dominator[vertex]!]!;
    result[preorder[vertex]!] = preorder[dominator[vertex]!]!;
  }
  return result;
}

/**
 * Blocks in the order in which a depth-first walk meets them, and by that number the one it came
 * from.
 */
function depthFirstTree(fn: IrFunction): { preorder: Block[]; treeParent: number[] } {
  const preorder: Block[] = [];
  const treeParent: number[] = [];
  const isSeen = new Uint8Array(fn.blockCount);
  const stack: { number: number; next: number }[] = [];
  const enter = (block: Block, parent: number): void => {
    isSeen[block] = 1;
    stack.push({ number: preorder.push(block) - 1, next: 0 });
    treeParent.push(parent);
  };
  enter(0 as Block, 0);
  while (stack.length > 0) {
    const top = stack[stack.length - 1]!;
    const edge = fn.blockEdges[preorder[top.number]!]![top.next++];
    if (edge === undefined) stack.pop();
    else if (!isSeen[edge.target]) enter(edge.target, top.number);
  }
  return { preorder, treeParent };
}
