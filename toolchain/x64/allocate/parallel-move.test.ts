import { describe, expect, test } from "vitest";
import { type InsertedMove, isSlot, slotLocation } from "./allocation.ts";
import type { VirtualRegister } from "../machine/machine-function.ts";
import { type ParallelMove, type Scratch, sequentialize } from "./parallel-move.ts";

const move = (
  from: number,
  to: number,
  fromWidth: 4 | 8 = 8,
  toWidth: 4 | 8 = fromWidth,
): ParallelMove => ({
  from,
  to,
  fromWidth,
  toWidth,
  register: 0 as VirtualRegister,
  definition: null,
});

const MOVE_SLOTS = 20;
const scratchWith = (register: number): Scratch => ({
  register: () => register,
  slot: (number) => slotLocation(MOVE_SLOTS + number),
});

/** What stands where after `moves`, if location n held n before. */
function run(moves: readonly InsertedMove[]): Map<number, number> {
  const contents = new Map<number, number>();
  const at = (location: number): number => contents.get(location) ?? location;
  for (const step of moves) {
    if (step.kind === "move") {
      if (isSlot(step.from) && isSlot(step.to))
        throw new Error("there is no move from slot to slot");
      contents.set(step.to, at(step.from));
    } else if (step.kind === "exchange") {
      const [left, right] = [at(step.from), at(step.to)];
      contents.set(step.from, right);
      contents.set(step.to, left);
    } else throw new Error("nothing is made again here");
  }
  return contents;
}

function expectParallel(
  moves: readonly ParallelMove[],
  scratch: Scratch,
  unchanged: readonly number[],
): void {
  const contents = run(sequentialize(moves, scratch));
  expect(moves.map(({ to }) => contents.get(to) ?? to)).toEqual(moves.map(({ from }) => from));
  const written = new Set(moves.map(({ to }) => to));
  expect(
    unchanged.filter(
      (location) => !written.has(location) && (contents.get(location) ?? location) !== location,
    ),
  ).toEqual([]);
}

describe.each([
  ["a free register", 11],
  ["no free register", -1],
])("with %s", (_what, free) => {
  const scratch = scratchWith(free);
  // A scratch register is not among the locations: what it holds is no value of the program.
  const locations = [
    ...Array.from({ length: 11 }, (_, register) => register),
    ...[0, 1, 2, 3, 4, 5].map(slotLocation),
  ];

  test.each<[string, [number, number][]]>([
    [
      "a chain",
      [
        [0, 1],
        [1, 2],
        [2, 3],
      ],
    ],
    [
      "a cycle of two",
      [
        [0, 1],
        [1, 0],
      ],
    ],
    [
      "a cycle of three",
      [
        [0, 1],
        [1, 2],
        [2, 0],
      ],
    ],
    [
      "a cycle with a branch",
      [
        [0, 1],
        [1, 0],
        [0, 5],
      ],
    ],
    ["slot to slot", [[16, 17]]],
    [
      "a cycle of slots",
      [
        [16, 17],
        [17, 18],
        [18, 16],
      ],
    ],
    [
      "a cycle of a register and a slot",
      [
        [0, 16],
        [16, 0],
      ],
    ],
    [
      "two cycles of slots",
      [
        [16, 17],
        [17, 16],
        [18, 19],
        [19, 18],
      ],
    ],
    [
      "a cycle through rax and slots",
      [
        [0, 16],
        [16, 17],
        [17, 0],
      ],
    ],
    ["nothing to do", [[3, 3]]],
  ])("%s", (_name, pairs) => {
    expectParallel(
      pairs.map(([from, to]) => move(from, to)),
      scratch,
      locations,
    );
  });

  test("any set of moves", () => {
    let seed = 99;
    const next = (limit: number): number => (seed = (seed * 48271) % 0x7fffffff) % limit;
    for (let round = 0; round < 400; round++) {
      const targets = [...locations].sort(() => next(2) - 0.5).slice(0, 1 + next(locations.length));
      expectParallel(
        targets.map((to) => move(locations[next(locations.length)]!, to)),
        scratch,
        locations,
      );
    }
  });
});

test("an i32 goes to the place of an i64 with all its 64 bits", () => {
  expect(sequentialize([move(0, slotLocation(0), 4, 8)], scratchWith(5))).toEqual([
    { kind: "move", from: 0, to: slotLocation(0), width: 8 },
  ]);
  expect(sequentialize([move(slotLocation(1), slotLocation(0), 4, 8)], scratchWith(5))).toEqual([
    { kind: "move", from: slotLocation(1), to: 5, width: 4 },
    { kind: "move", from: 5, to: slotLocation(0), width: 8 },
  ]);
});

test("an i32 is stored in four bytes", () => {
  expect(sequentialize([move(0, slotLocation(0), 4)], scratchWith(5))).toEqual([
    { kind: "move", from: 0, to: slotLocation(0), width: 4 },
  ]);
});
