import { PRIORITY_BITMAP_BYTES, PriorityBitmap } from "./priority-bitmap";

/**
 * The heads of 256 rings of threads, one a priority, and the set of those that are not empty.
 * kernel/schedule/priority-queue.ts has the operations.
 */
@unmanaged
export class PriorityQueue {
  @inline get bitmap(): PriorityBitmap {
    return changetype<PriorityBitmap>(this);
  }
  /** Address of a ring's first thread; the word there is 0 while the ring is empty. */
  @inline headAt(priority: u32): usize {
    return changetype<usize>(this) + PRIORITY_BITMAP_BYTES + ((<usize>priority) << 2);
  }
}

export const PRIORITY_QUEUE_BYTES: usize = PRIORITY_BITMAP_BYTES + 256 * 4;
