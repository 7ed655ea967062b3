/**
 * The loop forest. All loops have one header that dominates their bodies: wasm has no other, and no
 * pass makes one. Headers are visited inside out and each found loop is merged into its header, so
 * that the cost stays near linear.
 */
import type { Dominators } from "./dominators.ts";
import type { Block, IrFunction } from "./function.ts";

export interface LoopForest {
  /**
   * Header of the innermost loop that the block belongs to, -1 if none. A header belongs to its own
   * loop.
   */
  readonly headerOf: Int32Array;
  /** For a header: the header of the loop around its loop, or -1. */
  readonly outerOf: Int32Array;
  /** Number of loops around the block. */
  readonly depths: Int32Array;
}

export function findLoops(fn: IrFunction, dominators: Dominators): LoopForest {
  const count = fn.blockCount;
  const headerOf = new Int32Array(count).fill(-1);
  const outerOf = new Int32Array(count).fill(-1);
  const depths = new Int32Array(count);
  const isHeader = new Uint8Array(count);
  // Union-find: the outermost loop header found so far that has swallowed the block.
  const merged = new Int32Array(count).map((_, block) => block);
  const find = (block: number): number => {
    let root = block;
    while (merged[root] !== root) root = merged[root]!;
    for (let next = block; merged[next] !== root; ) [next, merged[next]] = [merged[next]!, root];
    return root;
  };

  const { order, predecessors } = dominators;
  for (let index = order.length - 1; index >= 0; index--) {
    const header = order[index]!;
    const work: number[] = [];
    const add = (block: number): void => {
      const root = find(block);
      if (root === header) return;
      merged[root] = header;
      if (isHeader[root]) outerOf[root] = header;
      else headerOf[root] = header;
      work.push(root);
    };
    for (const { from } of predecessors[header]!) {
      if (!dominators.dominates(header, from)) continue;
      isHeader[header] = 1;
      add(from);
    }
    for (let block = work.pop(); block !== undefined; block = work.pop()) {
      for (const { from } of predecessors[block]!) add(from);
    }
    if (isHeader[header]) headerOf[header] = header;
  }

  for (const block of order) {
    const header = headerOf[block]!;
    if (header === -1) continue;
    if (header !== block) depths[block] = depths[header]!;
    else depths[block] = outerOf[block] === -1 ? 1 : depths[outerOf[block]!]! + 1;
  }
  return { headerOf, outerOf, depths };
}

/** Whether `block` lies in the loop of `header`. */
export function isInLoop(forest: LoopForest, block: Block, header: number): boolean {
  for (let at = forest.headerOf[block]!; at !== -1; at = forest.outerOf[at]!)
    if (at === header) return true;
  return false;
}
