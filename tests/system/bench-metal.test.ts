// The ISO of `make bench-metal` measures to its end where there is no counted time, as on a real
// machine, and says what it measured on.
import { expect, test } from "vitest";
import { figuresOf } from "../../toolchain/bench/kernel-bench.ts";
import { runToEnd } from "../../toolchain/run/run-to-end.ts";
import { buildTestImage } from "../support/build.ts";

const TIMEOUT_MS = 300_000;
const LAST_LINE = /bencher: the end\. Each line: minimum, median, rounds, in ticks.*\r\n$/;

test("every figure is measured, and the lines before them say on what machine", async () => {
  const { boot } = buildTestImage("bench", { medium: "iso" });
  const end = await runToEnd({ boot, extra: ["-serial", "null"] }, TIMEOUT_MS);
  for (const { id, value } of figuresOf(end)) expect(value, id).toBeGreaterThan(0);
  expect(end.output).toMatch(/^trine: cpu x86-64-v\d, nx wp/m);
  expect(end.output).toMatch(/^trine: processor QEMU/m);
  expect(end.output).toMatch(/^trine: memory .*, clock \d+ MHz, .*TSC not invariant/m);
  expect(end.output).toMatch(LAST_LINE);
});

test("without a second serial port all else is measured, and the output says what is missing", async () => {
  const { boot } = buildTestImage("bench", { medium: "iso" });
  const end = await runToEnd({ boot }, TIMEOUT_MS);
  expect(end.output).toMatch(/bencher: no second serial port/);
  expect(end.output).not.toMatch(/bench interrupt to driver/);
  expect(end.output).toMatch(/bench domain end: \d+ \d+ \d+/);
  expect(end.output).toMatch(/bench failures: 0 0 0/);
  expect(end.output).toMatch(LAST_LINE);
});
