import { beforeAll, describe, expect, test } from "vitest";
import { compileForFake, runOnFake, type RunningFiles } from "../../tests/support/fake-processor.ts";

const MIB = 1n << 20n;
const START_INFO = 0x9000;
const MAP = 0xa000;
const MODULES = 0x9080;
const COMMAND_LINE = 0x9100;

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await compileForFake(`
    export { initializeMemoryMap, memoryRangeCount, memoryRangeStart, memoryRangeEnd, memoryUsableBytes, archiveStart, archiveBytes } from "./memory-map";
    import { commandLineHas } from "./memory-map";
    export function asksToExit(): bool { return commandLineHas("panic=exit"); }
  `);
});

interface Given {
  readonly map: readonly (readonly [start: bigint, bytes: bigint, type?: number])[];
  readonly tablesEnd?: bigint;
  readonly archive?: readonly [bigint, bigint];
  readonly commandLine?: string;
}

function read({ map, tablesEnd = 2n * MIB, archive, commandLine }: Given): RunningFiles {
  const physical = new DataView(new ArrayBuffer(0x10000));
  physical.setUint32(START_INFO, 0x336ec578, true);
  physical.setBigUint64(START_INFO + 40, BigInt(MAP), true);
  physical.setUint32(START_INFO + 48, map.length, true);
  for (const [index, [start, bytes, type = 1]] of map.entries()) {
    physical.setBigUint64(MAP + index * 24, start, true);
    physical.setBigUint64(MAP + index * 24 + 8, bytes, true);
    physical.setUint32(MAP + index * 24 + 16, type, true);
  }
  if (archive !== undefined) {
    physical.setUint32(START_INFO + 12, 1, true);
    physical.setBigUint64(START_INFO + 16, BigInt(MODULES), true);
    physical.setBigUint64(MODULES, archive[0], true);
    physical.setBigUint64(MODULES + 8, archive[1], true);
  }
  if (commandLine !== undefined) {
    physical.setBigUint64(START_INFO + 24, BigInt(COMMAND_LINE), true);
    new Uint8Array(physical.buffer).set(new TextEncoder().encode(commandLine), COMMAND_LINE);
  }
  const running = runOnFake(module, { physical, assembly: { bootTablesEnd: () => tablesEnd } });
  running.number("initializeMemoryMap", BigInt(START_INFO));
  return running;
}

function ranges(running: RunningFiles): string[] {
  const count = running.number("memoryRangeCount");
  const hex = (value: bigint) => value.toString(16);
  return Array.from({ length: count }, (_, i) => `${hex(running.big("memoryRangeStart", i))}-${hex(running.big("memoryRangeEnd", i))}`);
}

describe("the memory that may be handed out", () => {
  test("begins behind the kernel and its first page tables", () => {
    expect(ranges(read({ map: [[0n, 0x9fc00n], [MIB, 63n * MIB]] }))).toEqual(["200000-4000000"]);
  });

  test("leaves out the archive, with the rest of its last page", () => {
    const running = read({ map: [[MIB, 63n * MIB]], archive: [8n * MIB, 0x1001n] });
    expect(ranges(running)).toEqual(["200000-800000", "802000-4000000"]);
    expect([running.big("archiveStart"), running.big("archiveBytes")]).toEqual([8n * MIB, 0x1001n]);
  });

  test("is none of what the firmware keeps", () => {
    expect(ranges(read({ map: [[MIB, 3n * MIB], [4n * MIB, MIB, 2], [5n * MIB, MIB, 3], [6n * MIB, MIB]] }))).toEqual(["200000-400000", "600000-700000"]);
  });

  test("consists of whole pages", () => {
    expect(ranges(read({ map: [[0x300001n, 0x2ffen], [0x400fffn, 0x1001n]] }))).toEqual(["301000-302000", "401000-402000"]);
  });

  test("may start where a reserved range ends and end where one starts", () => {
    expect(ranges(read({ map: [[MIB, MIB], [2n * MIB, 2n * MIB]], archive: [4n * MIB, MIB] }))).toEqual(["200000-400000"]);
  });

  test("leaves out reserved ranges that overlap", () => {
    expect(ranges(read({ map: [[MIB, 15n * MIB]], tablesEnd: 4n * MIB, archive: [3n * MIB, 2n * MIB] }))).toEqual(["500000-1000000"]);
  });

  test("includes memory above 4 GiB and sums up", () => {
    const running = read({ map: [[MIB, 2n * MIB], [1n << 32n, 1n << 30n]] });
    expect(ranges(running)).toEqual(["200000-300000", "100000000-140000000"]);
    expect(running.big("memoryUsableBytes")).toBe(MIB + (1n << 30n));
  });

  test("ignores entries that wrap around or lie beyond the direct map", () => {
    expect(ranges(read({ map: [[0xffff_ffff_ffff_f000n, 0x2000n], [1n << 47n, MIB], [4n * MIB, (1n << 64n) - MIB], [2n * MIB, MIB]] }))).toEqual(["200000-300000"]);
  });

  test("ends at a limit when the firmware's map is long", () => {
    const map = Array.from({ length: 100 }, (_, i) => [(16n + BigInt(i)) * MIB, 0x1000n] as const);
    expect(ranges(read({ map }))).toHaveLength(64);
  });
});

describe("the command line", () => {
  test.each([
    ["panic=exit", 1], ["quiet panic=exit", 1], ["panic=exit quiet", 1], ["panic=exits", 0], ["xpanic=exit", 0], ["panic=", 0], ["", 0],
    ["panic=exi panic=exit", 1], [undefined, 0],
  ])("%j has the word panic=exit: %i", (commandLine, expected) => {
    const running = read({ map: [[MIB, MIB]], ...(commandLine === undefined ? {} : { commandLine }) });
    expect(running.number("asksToExit")).toBe(expected);
  });
});

test("without an archive its size is 0", () => {
  expect(read({ map: [[MIB, MIB]] }).big("archiveBytes")).toBe(0n);
});
