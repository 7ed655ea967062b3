import { expect, test } from "vitest";
import { PriorityQueue } from "./priority-queue.ts";

test("gives the greatest priority first, of equal ones the smaller number", () => {
  const queue = new PriorityQueue();
  const priorities = Array.from({ length: 500 }, (_, index) => (index * 7919) % 50);
  priorities.forEach((priority, index) => queue.push(index, priority));
  const expected = priorities
    .map((_, index) => index)
    .sort((a, b) => priorities[b]! - priorities[a]! || a - b);
  expect(priorities.map(() => queue.pop())).toEqual(expected);
  expect(queue.pop()).toBe(-1);
});
