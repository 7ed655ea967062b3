import { expect, test } from "vitest";
import { levelCase, tapOf } from "./kernel-suite.ts";

test("the tester's lines are found in the kernel's log, without name and line end", () => {
  expect(
    tapOf("trine: cpu nx\r\ntester: ok 1 - a.\r\npeer: ok 2 - not the tester's\r\ntester: 1..1\n"),
  ).toBe("ok 1 - a.\n1..1");
});

test("of a tester that died and was restarted, only the first run counts", () => {
  expect(
    tapOf(
      "tester: ok 1 - a\ntester: ok 2 - b\ntrine: tester: null reference at 0x1000000000, address 0x10\ntester: ok 1 - a\ntester: 1..1\n",
    ),
  ).toBe("ok 1 - a\nok 2 - b");
});

const cpuLine = (level: number): string => `trine: cpu x86-64-v${level}, nx wp\r\n`;
const REFUSED =
  "trine: cannot start modern: its code needs x86-64-v3; the processor lacks popcnt bmi1\r\n";

test.each([
  [`${cpuLine(1)}${REFUSED}`, "passed"],
  [`${cpuLine(2)}${REFUSED}`, "passed"],
  [cpuLine(3), "passed"],
  [cpuLine(2), "failed"],
  [`${cpuLine(3)}${REFUSED}`, "failed"],
  [`${cpuLine(2)}${REFUSED.replace(" popcnt bmi1", "")}`, "failed"],
  [REFUSED, "failed"],
  ["", "failed"],
])("a program for newer processors: %j", (output, outcome) => {
  expect(levelCase("cpu", output).outcome).toBe(outcome);
});
