import { expect, test } from "vitest";
import { Random } from "../fuzz/random.ts";
import { reversePostorder } from "./control-flow.ts";
import { Dominators } from "./dominators.ts";
import { type Block, IrFunction } from "./function.ts";

/** A graph with random edges; not all of it need be reachable. */
function randomGraph(seed: number): IrFunction {
  const random = new Random(seed);
  const fn = new IrFunction("graph", 0, [], []);
  const count = 2 + random.below(20);
  for (let i = 0; i < count; i++) fn.newBlock();
  for (let block = 0; block < count; block++) {
    for (let edges = random.below(4); edges > 0; edges--)
      fn.blockEdges[block]!.push({ target: (1 + random.below(count - 1)) as Block, args: [] });
  }
  return fn;
}

/** By definition: without `above`, `below` cannot be reached. */
function dominatesByDefinition(fn: IrFunction, above: Block, below: Block): boolean {
  const seen = new Set<Block>();
  const work = above === 0 ? [] : [0 as Block];
  for (let block = work.pop(); block !== undefined; block = work.pop()) {
    if (seen.has(block)) continue;
    seen.add(block);
    for (const { target } of fn.blockEdges[block]!) if (target !== above) work.push(target);
  }
  return !seen.has(below);
}

test("agrees with the definition on random graphs", () => {
  for (let seed = 0; seed < 300; seed++) {
    const fn = randomGraph(seed);
    const dominators = new Dominators(fn);
    const reachable = reversePostorder(fn);
    for (const above of reachable) {
      for (const below of reachable) {
        expect(dominators.dominates(above, below), `seed ${seed}: ${above} over ${below}`).toBe(
          dominatesByDefinition(fn, above, below),
        );
        const common = dominators.common(above, below);
        expect(dominators.dominates(common, above) && dominators.dominates(common, below)).toBe(
          true,
        );
      }
      if (above !== 0)
        expect(dominators.dominates(dominators.parent[above]! as Block, above)).toBe(true);
    }
  }
});
