import { expect, test } from "vitest";
import { describeEnding, exitStatus, type MachineEnding } from "./ending.ts";

const ending = (change: Partial<MachineEnding>): MachineEnding => ({
  code: 0,
  signal: null,
  said: "",
  lastLine: "trine> upt",
  isWanted: false,
  ...change,
});
const COMPLAINT = "qemu-system-x86_64: unable to find CPU model 'nonsense'\n";

test.each<[string, Partial<MachineEnding>, number]>([
  ["the guest's power switch", { code: 0 }, 0],
  ["the guest's exit port with nothing wrong", { code: 1 }, 0],
  ["ctrl-a x", { lastLine: "QEMU: Terminated" }, 0],
  ["a signal that we passed on", { code: null, signal: "SIGTERM", isWanted: true }, 143],
])("an expected end is not reported: %s", (_what, change, status) => {
  expect([describeEnding(ending(change)), exitStatus(ending(change))]).toEqual([null, status]);
});

test.each<[string, Partial<MachineEnding>, string, number]>([
  [
    "a signal",
    { code: null, signal: "SIGSEGV" },
    "QEMU was ended by SIGSEGV; the last line of its console: trine> upt",
    139,
  ],
  [
    "a machine that cannot be",
    { code: 1, said: COMPLAINT, lastLine: undefined },
    "QEMU ended with status 1; its console showed nothing",
    1,
  ],
  [
    "a status that no guest gives",
    { code: 2 },
    "QEMU ended with status 2; the last line of its console: trine> upt",
    2,
  ],
  [
    "a guest that gave up",
    { code: 3, lastLine: "trine: boot refused: no policy" },
    "the machine ended itself with the value 1; the last line of its console: trine: boot refused: no policy",
    1,
  ],
  [
    "a line without end",
    { code: 2, lastLine: "x".repeat(1000) },
    `QEMU ended with status 2; the last line of its console: ${"x".repeat(200)}`,
    2,
  ],
])(
  "any other end is reported, with the last line on the console: %s",
  (_what, change, text, status) => {
    expect([describeEnding(ending(change)), exitStatus(ending(change))]).toEqual([text, status]);
  },
);
