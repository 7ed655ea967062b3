import type { Allocation, InsertedMove, Location } from "./allocation.ts";
import type { Frame } from "./frame.ts";
import { CALLEE_SAVED_SET, Register, REGISTER_COUNT } from "../machine/register.ts";

/**
 * Proves that the prologue stands at the right place, or throws: on every path it runs at most
 * once, a block has the frame on all paths to it or on none, and without the frame no saved
 * register and no slot occurs. It shares with the layout of frames nothing but the data types.
 */
export function checkFrame(allocation: Allocation, { blocks: placed }: Frame): void {
  const { blocks, instructions, name } = allocation.machine;
  const fail = (block: number, what: string): never => {
    throw new Error(`${name}: block ${block}: ${what}`);
  };
  const hasFrameAt = new Map<number, boolean>();
  const work: { block: number; hasFrame: boolean }[] = [{ block: 0, hasFrame: false }];
  for (let next = work.pop(); next !== undefined; next = work.pop()) {
    const { block } = next;
    if (next.hasFrame && block === placed.start) fail(block, "a second prologue");
    const hasFrame = next.hasFrame || block === placed.start;
    const known = hasFrameAt.get(block);
    if (known !== undefined) {
      if (known !== hasFrame) fail(block, "the frame is there on one path only");
      continue;
    }
    hasFrameAt.set(block, hasFrame);
    if (hasFrame !== (placed.isFramed[block] === 1)) fail(block, "not laid out as it is entered");
    const { start, end, edges } = blocks[block]!;
    for (let i = start; i < end && !hasFrame; i++) {
      const used = [
        ...locationsOf(allocation, i),
        ...(allocation.before.get(i) ?? []).flatMap(ends),
        ...(allocation.behind.get(i) ?? []).flatMap(ends),
      ];
      for (const location of used) {
        if (location >= REGISTER_COUNT) fail(block, "a slot without the frame");
        if (CALLEE_SAVED_SET & allocation.savedRegisters & (1 << location))
          fail(block, `${Register[location]} without the frame`);
      }
      if (instructions[i]!.clobbers & CALLEE_SAVED_SET)
        fail(block, "a saved register is changed without the frame");
    }
    for (const { target } of edges) work.push({ block: target, hasFrame });
  }
}

function locationsOf({ machine, locations }: Allocation, index: number): Location[] {
  const { operandStart, operandCount } = machine.instructions[index]!;
  return [...locations.subarray(operandStart, operandStart + operandCount)].filter(
    (location) => location >= 0,
  );
}

const ends = (move: InsertedMove): Location[] =>
  move.kind === "make" ? [move.to] : [move.from, move.to];
