import type { LiveRanges } from "./live-range.ts";
import { needsRegister, UseKind } from "./live-range.ts";

/** The weight of a bundle that cannot be made smaller. No bundle evicts it. */
export const MINIMAL_WEIGHT = Infinity;

export const NOT_ALLOCATED = -1;

/**
 * What a use costs that makes its value again, if a load from a slot costs 1. One instruction
 * either way, but without an access to memory: two such uses are cheaper than the push and pop of a
 * callee-saved register, two loads are not.
 */
const REMATERIALIZATION_COST = 0.5;

/**
 * Live ranges that get one register between them, in the order of the code: at first all of a
 * value, or of several values that were joined because moves connect them; later the pieces into
 * which such a bundle had to be split.
 */
export class Bundle {
  /** x86 number, or NOT_ALLOCATED: in a stack slot, or nowhere if it can be made again. */
  register = NOT_ALLOCATED;
  /**
   * `cost` for each point at which the bundle is live: bundles with a low weight are evicted first.
   */
  weight = 0;
  /** How often the uses of the bundle run: what a slot instead of a register would cost. */
  cost = 0;
  /** Points at which the bundle is live. */
  size = 0;
  /** At least one use needs a register. */
  isRegisterNeeded = false;
  hasUses = false;
  isMinimal = false;

  constructor(
    readonly index: number,
    public ranges: number[],
    /**
     * Number of the bundle at the start from which this one was split: values of one family share a
     * stack slot.
     */
    readonly family: number,
  ) {}

  measure(live: LiveRanges): void {
    let cost = 0;
    let size = 0;
    this.isRegisterNeeded = false;
    this.hasUses = false;
    for (const range of this.ranges) {
      size += live.to.data[range]! - live.from.data[range]!;
      const isRematerializable =
        live.machine.rematerializable[live.registers.data[range]!] !== null;
      for (let use = live.useStarts.data[range]!; use < live.useEnds.data[range]!; use++) {
        const kind = live.useKinds[use]! as UseKind;
        if (isRematerializable && !needsRegister(kind)) continue;
        cost += live.useFrequency(use) * (isRematerializable ? REMATERIALIZATION_COST : 1);
        this.hasUses = true;
        if (needsRegister(kind)) this.isRegisterNeeded = true;
      }
    }
    this.cost = cost;
    this.size = size;
    this.isMinimal = this.start(live) >> 2 === (this.end(live) - 1) >> 2;
    this.weight = this.isMinimal && this.isRegisterNeeded ? MINIMAL_WEIGHT : cost / (size + 8);
  }

  start(live: LiveRanges): number {
    return live.from.data[this.ranges[0]!]!;
  }
  end(live: LiveRanges): number {
    return live.to.data[this.ranges[this.ranges.length - 1]!]!;
  }
}

/** Whether no range of one overlaps a range of the other. */
export function areDisjoint(
  live: LiveRanges,
  left: readonly number[],
  right: readonly number[],
): boolean {
  let i = 0;
  let k = 0;
  while (i < left.length && k < right.length) {
    const [a, b] = [left[i]!, right[k]!];
    if (live.to.data[a]! <= live.from.data[b]!) i++;
    else if (live.to.data[b]! <= live.from.data[a]!) k++;
    else return false;
  }
  return true;
}
