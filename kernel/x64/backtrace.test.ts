import { beforeAll, expect, test } from "vitest";
import { compileForFake, runOnFake } from "../../tests/support/fake-processor.ts";

const TABLE = 0xffff_ffff_8020_0000n;
const TEXT = 0xffff_ffff_8010_0000n;
const STACK = 0xffff_ffff_8030_0000n;

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await compileForFake(`export { logBacktrace } from "./backtrace";`);
});

interface Function {
  readonly start: number;
  readonly bytes: number;
  readonly name: string;
  readonly frame: number;
  readonly lines: readonly (readonly [offset: number, line: number])[];
}

/** The table of toolchain/elf/symbol-table.md; all functions in the file `a.ts`. */
function symbolTable(
  functions: readonly Function[],
  deep: readonly (readonly [number, number, number])[],
): Uint8Array {
  const bytes = new Uint8Array(4096);
  const view = new DataView(bytes.buffer);
  const strings: number[] = [];
  const text = (value: string): number =>
    strings.push(...new TextEncoder().encode(value), 0) - value.length - 1;
  const file = text("a.ts");
  let place = 48;
  const words = (...values: number[]): void =>
    values.forEach((value) => (view.setUint32(place, value, true), (place += 4)));
  const part = (field: number, count: number): void => (
    view.setUint32(field, count, true), view.setUint32(field + 4, place, true)
  );

  view.setBigUint64(0, TEXT, true);
  view.setUint32(8, 0x1000, true);
  part(12, functions.length);
  let firstLine = 0;
  for (const { start, bytes: length, name, frame, lines } of functions) {
    words(start, length, text(name), frame, 0xffffffff, firstLine);
    firstLine += lines.length;
  }
  part(20, firstLine);
  for (const { lines } of functions) for (const [offset, line] of lines) words(offset, file, line);
  part(28, deep.length);
  for (const range of deep) words(...range);
  view.setUint32(36, place, true);
  bytes.set(strings, place);
  return bytes;
}

/** What is logged for a stack of these words, with rsp at the first. */
function trace(table: Uint8Array, address: bigint, stack: readonly bigint[]): string[] {
  const view = new DataView(table.buffer);
  let printed = "";
  const running = runOnFake(module, {
    readPort: () => 0x20,
    writePort: (port, value) => void (port === 0x3f8 && (printed += String.fromCharCode(value))),
    assembly: {
      symbolTable: () => TABLE,
      imageLoad8: (at: bigint) => table[Number(at - TABLE)] ?? 0,
      imageLoad32: (at: bigint) => view.getUint32(Number(at - TABLE), true),
      stackLoad: (at: bigint) => (at % 8n === 0n ? (stack[Number(at - STACK) / 8] ?? 0n) : 0n),
    },
  });
  running.number("logBacktrace", address, STACK);
  return printed
    .trim()
    .split("\r\n")
    .map((line) => line.trim());
}

const outer = {
  start: 0x100,
  bytes: 0x40,
  name: "a/outer",
  frame: 8,
  lines: [
    [0x100, 10],
    [0x120, 12],
  ],
} as const;
const inner = {
  start: 0x140,
  bytes: 0x40,
  name: "a/inner",
  frame: 24,
  lines: [[0x150, 21]],
} as const;
const last = { start: 0x200, bytes: 0x10, name: "a/last", frame: 0, lines: [[0x200, 30]] } as const;
const functions = [outer, inner, last];

test("walks by frame sizes, down to the assembly that called", () => {
  const stack = [0n, 0n, 0n, TEXT + 0x128n, 0n, TEXT + 0x900n];
  expect(trace(symbolTable(functions, []), TEXT + 0x160n, stack)).toEqual([
    "at a/inner (a.ts:21)",
    "at a/outer (a.ts:12)",
    "at assembly 0xffffffff801008ff",
  ]);
});

test("arguments on the stack make a frame deeper while they are there", () => {
  const table = symbolTable(functions, [[0x158, 0x168, 32]]);
  expect(trace(table, TEXT + 0x160n, [0n, 0n, 0n, 0n, TEXT + 0x110n])).toEqual([
    "at a/inner (a.ts:21)",
    "at a/outer (a.ts:10)",
  ]);
  expect(trace(table, TEXT + 0x168n, [0n, 0n, 0n, TEXT + 0x110n])).toEqual([
    "at a/inner (a.ts:21)",
    "at a/outer (a.ts:10)",
  ]);
});

test("a call that is the last instruction belongs to its function", () => {
  expect(trace(symbolTable(functions, []), TEXT + 0x20fn, [TEXT + 0x140n])).toEqual([
    "at a/last (a.ts:30)",
    "at a/outer (a.ts:12)",
  ]);
});

test("code before a function's first line has a name and no line", () => {
  expect(trace(symbolTable(functions, []), TEXT + 0x141n, [])).toEqual(["at a/inner"]);
});

test("an address in no function is assembly", () => {
  for (const address of [TEXT + 0x210n, TEXT + 0x1000n, TEXT - 1n, 0n]) {
    expect(trace(symbolTable(functions, []), address, [])).toEqual([
      `at assembly 0x${address.toString(16)}`,
    ]);
  }
});

test("a stack that leads in a circle ends", () => {
  const loop = {
    start: 0x100,
    bytes: 0x40,
    name: "a/loop",
    frame: 0,
    lines: [[0x100, 1]],
  } as const;
  const stack = Array.from({ length: 1000 }, () => TEXT + 0x120n);
  expect(trace(symbolTable([loop], []), TEXT + 0x120n, stack)).toHaveLength(48);
});
