import { expect, test } from "vitest";
import { compareWithEngine } from "./differential.ts";

// Sizes from bodies of a few statements to ones with deep nesting; `make fuzz` runs many more
// seeds.
test.each([
  [0, 60, 6],
  [1_000, 40, 25],
  [2_000, 8, 80],
])(
  "the IR of %i and the next %i modules of size %i does what the engine does",
  (first, count, size) => {
    for (let seed = first; seed < first + count; seed++)
      expect(compareWithEngine(seed, size, 4)).toBeNull();
  },
);
