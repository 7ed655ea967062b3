// How fast a counter runs, computed from readings. Each reading lies between two readings of the
// time stamp counter.
//
// A reading says only that the counter stood at `count` at some moment between `before` and
// `after`. So an interruption of any length, between any two instructions, widens the bounds but
// cannot make them wrong.

/** A rate is in ticks of the time stamp counter for one step of the counter, times 2^20. */
export const RATE_SHIFT: u64 = 20;
/**
 * Bounds are tight when they are at most a 512th of the rate apart: then their middle is off by
 * less than 0.1 %.
 */
const TIGHT_SHIFT: u64 = 9;
/**
 * The first readings, with which all later ones are compared. There are several, so that an
 * interrupted one does no harm.
 */
const HEADS: u32 = 8;
/**
 * Longer distances in time are ignored, so that a distance fits in 64 bits when it is shifted: half
 * an hour at 5 GHz.
 */
const DISTANCE_MAX: u64 = 1 << 43;
const RATE_UNKNOWN: u64 = 0xffff_ffff_ffff_ffff;

@unmanaged
@final
export class CounterRate {
  /** The rate lies between these two, if no reading was wrong. */
  low: u64;
  high: u64;
  private last: u64;
  private heads: u32;
  private wentBack: bool;
  firstHead: u64; // Three words for each of HEADS: before, after, count.

  /** The record at an address of static memory. */
  @inline static at(address: usize): CounterRate {
    return changetype<CounterRate>(address);
  }

  /** Forgets all readings. */
  begin(): void {
    this.low = 0;
    this.high = RATE_UNKNOWN;
    this.last = 0;
    this.heads = 0;
    this.wentBack = false;
  }

  /** Takes a reading of a counter that only rises. */
  add(before: u64, after: u64, count: u64): void {
    if (after < before || (this.heads > 0 && count < this.last)) this.wentBack = true;
    this.last = count;
    for (let i: u32 = 0; i < this.heads; i++) {
      const head = this.head(i);
      this.narrow(load<u64>(head), load<u64>(head, 8), count - load<u64>(head, 16), before, after);
    }
    if (this.heads === HEADS) return;
    const head = this.head(this.heads);
    store<u64>(head, before);
    store<u64>(head, after, 8);
    store<u64>(head, count, 16);
    this.heads += 1;
  }

  /**
   * True if the readings cannot be those of a steady counter: the counter or the clock went back or
   * was changed, or the counter wrapped.
   */
  get isContradictory(): bool {
    return this.wentBack || this.low > this.high;
  }

  /** True if the rate has both a lower and an upper bound. */
  get isKnown(): bool {
    return !this.isContradictory && this.low > 0 && this.high !== RATE_UNKNOWN;
  }

  get isTight(): bool {
    return this.isKnown && this.high - this.low <= this.low >> TIGHT_SHIFT;
  }

  get middle(): u64 {
    return this.low + ((this.high - this.low) >> 1);
  }

  /**
   * Narrows the bounds: between two readings the counter took `steps`, give or take less than one.
   */
  private narrow(headBefore: u64, headAfter: u64, steps: u64, before: u64, after: u64): void {
    const longest = after - headBefore;
    if (after < headBefore || longest > DISTANCE_MAX) return;
    const shortest: u64 = before > headAfter ? before - headAfter : 0;
    const low = (shortest << RATE_SHIFT) / (steps + 1);
    if (low > this.low) this.low = low;
    if (steps < 2) return;
    const high = (longest << RATE_SHIFT) / (steps - 1) + 1;
    if (high < this.high) this.high = high;
  }

  private head(index: u32): usize {
    return changetype<usize>(this) + offsetof<CounterRate>("firstHead") + <usize>index * 24;
  }
}

/** Bytes of a CounterRate with its first readings. */
export const COUNTER_RATE_BYTES: usize = 256;
if (offsetof<CounterRate>("firstHead") + <usize>HEADS * 24 > COUNTER_RATE_BYTES)
  ERROR("COUNTER_RATE_BYTES is too small");
