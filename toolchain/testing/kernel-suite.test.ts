import { expect, test } from "vitest";
import { tapOf } from "./kernel-suite.ts";

test("the tester's lines are taken from the kernel's log, without name and line end", () => {
  expect(tapOf("trine: cpu nx\r\ntester: ok 1 - a.\r\npeer: ok 2 - not the tester's\r\ntester: 1..1\n")).toBe("ok 1 - a.\n1..1");
});

test("a tester that died and was started again counts for what it did before", () => {
  expect(tapOf("tester: ok 1 - a\ntester: ok 2 - b\ntrine: tester: null reference at 0x1000000000, address 0x10\ntester: ok 1 - a\ntester: 1..1\n")).toBe("ok 1 - a\nok 2 - b");
});
