import { describe, expect, test } from "vitest";
import type { CostlyCounts } from "./costly-instructions.ts";
import { figuresOf, withCosts } from "./kernel-bench.ts";

const NAMES = [
  "counter",
  "round trip, 0 words",
  "round trip, 4 words",
  "round trip, 64 words",
  "round trip, 4 KiB",
  "round trip, timed",
  "round trip, nested",
  "generated stubs, 0 words",
  "generated stubs, 4 words",
  "generated stubs, 4 kinds of fields",
  "round trip, lower thread ready",
  "round trip, equal thread busy",
  "generated stubs, lower thread ready",
  "round trip, 30 domains more",
  "round trip, 200 domains more",
  "round trip, table of handles full",
  "denied call",
  "clock.now",
  "bad handle",
  "notice, to the listener",
  "notice, back",
  "interrupt to driver",
  "domain start",
  "domain end",
];
const output = [
  "trine: kernel up",
  ...NAMES.map(
    (name, index) => `bencher: bench ${name}: ${index * 100 + 20} ${index * 100 + 20} 3`,
  ),
  "bencher: bench idle domain, bytes: 49152 49152 0\r",
  "bencher: bench failures: 0 0 0.",
].join("\n");
/** QEMU's exit code for a guest that writes 0 to the debug exit port. */
const end = { output, exitCode: 1 };

test("medians are figures, less the cost of the counter where it is in them", () => {
  const figures = figuresOf(end);
  expect(figures.find(({ id }) => id === "ipc-round-trip-4")?.value).toBe(200);
  expect(figures.find(({ id }) => id === "idle-domain-bytes")?.value).toBe(49152);
  const valueOf = (wanted: string) => figures.find(({ id }) => id === wanted)!.value;
  expect(valueOf("domain-start-and-end")).toBe(valueOf("domain-start") + valueOf("domain-end"));
  // Without the counter and with the memory and the sum.
  expect(figures).toHaveLength(NAMES.length + 1);
});

test("a figure that is missing is an error that names it", () => {
  expect(() =>
    figuresOf({ ...end, output: output.replace(/bencher: bench denied call: .*\n/, "") }),
  ).toThrow('did not print "denied call"');
  expect(() => figuresOf({ output: "panic", exitCode: null })).toThrow("without figures");
});

describe("there are no figures", () => {
  test.each([
    [
      "where something measured failed",
      { output: output.replace("failures: 0 0", "failures: 201 2"), exitCode: 3 },
      "201 of the operations measured did not end as they should, the last with status 2",
    ],
    [
      "where the image did not come to its end",
      { output: output.replace(/bencher: bench failures.*/, ""), exitCode: null },
      "did not reach its end",
    ],
    ["where it ended as one whose checks fail", { output, exitCode: 3 }, "ended with exit code 3"],
    ["where it was stopped", { output, exitCode: null }, "ended with exit code null"],
  ])("%s", (_when, machineEnd, message) => {
    expect(() => figuresOf(machineEnd)).toThrow(message);
  });
});

describe("a kernel that judges nothing", () => {
  const granting = (failures: string, exitCode = 3) => ({
    output: output.replace("failures: 0 0", `failures: ${failures}`),
    exitCode,
  });
  const PLAIN = "ipc-round-trip-4";

  test("has figures where each denied call was granted, and nothing else failed", () => {
    const figures = figuresOf(granting("4 0"), true);
    expect(figures.find(({ id }) => id === PLAIN)?.value).toBe(200);
  });

  test.each([
    ["a denied call was denied", granting("3 0")],
    ["none was granted", granting("0 0")],
    ["something else failed too", granting("5 0")],
    ["the last failure is no grant", granting("4 2")],
    ["it ended as one without failures", granting("4 0", 1)],
  ])("has none where %s", (_when, machineEnd) => {
    expect(() => figuresOf(machineEnd, true)).toThrow(/no figures|ended with exit code/);
  });
});

describe("the trace", () => {
  // Three rounds of each traced figure and of the counter, four notices, then starts and ends of
  // the domain.
  const samples: CostlyCounts[] = Array.from(
    { length: 3 * 19 + 4 + 6 },
    (_, index) =>
      ({ cr3: Math.floor(index / 3), ...(index % 3 === 1 ? { msrWrite: 9 } : {}) }) as CostlyCounts,
  );

  test("gives each figure the counts of its middle round", () => {
    const figures = withCosts(figuresOf(end), end, samples);
    expect(figures.find(({ id }) => id === "ipc-round-trip-4")?.costly).toEqual({ cr3: 2 });
    expect(figures.find(({ id }) => id === "bad-handle")?.costly).toEqual({ cr3: 18 });
    for (const id of [
      "notice",
      "notice-back",
      "interrupt-to-driver",
      "domain-start",
      "domain-end",
      "idle-domain-bytes",
    ])
      expect(figures.find((figure) => figure.id === id)).not.toHaveProperty("costly");
  });

  test.each([
    ["one sample too few", samples.slice(1)],
    ["one too many", [...samples, {}]],
    ["none", []],
  ])("with %s is refused", (_what, wrong) => {
    expect(() => withCosts(figuresOf(end), end, wrong)).toThrow("the trace has");
  });
});
