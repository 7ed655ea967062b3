import { expect, test } from "vitest";
import { guestExitValue, qemuArguments } from "./machine.ts";
import { isComplaint } from "./ending.ts";

test("an ISO is the first boot device and is never written", () => {
  const line = qemuArguments({ boot: { kind: "iso", path: "a.iso" }, serial: "pipe" }).join(" ");
  expect(line).toContain("-boot order=d");
  expect(line).toContain("file=a.iso,media=cdrom,format=raw,readonly=on");
});

test("a comma in a path does not end the option", () => {
  const line = qemuArguments({ boot: { kind: "disk", path: "a,b.img" }, serial: "pipe" }).join(" ");
  expect(line).toContain("file=a,,b.img,media=disk");
});

test("a disk keeps its contents: writes go to a snapshot", () => {
  expect(
    qemuArguments({ boot: { kind: "disk", path: "a.img" }, serial: "pipe" }).join(" "),
  ).toContain("snapshot=on");
});

test("instructions are counted only on request", () => {
  const boot = { kind: "kernel", path: "k.elf" } as const;
  expect(qemuArguments({ boot, serial: "pipe" })).not.toContain("-icount");
  expect(qemuArguments({ boot, serial: "pipe", countInstructions: true }).join(" ")).toContain(
    "-icount shift=0,sleep=off",
  );
});

test.each([
  [1, 0],
  [3, 1],
  [255, 127],
  [0, null],
  [2, null],
  [null, null],
])("exit code %s of QEMU means guest value %s", (exitCode, value) => {
  expect(guestExitValue(exitCode)).toBe(value);
});

test.each([
  ["qemu-system-x86_64: unable to find CPU model 'nonsense'\n", true],
  ["qemu-system-x86_64: warning: TCG doesn't support requested feature\n", false],
  ["qemu-system-x86_64: terminating on signal 15 from pid 7\n", false],
  ["", false],
])(
  "a machine that QEMU could not start is distinguished from one that ended: %j",
  (said, expected) => {
    expect(isComplaint(said)).toBe(expected);
  },
);
