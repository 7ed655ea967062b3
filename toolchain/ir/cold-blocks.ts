import type { Block, IrFunction } from "./function.ts";
import { Opcode } from "./opcode.ts";

/**
 * Blocks from which every way ends in a trap. `order` is a reverse postorder; back edges do not
 * count, so that loops are never cold.
 */
export function coldBlocks(fn: IrFunction, order: readonly Block[]): Uint8Array {
  const isCold = new Uint8Array(fn.blockCount);
  for (let index = order.length - 1; index > 0; index--) {
    const block = order[index]!;
    const op = fn.opcode(fn.blockInstructions[block]!.at(-1)!);
    const edges = fn.blockEdges[block]!;
    if (
      op === Opcode.Unreachable ||
      (edges.length > 0 && edges.every(({ target }) => isCold[target]))
    )
      isCold[block] = 1;
  }
  return isCold;
}
