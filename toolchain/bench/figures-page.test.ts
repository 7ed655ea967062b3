import { expect, test } from "vitest";
import { type BenchRecord, formatValue, median } from "./figure.ts";
import { figuresPage } from "./figures-page.ts";

test.each([
  [[3], 3],
  [[5, 1, 3], 3],
  [[4, 1, 3, 2], 2.5],
])("the median of %j is %d", (samples, expected) => {
  expect(median(samples)).toBe(expected);
});

test.each([
  [1234567, "instructions", "1,234,567"],
  [999, "instructions", "999"],
  [0.374, "seconds", "0.37 s"],
  [512, "bytes", "512 bytes"],
  [111616, "bytes", "109.0 KiB"],
] as const)("%d %s is shown as %s", (value, unit, text) => {
  expect(formatValue({ value, unit })).toBe(text);
});

test("each figure stands beside its peers, with commit and command", () => {
  const record: BenchRecord = {
    bench: "ipc",
    command: "make bench ARGS=ipc",
    commit: "abc1234",
    modified: false,
    emulator: "QEMU 7.2",
    figures: [{ id: "cheapest-call", about: "cheapest checked system call", value: 120, unit: "instructions", samples: [120, 121, 119] }],
  };
  const page = figuresPage([record]);
  expect(page).toContain("Commit abc1234, `make bench ARGS=ipc`, QEMU 7.2.");
  expect(page).toContain("| cheapest checked system call | **120**, median of 3 (119 to 121) | seL4 16.0, null system call: 82 |");
  expect(page).toContain("| | | Linux 6.1, getppid: 338 |");
});
