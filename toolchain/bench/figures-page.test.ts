import { describe, expect, test } from "vitest";
import { type BenchRecord, type Figure, formatValue, median } from "./figure.ts";
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
    figures: [
      {
        id: "cheapest-call",
        about: "cheapest checked system call",
        value: 120,
        unit: "instructions",
        samples: [120, 121, 119],
      },
    ],
  };
  const page = figuresPage([record], ["ipc"], "");
  expect(page).toContain("Commit abc1234, `make bench ARGS=ipc`, QEMU 7.2.");
  expect(page).toContain(
    "| cheapest checked system call | **120**, median of 3 (119 to 121) | seL4 16.0, null system call: 82 |",
  );
  expect(page).toContain("| | | Linux 6.1, getppid: 338 |");
});

describe("the page", () => {
  const record = (bench: string, figure: Partial<Figure>): BenchRecord => ({
    bench,
    command: `make bench ARGS=${bench}`,
    commit: "abc1234",
    modified: false,
    emulator: "QEMU 7.2",
    figures: [{ id: "x", about: "something", value: 1000, unit: "instructions", ...figure }],
  });
  const order = ["one", "two"];

  test("keeps the tables of benches that were not measured again, byte for byte and in the list's order", () => {
    const both = figuresPage([record("one", { value: 1 }), record("two", { value: 2 })], order, "");
    const again = figuresPage([record("two", { value: 3 })], order, both);
    expect(again).toBe(both.replace("**2**", "**3**"));
    expect(figuresPage([], order, again)).toBe(again);
  });

  test("forgets the table of a bench that is no more", () => {
    const page = figuresPage([record("one", {}), record("two", {})], order, "");
    expect(figuresPage([], ["two"], page)).not.toContain("## one");
  });

  test.each([
    [999, "at most 1,000: met"],
    [1000, "at most 1,000: met"],
    [1001, "at most 1,000: missed by 1"],
  ])("says of %d whether the goal is met", (value, text) => {
    const page = figuresPage([record("one", { value, goal: 1000 })], order, "");
    expect(page).toContain(`| ${text} |`);
    expect(page).toContain("| what | Trine | goal | peer |");
  });

  test("shows costly instructions as a range of cycles, wherever a bench counts them", () => {
    const page = figuresPage([record("one", { costly: { cr3: 2, segment: 8 } })], order, "");
    // 2 × 100 and 8 × 22 with 990 × 0.3; 2 × 200 and 8 × 137 with 990.
    expect(page).toContain(
      "| something | **1,000** | 673 to 2,486 (2 × write of CR3, 8 × load of a segment register) |",
    );
    expect(figuresPage([record("one", {})], order, "")).toContain("| something | **1,000** |  |");
  });
});
