import { beforeAll, expect, test } from "vitest";
import { type DeepRange, type SymbolEntry, symbolTable } from "../../toolchain/elf/symbol-table.ts";
import { compileForFake, runOnFake } from "../../tests/support/fake-processor.ts";

const TABLE = 0xffff_ffff_8020_0000n;
const TEXT = 0xffff_ffff_8010_0000n;
const STACK = 0xffff_ffff_8030_0000n;

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await compileForFake(`export { logBacktrace } from "./backtrace";`);
});

/** A function of the file `a.ts`. */
function entry(
  start: number,
  bytes: number,
  name: string,
  frameBytes: number,
  lines: readonly (readonly [offset: number, line: number])[],
  deep: readonly DeepRange[] = [],
): SymbolEntry {
  return {
    start,
    bytes,
    name,
    frameBytes,
    deep,
    lines: lines.map(([offset, line]) => ({ offset, position: { file: "a.ts", line, column: 1 } })),
  };
}

const tableOf = (...entries: SymbolEntry[]): Uint8Array => symbolTable(TEXT, 0x1000, entries);

/** What is logged for a stack of these words, with rsp at the first. */
function trace(table: Uint8Array, address: bigint, stack: readonly bigint[]): string[] {
  const view = new DataView(table.buffer, table.byteOffset, table.length);
  let printed = "";
  const running = runOnFake(module, {
    readPort: () => 0x20,
    writePort: (port, value) => void (port === 0x3f8 && (printed += String.fromCharCode(value))),
    assembly: {
      symbolTable: () => TABLE,
      imageLoad8: (at: bigint) => view.getUint8(Number(at - TABLE)),
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

const outer = entry(0x100, 0x40, "a/outer", 8, [
  [0x100, 10],
  [0x120, 12],
]);
const inner = entry(0x140, 0x40, "a/inner", 24, [[0x150, 21]]);
const last = entry(0x200, 0x10, "a/last", 0, [[0x200, 30]]);
const functions = [outer, inner, last];

test("walks by frame sizes, down to the assembly that called", () => {
  const stack = [0n, 0n, 0n, TEXT + 0x128n, 0n, TEXT + 0x900n];
  expect(trace(tableOf(...functions), TEXT + 0x160n, stack)).toEqual([
    "at a/inner (a.ts:21)",
    "at a/outer (a.ts:12)",
    "at assembly 0xffffffff801008ff",
  ]);
});

test("arguments on the stack make a frame deeper while they are there", () => {
  const deep = [{ start: 0x158, end: 0x168, depth: 32 }];
  const table = tableOf(outer, { ...inner, deep }, last);
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
  expect(trace(tableOf(...functions), TEXT + 0x20fn, [TEXT + 0x140n])).toEqual([
    "at a/last (a.ts:30)",
    "at a/outer (a.ts:12)",
  ]);
});

test("code before a function's first line has a name and no line", () => {
  expect(trace(tableOf(...functions), TEXT + 0x141n, [])).toEqual(["at a/inner"]);
});

test("an address in no function is assembly", () => {
  for (const address of [TEXT + 0x210n, TEXT + 0x1000n, TEXT - 1n, 0n]) {
    expect(trace(tableOf(...functions), address, [])).toEqual([
      `at assembly 0x${address.toString(16)}`,
    ]);
  }
});

test("a stack that leads in a circle ends", () => {
  const loop = entry(0x100, 0x40, "a/loop", 0, [[0x100, 1]]);
  const stack = Array.from({ length: 1000 }, () => TEXT + 0x120n);
  expect(trace(tableOf(loop), TEXT + 0x120n, stack)).toHaveLength(48);
});
