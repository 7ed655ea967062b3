// What a round trip of four words touches, as an emulator executes it step by step: the code that
// each message runs lies together, and the kernel's data is on few pages.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import {
  type Footprint,
  footprintOf,
  traceRoundTrip,
} from "../../toolchain/bench/message-trace.ts";
import { findRoot } from "../../toolchain/cache/tree.ts";
import { readElf } from "../../toolchain/elf/read.ts";
import { buildTestImage } from "../support/build.ts";

/** What was reached. Lower a number when a message touches less. */
const CODE_PAGES_MAX = 2;
const CODE_LINES_MAX = 31;
const DATA_PAGES_MAX = 10;
const DATA_LINES_MAX = 28;

let footprint: Footprint;
beforeAll(async () => {
  const { boot } = buildTestImage("bench");
  const path = join(findRoot(), "build/kernel/development/kernel.elf");
  const trace = await traceRoundTrip(boot, readElf(readFileSync(path), path));
  footprint = footprintOf(trace.kernel);
});

test("the trace is that of a whole round trip on the fast path", () => {
  expect(footprint.costly.systemCall).toBe(2);
  expect(footprint.costly.cr3).toBe(2);
  expect(footprint.costly.interruptReturn).toBeUndefined();
  expect(footprint.instructions).toBeGreaterThan(200);
});

test("its code lies on few pages and lines", () => {
  expect(footprint.codePages).toBeLessThanOrEqual(CODE_PAGES_MAX);
  expect(footprint.codeLines).toBeLessThanOrEqual(CODE_LINES_MAX);
});

test("the kernel's data that it touches lies on few pages and lines", () => {
  expect(footprint.dataPages).toBeLessThanOrEqual(DATA_PAGES_MAX);
  expect(footprint.dataLines).toBeLessThanOrEqual(DATA_LINES_MAX);
});
