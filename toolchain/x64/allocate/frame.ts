import { type Allocation, type InsertedMove, isSlot, type Location } from "./allocation.ts";
import { type FramedBlocks, framedBlocks } from "./shrink-wrap.ts";
import { CALLEE_SAVED, CALLEE_SAVED_SET, type Register } from "../machine/register.ts";

/**
 * A step of rsp beyond this could jump over the guard below a stack, so that every page on the way
 * is touched.
 */
export const UNPROBED_FRAME_BYTES_MAX = 32 * 1024;
export const PROBE_BYTES = 4096;
/** Larger frames are refused: no stack of the system has room for them. */
export const FRAME_BYTES_MAX = 1024 * 1024;

/**
 * The frame of a function: return address, saved registers, slots; rsp points to the last slot
 * throughout the blocks that have the frame.
 */
export interface Frame {
  /** Where the prologue stands, and which blocks run with the frame. */
  readonly blocks: FramedBlocks;
  readonly saved: readonly Register[];
  /** Bytes of all slots, a multiple of 8. */
  readonly slotBytes: number;
  /** Offset of each slot from rsp. */
  readonly slotOffsets: readonly number[];
  /** Bytes from the return address down to rsp. */
  readonly bytes: number;
}

/** Lays out the frame: slots of 8 bytes first, so that none is misaligned. */
export function layOutFrame(allocation: Allocation): Frame {
  const saved = CALLEE_SAVED.filter((register) => (allocation.savedRegisters >> register) & 1);
  const slotOffsets = new Array<number>(allocation.slotBytes.length).fill(0);
  let offset = 0;
  for (const bytes of [8, 4]) {
    allocation.slotBytes.forEach((slotBytes, slot) => {
      if (slotBytes !== bytes) return;
      slotOffsets[slot] = offset;
      offset += bytes;
    });
  }
  const slotBytes = (offset + 7) & ~7;
  const blocks = findFramedBlocks(allocation);
  return { blocks, saved, slotBytes, slotOffsets, bytes: 8 * saved.length + slotBytes };
}

/** Where the prologue of an allocated function stands. */
export const prologueBlock = (allocation: Allocation): number => findFramedBlocks(allocation).start;

function findFramedBlocks(allocation: Allocation): FramedBlocks {
  return framedBlocks(allocation.machine, (block) => usesFrame(allocation, block))[0]!;
}

/** Whether a saved register or a slot occurs in the block. */
function usesFrame(allocation: Allocation, index: number): boolean {
  const { machine, locations, before, behind } = allocation;
  const isOfFrame = (location: Location): boolean =>
    isSlot(location) || (((CALLEE_SAVED_SET & allocation.savedRegisters) >> location) & 1) === 1;
  const moves = (list: readonly InsertedMove[] | undefined): boolean =>
    list?.some((move) => isOfFrame(move.to) || (move.kind !== "make" && isOfFrame(move.from))) ??
    false;
  const { start, end } = machine.blocks[index]!;
  for (let i = start; i < end; i++) {
    if (moves(before.get(i)) || moves(behind.get(i))) return true;
    const instruction = machine.instructions[i]!;
    if ((instruction.clobbers & CALLEE_SAVED_SET) !== 0) return true;
    for (let k = 0; k < instruction.operandCount; k++) {
      const location = locations[instruction.operandStart + k]!;
      if (location >= 0 && isOfFrame(location)) return true;
    }
  }
  return false;
}
