// Priority queues and timers against plain lists, by random operations.
import { beforeAll, describe, expect, test } from "vitest";
import { type Exports, runAssemblyScript } from "../../tests/support/assemblyscript-in-node.ts";
import { Random } from "../../toolchain/fuzz/random.ts";

const THREADS = 40;
const OPERATIONS = 4_000;
const NONE = -1;
const NEVER = 2n ** 64n - 1n;

const SOURCE = `
import { READY_QUEUE_BASE, THREADS_BASE } from "../object/layout";
import { PriorityQueue } from "../object/priority-queue";
import { Thread } from "../object/thread";
import { enqueueFirst, enqueueLast, firstQueued, removeQueued } from "./priority-queue";
import { clearTimer, earliestDeadline, setTimer, sizeTimerHeap, takeDue } from "./timers";

function queue(): PriorityQueue {
  return changetype<PriorityQueue>(READY_QUEUE_BASE);
}
export function prepare(): void {
  const missing = <i32>((THREADS_BASE + 0x100000) >> 16) - memory.size();
  if (missing > 0) assert(memory.grow(missing) >= 0);
  sizeTimerHeap(${THREADS});
}
export function addLast(index: u32, priority: u32): void {
  enqueueLast(queue(), Thread.at(index), priority);
}
export function addFirst(index: u32, priority: u32): void {
  enqueueFirst(queue(), Thread.at(index), priority);
}
export function remove(index: u32): void {
  removeQueued(queue(), Thread.at(index));
}
export function first(): i32 {
  const found = firstQueued(queue());
  return found === null ? -1 : <i32>found.index;
}
export function highest(): i32 {
  return queue().bitmap.highest;
}
export function isEmpty(): bool {
  return queue().bitmap.isEmpty;
}
export function setDeadline(index: u32, deadline: u64): void {
  setTimer(Thread.at(index).timeoutTimer, deadline);
}
export function clearDeadline(index: u32): void {
  clearTimer(Thread.at(index).timeoutTimer);
}
export function earliest(): u64 {
  return earliestDeadline();
}
export function due(now: u64): i32 {
  const timer = takeDue(now);
  return timer === null ? -1 : <i32>Thread.ofTimer(timer).index;
}
`;

let kernel: Exports;
beforeAll(async () => {
  kernel = await runAssemblyScript("kernel/schedule", SOURCE);
  kernel.call("prepare");
});

interface Queued {
  readonly thread: number;
  readonly priority: number;
}

/** In the order in which they would run: by priority, then by place. */
function inOrder(list: readonly Queued[]): Queued[] {
  return list.toSorted((a, b) => b.priority - a.priority);
}

describe("a priority queue", () => {
  test.each([1, 2, 3])("has the threads in the order of a sorted list (seed %i)", (seed) => {
    const random = new Random(seed);
    let list: Queued[] = [];
    for (let count = 0; count < OPERATIONS; count++) {
      const thread = random.below(THREADS);
      if (list.some((entry) => entry.thread === thread)) {
        kernel.call("remove", thread);
        list = list.filter((entry) => entry.thread !== thread);
      } else {
        // The ends of each word of the bitmap, and some between.
        const priority = [0, 63, 64, 127, 128, 191, 192, 255, random.below(256)][random.below(9)]!;
        const isFirst = random.below(3) === 0;
        kernel.call(isFirst ? "addFirst" : "addLast", thread, priority);
        const entry = { thread, priority };
        list = isFirst ? [entry, ...list] : [...list, entry];
      }
      const next = inOrder(list)[0];
      expect(kernel.call("first")).toBe(next?.thread ?? NONE);
      expect(kernel.call("highest")).toBe(next?.priority ?? NONE);
      expect(kernel.call("isEmpty")).toBe(next === undefined ? 1 : 0);
    }
    for (const { thread } of inOrder(list)) {
      expect(kernel.call("first")).toBe(thread);
      kernel.call("remove", thread);
    }
    expect(kernel.call("first")).toBe(NONE);
  });

  test("takes a thread only once, and gives back only what it has", () => {
    kernel.call("addLast", 0, 5);
    expect(() => kernel.call("addLast", 0, 6)).toThrow("assertion");
    kernel.call("remove", 0);
    expect(() => kernel.call("remove", 0)).toThrow("assertion");
  });
});

describe("timers", () => {
  test("fill the heap to its size at boot, and one more stops the kernel", () => {
    for (let index = 0; index < THREADS; index++) kernel.call("setDeadline", index, 5n);
    kernel.call("setDeadline", 0, 6n); // One that is on already moves.
    expect(() => kernel.call("setDeadline", THREADS, 5n)).toThrow();
    for (let index = 0; index < THREADS; index++) kernel.call("clearDeadline", index);
  });

  test.each([1, 2, 3])("ring in the order of their deadlines, once each (seed %i)", (seed) => {
    const random = new Random(seed);
    const deadlines = new Map<number, bigint>();
    const earliest = (): bigint =>
      [...deadlines.values()].reduce((least, at) => (at < least ? at : least), NEVER);
    for (let count = 0; count < OPERATIONS; count++) {
      const thread = random.below(THREADS);
      if (random.below(4) === 0) {
        kernel.call("clearDeadline", thread);
        deadlines.delete(thread);
      } else {
        const deadline = BigInt(random.below(1000));
        kernel.call("setDeadline", thread, deadline);
        deadlines.set(thread, deadline);
      }
      expect(BigInt.asUintN(64, kernel.call("earliest") as bigint)).toBe(earliest());
      if (random.below(8) !== 0) continue;
      const now = BigInt(random.below(300));
      for (;;) {
        const rung = kernel.call("due", now) as number;
        if (rung === NONE) break;
        expect(deadlines.get(rung)).toBe(earliest());
        expect(deadlines.get(rung)).toBeLessThanOrEqual(now);
        deadlines.delete(rung);
      }
      expect(earliest()).toBeGreaterThan(now);
    }
    for (const thread of deadlines.keys()) kernel.call("clearDeadline", thread);
    expect(BigInt.asUintN(64, kernel.call("earliest") as bigint)).toBe(NEVER);
  });
});
