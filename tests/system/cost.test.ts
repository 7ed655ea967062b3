// What the kernel's operations may cost, in guest instructions. A change that makes one dearer
// fails here, also where the goal of the design is not reached yet.
import { beforeAll, expect, test } from "vitest";
import type { Figure } from "../../toolchain/bench/figure.ts";
import { figuresOf } from "../../toolchain/bench/kernel-bench.ts";
import { runToEnd } from "../../toolchain/run/run-to-end.ts";
import { buildTestImage } from "../support/build.ts";

const TIMEOUT_MS = 300_000;

/** What was reached, and about one per cent more. Lower a number when an operation gets cheaper. */
const CEILINGS: Readonly<Record<string, number>> = {
  "ipc-round-trip-0": 685,
  "ipc-round-trip-4": 675,
  "ipc-round-trip-64": 1_005,
  "ipc-round-trip-4096": 2_610,
  "ipc-round-trip-timed": 472,
  "ipc-round-trip-nested": 2_180,
  "stubs-round-trip-0": 690,
  "stubs-round-trip-4": 705,
  "stubs-round-trip-kinds": 780,
  "ipc-round-trip-lower": 722,
  "ipc-round-trip-equal": 726,
  "stubs-round-trip-lower": 752,
  "ipc-round-trip-30": 675,
  "ipc-round-trip-200": 675,
  "denied-call": 1_035,
  "cheapest-call": 235,
  "bad-handle": 271,
  notice: 610,
  "interrupt-to-driver": 700,
  "domain-start": 16_750,
  "domain-end": 12_050,
  "domain-start-and-end": 28_800,
  "idle-domain-bytes": 44 * 1024,
};

let figures: readonly Figure[];
beforeAll(async () => {
  const { boot } = buildTestImage("bench");
  const extra = ["-serial", "null"];
  figures = figuresOf(await runToEnd({ boot, countInstructions: true, extra }, TIMEOUT_MS));
});

test("every figure has a ceiling", () => {
  expect(figures.map(({ id }) => id).toSorted()).toEqual(Object.keys(CEILINGS).toSorted());
});

test.each(Object.entries(CEILINGS))("%s takes at most %d", (id, ceiling) => {
  expect(figureOf(id)).toBeGreaterThan(0);
  expect(figureOf(id)).toBeLessThanOrEqual(ceiling);
});

test("a round trip costs the same beside 30 and 200 waiting domains as beside none", () => {
  expect(figureOf("ipc-round-trip-30")).toBe(figureOf("ipc-round-trip-4"));
  expect(figureOf("ipc-round-trip-200")).toBe(figureOf("ipc-round-trip-4"));
});

function figureOf(id: string): number {
  return figures.find((figure) => figure.id === id)!.value;
}
