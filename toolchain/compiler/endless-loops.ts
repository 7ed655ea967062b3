/** Loops that only a trap, or a call that does not return, can end. */
import { reversePostorder } from "../ir/control-flow.ts";
import type { Block, IrFunction } from "../ir/function.ts";
import { Opcode } from "../ir/opcode.ts";

/**
 * The blocks of each endless loop, in the order of the code. A loop around an endless loop is not
 * reported: control never returns to it.
 */
export function endlessLoops(fn: IrFunction): Block[][] {
  const order = reversePostorder(fn);
  const leaving = reaching(
    fn,
    order,
    order.filter((block) =>
      fn.blockInstructions[block]!.some((one) => fn.opcode(one) === Opcode.Return),
    ),
  );
  const staying = order.filter((block) => !leaving.has(block));
  const loops: Block[][] = [];
  const known = new Set<Block>();
  for (const block of staying) {
    if (known.has(block)) continue;
    const after = reachable(fn, block);
    if (!after.has(block)) continue;
    const before = reaching(fn, staying, [block]);
    const loop = staying.filter((one) => after.has(one) && before.has(one));
    for (const one of loop) known.add(one);
    loops.push(loop);
  }
  return loops;
}

/** Blocks of `order` from which there is a way to one of `targets`, they included. */
function reaching(fn: IrFunction, order: readonly Block[], targets: readonly Block[]): Set<Block> {
  const found = new Set(targets);
  for (let size = -1; size !== found.size; ) {
    size = found.size;
    for (const block of order.toReversed())
      if (fn.blockEdges[block]!.some(({ target }) => found.has(target))) found.add(block);
  }
  return found;
}

/** Blocks that may run after `block`; itself only where it may run again. */
function reachable(fn: IrFunction, block: Block): Set<Block> {
  const found = new Set(fn.blockEdges[block]!.map(({ target }) => target));
  for (const one of found) for (const { target } of fn.blockEdges[one]!) found.add(target);
  return found;
}
