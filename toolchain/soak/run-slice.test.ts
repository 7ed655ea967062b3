import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runSlice } from "./run-slice.ts";
import { type Slice, SliceSkipped } from "./slice.ts";

let root = "";
let seeds: number[] = [];
let failAt = 0;
const slice: Slice = {
  name: "sample",
  about: "",
  prepare: async () => async (seed) => {
    if (seed === failAt) throw new Error(`seed ${seed} fails`);
    seeds.push(seed);
    return 10;
  },
};

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "trine-soak-"));
  [seeds, failAt] = [[], 0];
});
afterEach(() => rmSync(root, { recursive: true }));

test("a run continues where the last one stopped", async () => {
  await runSlice(root, slice, { milliseconds: 1000, iterationsMax: 2 });
  const outcome = await runSlice(root, slice, { milliseconds: 1000, iterationsMax: 3 });
  expect(seeds).toEqual([1, 2, 3, 4, 5]);
  expect(outcome).toEqual({ iterations: 3, cases: 30, nextSeed: 6, skipped: null, failure: null });
});

test("a failing seed is tried again until it passes", async () => {
  failAt = 3;
  const outcome = await runSlice(root, slice, { milliseconds: 1000, iterationsMax: 9 });
  expect(outcome).toMatchObject({ iterations: 2, cases: 20, nextSeed: 3, failure: { seed: 3 } });
  failAt = 0;
  await runSlice(root, slice, { milliseconds: 1000, iterationsMax: 1 });
  expect(seeds).toEqual([1, 2, 3]);
});

test("a given seed does not change where the next run starts", async () => {
  await runSlice(root, slice, { milliseconds: 1000, seed: 77, iterationsMax: 1 });
  await runSlice(root, slice, { milliseconds: 1000, iterationsMax: 1 });
  expect(seeds).toEqual([77, 1]);
});

test("at least one iteration runs, even if the time is over", async () => {
  expect((await runSlice(root, slice, { milliseconds: 0 })).iterations).toBe(1);
});

test("a slice without its tools is skipped, and any other error is thrown", async () => {
  const prepared = (error: Error) =>
    runSlice(root, { ...slice, prepare: () => Promise.reject(error) }, { milliseconds: 1000 });
  expect(await prepared(new SliceSkipped("no emulator"))).toEqual({
    iterations: 0,
    cases: 0,
    nextSeed: 1,
    skipped: "no emulator",
    failure: null,
  });
  await expect(prepared(new Error("broken"))).rejects.toThrow("broken");
});
