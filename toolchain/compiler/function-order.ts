/**
 * The order in which functions lie in memory: first those that the kernel's fast path runs, so that
 * a message meets few pages and cache lines of code, then all others as they come.
 */
import { CallGraph } from "../ir/call-graph.ts";
import type { MachineCode } from "../ir/machine-code.ts";
import type { IrModule } from "../ir/module.ts";

/** What the entry stub of system calls tries first. */
const FAST_PATH_EXPORTS = ["fastCall", "fastReply", "fastRecv"];
/** What this reaches runs at most once: a broken invariant ends there. */
const LAST_WORDS_EXPORT = "abort";

/**
 * The code of the module's functions, in the order in which they lie in memory. The module has been
 * optimized.
 *
 * The fewer calls lead from the fast path to a function, the more messages run it. Among functions
 * at the same distance the short ones come first: that brings most of them near.
 */
export function inMemoryOrder(module: IrModule, codes: readonly MachineCode[]): MachineCode[] {
  const distances = distancesOf(module);
  const distance = ({ functionIndex }: MachineCode): number =>
    distances.get(functionIndex) ?? Infinity;
  const hot = codes.filter((code) => distances.has(code.functionIndex));
  const others = codes.filter((code) => !distances.has(code.functionIndex));
  hot.sort(
    (one, other) => distance(one) - distance(other) || one.bytes.length - other.bytes.length,
  );
  return [...hot, ...others];
}

/** How many calls lead from the fast path to each function that it may come to run. */
function distancesOf(module: IrModule): ReadonlyMap<number, number> {
  const distances = new Map<number, number>();
  if (module.target !== "kernel") return distances;
  const graph = new CallGraph(module);
  const lastWords = module.exports.get(LAST_WORDS_EXPORT);
  for (const name of FAST_PATH_EXPORTS) {
    const root = module.exports.get(name);
    if (root !== undefined) distances.set(root, 0);
  }
  for (const [caller, distance] of distances)
    for (const callee of graph.callees(caller))
      if (callee !== lastWords && !distances.has(callee)) distances.set(callee, distance + 1);
  return distances;
}
