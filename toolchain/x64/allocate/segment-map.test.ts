import { expect, test } from "vitest";
import { SegmentMap } from "./segment-map.ts";

test("intervals that touch do not overlap", () => {
  const map = new SegmentMap();
  map.insert(4, 8, 1);
  expect(map.isFree(0, 4)).toBe(true);
  expect(map.isFree(8, 12)).toBe(true);
  expect(map.isFree(7, 8)).toBe(false);
  expect(map.isFree(3, 5)).toBe(false);
});

test("answers as a plain list does, over many insertions and removals", () => {
  const map = new SegmentMap();
  const list = new Map<number, number>();
  let seed = 7;
  const next = (limit: number): number => (seed = (seed * 48271) % 0x7fffffff) % limit;
  for (let step = 0; step < 20_000; step++) {
    const from = next(3000) * 10;
    const to = from + 1 + next(10);
    if (list.has(from)) {
      map.remove(from);
      list.delete(from);
    } else {
      map.insert(from, to, from);
      list.set(from, to);
    }
    if (step % 50 !== 0) continue;
    const [low, high] = [next(30_000), next(30_000)].sort((a, b) => a - b) as [number, number];
    const found: number[] = [];
    map.overlaps(low, high, (start) => found.push(start) > 0);
    expect(found).toEqual(
      [...list]
        .filter(([start, end]) => start < high && end > low)
        .map(([start]) => start)
        .sort((a, b) => a - b),
    );
  }
});

test("removing what is not there is a mistake", () => {
  const map = new SegmentMap();
  map.insert(4, 8, 1);
  expect(() => map.remove(5)).toThrow("no such segment");
});
