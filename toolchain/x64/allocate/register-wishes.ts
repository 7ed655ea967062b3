import type { LiveRanges, Point } from "./live-range.ts";
import { REGISTER_COUNT } from "../machine/register.ts";

/**
 * Wishes: a value wishes for a register if a move from or to that register would vanish. A bundle
 * without wishes avoids registers that another value, live at the same time, wishes for.
 */
export class RegisterWishes {
  private readonly byValue = new Map<number, { fixed: number; weight: number }[]>();
  /**
   * For each register, the ranges of values that wish for it, by start, and the furthest end up to
   * each.
   */
  private readonly starts: Point[][] = Array.from({ length: REGISTER_COUNT }, () => []);
  private readonly furthestEnds: Point[][] = Array.from({ length: REGISTER_COUNT }, () => []);

  constructor(live: LiveRanges) {
    const spans: [Point, Point][][] = Array.from({ length: REGISTER_COUNT }, () => []);
    for (const { virtual, fixed, weight } of live.fixedAffinities) {
      if (virtual < 0) continue;
      const list = this.byValue.get(virtual);
      if (list === undefined) this.byValue.set(virtual, [{ fixed, weight }]);
      else list.push({ fixed, weight });
      for (const range of live.rangesOf[virtual]!)
        spans[fixed]!.push([live.from.data[range]!, live.to.data[range]!]);
    }
    spans.forEach((list, register) => {
      let furthest = -1;
      for (const [from, to] of list.sort((a, b) => a[0] - b[0])) {
        furthest = Math.max(furthest, to);
        this.starts[register]!.push(from);
        this.furthestEnds[register]!.push(furthest);
      }
    });
  }

  of(value: number): readonly { readonly fixed: number; readonly weight: number }[] {
    return this.byValue.get(value) ?? [];
  }

  /** Some value wishes for `register` during [from, to). */
  isWished(register: number, from: Point, to: Point): boolean {
    const starts = this.starts[register]!;
    let low = 0;
    let high = starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (starts[middle]! < to) low = middle + 1;
      else high = middle;
    }
    return low > 0 && this.furthestEnds[register]![low - 1]! > from;
  }
}
