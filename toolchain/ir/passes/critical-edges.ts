/**
 * Splits edges from a block with several successors to one with several predecessors, so that moves
 * have a place to stand.
 */
import { predecessorEdges, reversePostorder } from "../control-flow.ts";
import type { Block, IrFunction, Value } from "../function.ts";
import { Opcode, Type } from "../opcode.ts";

export function splitCriticalEdges(fn: IrFunction): void {
  const order = reversePostorder(fn);
  const predecessors = predecessorEdges(fn, order);
  for (const block of order) {
    const edges = fn.blockEdges[block]!;
    if (edges.length < 2) continue;
    const terminator = fn.blockInstructions[block]!.at(-1)!;
    for (const edge of edges) {
      if (predecessors[edge.target]!.length < 2) continue;
      const between = newJumpBlock(
        fn,
        edge.target,
        edge.args,
        fn.origin(terminator),
        fn.inlinedAt.data[terminator]!,
      );
      edge.target = between;
      edge.args = [];
    }
  }
}

function newJumpBlock(
  fn: IrFunction,
  target: Block,
  args: Value[],
  origin: number,
  inlinedAt: number,
): Block {
  const block = fn.newBlock();
  fn.blockInstructions[block]!.push(
    fn.newInstruction(Opcode.Jump, Type.None, [], [], 0, origin, 0, inlinedAt),
  );
  fn.blockEdges[block]!.push({ target, args });
  return block;
}
