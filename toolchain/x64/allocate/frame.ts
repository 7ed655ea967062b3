import type { Allocation } from "./allocation.ts";
import { CALLEE_SAVED, type Register } from "../machine/register.ts";

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
 * throughout the body.
 */
export interface Frame {
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
  return { saved, slotBytes, slotOffsets, bytes: 8 * saved.length + slotBytes };
}
