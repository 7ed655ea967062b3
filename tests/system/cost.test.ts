// What the kernel's operations may cost, in guest instructions. A change that makes one dearer
// fails here, also where the goal of the design is not reached yet.
import { beforeAll, expect, test } from "vitest";
import type { Figure } from "../../toolchain/bench/figure.ts";
import { growImage } from "../../toolchain/bench/growth.ts";
import { figuresOf, grownFigures } from "../../toolchain/bench/kernel-bench.ts";
import { findRoot } from "../../toolchain/cache/tree.ts";
import { bootMedium, buildImage, type BuiltImage } from "../../toolchain/make/build-image.ts";
import { runToEnd } from "../../toolchain/run/run-to-end.ts";

const TIMEOUT_MS = 300_000;

/** What was reached, and about one per cent more. Lower a number when an operation gets cheaper. */
const CEILINGS: Readonly<Record<string, number>> = {
  "ipc-round-trip-0": 327,
  "ipc-round-trip-4": 307,
  "ipc-round-trip-64": 981,
  "ipc-round-trip-4096": 2_576,
  "ipc-round-trip-timed": 378,
  "ipc-round-trip-nested": 608,
  "stubs-round-trip-0": 283,
  "stubs-round-trip-4": 281,
  "stubs-round-trip-kinds": 343,
  "ipc-round-trip-lower": 307,
  "ipc-round-trip-equal": 307,
  "stubs-round-trip-lower": 281,
  "ipc-round-trip-30": 307,
  "ipc-round-trip-200": 307,
  "ipc-round-trip-handles": 307,
  "denied-call": 434,
  "cheapest-call": 124,
  "bad-handle": 258,
  notice: 300,
  "notice-back": 330,
  "interrupt-to-driver": 602,
  "domain-start": 16_774,
  "domain-end": 11_973,
  "domain-start-and-end": 28_746,
  "idle-domain-bytes": 44 * 1024,
};

const root = findRoot();
let figures: readonly Figure[];
let grown: readonly Figure[];
beforeAll(async () => {
  const built = await builtBench();
  const extra = ["-serial", "null"];
  const boot = bootMedium(root, built);
  figures = figuresOf(await runToEnd({ boot, countInstructions: true, extra }, TIMEOUT_MS));
  const large = { boot: await growImage(root, built), memoryMiB: 512 };
  const end = await runToEnd({ ...large, countInstructions: true, extra }, TIMEOUT_MS);
  grown = grownFigures(end, figureOf("ipc-round-trip-4"));
});

test("every figure has a ceiling", () => {
  expect(figures.map(({ id }) => id).toSorted()).toEqual(Object.keys(CEILINGS).toSorted());
});

test.each(Object.entries(CEILINGS))("%s takes at most %d", (id, ceiling) => {
  expect(figureOf(id)).toBeGreaterThan(0);
  expect(figureOf(id)).toBeLessThanOrEqual(ceiling);
});

test.each(["ipc-round-trip-30", "ipc-round-trip-200", "ipc-round-trip-handles"])(
  "%s is what a round trip costs alone",
  (id) => {
    expect(figureOf(id)).toBe(figureOf("ipc-round-trip-4"));
  },
);

test("a round trip costs the same beside 1,000 domains, and under the largest policy", () => {
  expect(grown.map(({ id }) => id)).toEqual(["ipc-round-trip-1000", "ipc-round-trip-policy"]);
  for (const { value } of grown) expect(value).toBe(figureOf("ipc-round-trip-4"));
});

test("the largest policy has as many classes as there may be", async () => {
  await expect(growImage(root, await builtBench(), 1)).rejects.toThrow(/4,?096|4064|classes/);
});

function builtBench(): Promise<BuiltImage> {
  return buildImage(
    { root, image: "bench", medium: "kernel", release: false, without: undefined },
    "plain",
  );
}

function figureOf(id: string): number {
  return figures.find((figure) => figure.id === id)!.value;
}
