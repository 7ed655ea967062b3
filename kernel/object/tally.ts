// How many callers there are of each kind, and the highest kind among them, so that it is known
// without a search.

import { THREADS_MAX } from "./layout";
import { PRIORITY_BITMAP_BYTES, PriorityBitmap } from "./priority-bitmap";

/** Longest chain of threads that wait for each other, without the thread that runs. */
export const CHAIN_MAX: u32 = 8;

/**
 * Callers by the length of the chain of threads that wait for them. Callers without a chain, as
 * most are, are not counted. 20 bytes.
 */
@unmanaged
export class ChainTally {
  /** The longest chain behind a caller, 0 if none has a chain. */
  private longest: u32;
  // Behind it u16[CHAIN_MAX]: how many callers have a chain of each length.

  /** The longest chain and its caller: the length behind a thread that all callers await. */
  @inline get longestWithCaller(): u32 {
    return this.longest + 1;
  }

  /** Adds a caller with a chain of `length` behind it; `checkChain` has bounded the length. */
  add(length: u32): void {
    if (length === 0) return;
    assert(length < CHAIN_MAX);
    const count = this.countAt(length);
    store<u16>(count, load<u16>(count) + 1);
    if (length > this.longest) this.longest = length;
  }

  /** At most CHAIN_MAX steps. */
  remove(length: u32): void {
    if (length === 0) return;
    const count = this.countAt(length);
    assert(load<u16>(count) !== 0);
    store<u16>(count, load<u16>(count) - 1);
    let longest = this.longest;
    while (longest > 0 && load<u16>(this.countAt(longest)) === 0) longest -= 1;
    this.longest = longest;
  }

  @inline private countAt(length: u32): usize {
    return changetype<usize>(this) + CHAIN_COUNTS_OFFSET + ((<usize>length) << 1);
  }
}

const CHAIN_COUNTS_OFFSET: usize = 4;
export const CHAIN_TALLY_BYTES: usize = CHAIN_COUNTS_OFFSET + 2 * <usize>CHAIN_MAX;
if (offsetof<ChainTally>() !== CHAIN_COUNTS_OFFSET) ERROR("ChainTally overlaps its counts");

/** Callers by priority. 552 bytes. */
@unmanaged
export class PriorityTally {
  // First a PriorityBitmap, in the end of it a u32, one more than the highest priority, then
  // u16[256]: how many callers have each priority.

  /**
   * The highest priority that a caller has, -1 if there is none: kept, as every answer reads it.
   */
  @inline get highest(): i32 {
    return <i32>load<u32>(changetype<usize>(this), HIGHEST_OFFSET) - 1;
  }

  add(priority: u32): void {
    const count = this.countAt(priority);
    store<u16>(count, load<u16>(count) + 1);
    this.bitmap.add(priority);
    if (<i32>priority > this.highest) this.setHighest(<i32>priority);
  }

  remove(priority: u32): void {
    const count = this.countAt(priority);
    const before = load<u16>(count);
    assert(before !== 0);
    store<u16>(count, before - 1);
    if (before > 1) return;
    this.bitmap.remove(priority);
    this.setHighest(this.bitmap.highest);
  }

  @inline private setHighest(priority: i32): void {
    store<u32>(changetype<usize>(this), <u32>(priority + 1), HIGHEST_OFFSET);
  }

  @inline private get bitmap(): PriorityBitmap {
    return changetype<PriorityBitmap>(this);
  }
  @inline private countAt(priority: u32): usize {
    return changetype<usize>(this) + PRIORITY_BITMAP_BYTES + ((<usize>priority) << 1);
  }
}

/** The last word of the bitmap's place. */
const HIGHEST_OFFSET: usize = PRIORITY_BITMAP_BYTES - 4;
if (offsetof<PriorityBitmap>() > HIGHEST_OFFSET) ERROR("PriorityBitmap overlaps the highest");
export const PRIORITY_TALLY_BYTES: usize = PRIORITY_BITMAP_BYTES + 2 * 256;
if (THREADS_MAX > <u32>u16.MAX_VALUE) ERROR("more threads than a count can hold");
