import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, test } from "vitest";
import { type Monitor, loadMonitor } from "../../tests/support/load-monitor.ts";
import { MACHINE_PORTS, machinePorts } from "./machine-ports.ts";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../..");

let monitor: Monitor;
beforeAll(async () => void (monitor = await loadMonitor()));

test("compiler and kernel keep the same ports from programs, of all 65,536, alone and together", () => {
  const kernel = (first: number, count: number): boolean =>
    monitor.number("areMachinePorts", first, count) !== 0;
  const ranges = Array.from(
    { length: 0x10000 },
    (_, port) =>
      [
        [port, 1],
        [port, Math.min(8, 0x10000 - port)],
      ] as const,
  ).flat();
  expect(
    ranges.filter(
      ([first, count]) => kernel(first, count) !== (machinePorts(first, count) !== undefined),
    ),
  ).toEqual([]);
  expect(monitor.number("areMachinePorts", 0, 0x10000)).toBe(1);
});

test("the ranges ascend, and hold what a machine is run and ended by", () => {
  for (const [i, { first, last }] of MACHINE_PORTS.entries())
    expect([first <= last, first > (MACHINE_PORTS[i - 1]?.last ?? -1)]).toEqual([true, true]);
  const own = [
    0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1, 0x40, 0x43, 0x61, 0xcf8, 0xcf9, 0xcff, 0x64, 0x92, 0x70,
    0x71, 0x00, 0x1f, 0x80, 0x8f, 0xc0, 0xdf, 0xf4, 0x604, 0xb004, 0x514,
  ];
  expect(own.filter((port) => machinePorts(port, 1) === undefined)).toEqual([]);
  // Devices that drivers are written for: keyboard data, COM1 to COM4, disks, the printer, the
  // screen, virtual NICs.
  const devices = [
    [0x60, 1],
    [0x3f8, 8],
    [0x2f8, 8],
    [0x3e8, 8],
    [0x2e8, 8],
    [0x1f0, 8],
    [0x170, 8],
    [0x378, 8],
    [0x3c0, 32],
    [0xc000, 0x100],
  ] as const;
  expect(devices.filter(([first, count]) => machinePorts(first, count) !== undefined)).toEqual([]);
});

// A port that the kernel begins to use must not be one that a driver may have.
test.each([
  "interrupts",
  "power",
  "timer",
  "serial-log",
  "screen-log",
  "panic",
  "machine",
  "memory-map",
  "cpu-features",
])("every port that kernel/x64/%s.ts drives is among them, but the log's", (file) => {
  const text = readFileSync(join(ROOT, `kernel/x64/${file}.ts`), "utf8");
  const constants = new Map(
    [...text.matchAll(/^const (\w+)(?:: u32)? = ([^;]+);$/gm)].map((match) => [
      match[1]!,
      match[2]!,
    ]),
  );
  const valueOf = (expression: string): number =>
    expression
      .split("+")
      .map((part) => part.trim())
      .reduce(
        (sum, part) =>
          sum +
          (/^\d|^0x/.test(part)
            ? Number(part.replaceAll("_", ""))
            : valueOf(constants.get(part) ?? `${part} is no constant`)),
        0,
      );
  const driven = [...text.matchAll(/\b(?:in|out)(?:8|16|32)\(([^,()]+)/g)]
    .map((match) => match[1]!.trim())
    .filter((port) => port !== "command")
    .map(valueOf);
  expect(driven.every((port) => Number.isInteger(port))).toBe(true);
  const shared = (port: number): boolean =>
    (port >= 0x3f8 && port <= 0x3ff) || port === 0x3d4 || port === 0x3d5;
  expect(driven.filter((port) => !shared(port) && machinePorts(port, 1) === undefined)).toEqual([]);
});
