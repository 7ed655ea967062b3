import { beforeAll, describe, expect, test } from "vitest";
import {
  compileForFake,
  runOnFake,
  type RunningFiles,
} from "../../tests/support/fake-processor.ts";

const MIB = 1n << 20n;
const START_INFO = 0x9000;
const MAP = 0xa000;
const MODULES = 0x9080;
const COMMAND_LINE = 0x9100;

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await compileForFake(`
    export { initializeMemoryMap, isMemoryMapTooLong, memoryRangeCount, memoryRangeStart, memoryRangeEnd, memoryUsableBytes, memoryLeftOutBytes, archiveStart, archiveBytes } from "./memory-map";
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
  const physical = new DataView(new ArrayBuffer(0x20000));
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
  return Array.from(
    { length: count },
    (_, i) => `${hex(running.big("memoryRangeStart", i))}-${hex(running.big("memoryRangeEnd", i))}`,
  );
}

describe("the memory that may be handed out", () => {
  test("begins behind the kernel and its first page tables", () => {
    expect(
      ranges(
        read({
          map: [
            [0n, 0x9fc00n],
            [MIB, 63n * MIB],
          ],
        }),
      ),
    ).toEqual(["200000-4000000"]);
  });

  test("leaves out the archive, with the rest of its last page", () => {
    const running = read({ map: [[MIB, 63n * MIB]], archive: [8n * MIB, 0x1001n] });
    expect(ranges(running)).toEqual(["200000-800000", "802000-4000000"]);
    expect([running.big("archiveStart"), running.big("archiveBytes")]).toEqual([8n * MIB, 0x1001n]);
  });

  test("is none of what the firmware keeps", () => {
    expect(
      ranges(
        read({
          map: [
            [MIB, 3n * MIB],
            [4n * MIB, MIB, 2],
            [5n * MIB, MIB, 3],
            [6n * MIB, MIB],
          ],
        }),
      ),
    ).toEqual(["200000-400000", "600000-700000"]);
  });

  test("consists of whole pages", () => {
    expect(
      ranges(
        read({
          map: [
            [0x300001n, 0x2ffen],
            [0x400fffn, 0x1001n],
          ],
        }),
      ),
    ).toEqual(["301000-302000", "401000-402000"]);
  });

  test("may start where a reserved range ends and end where one starts", () => {
    expect(
      ranges(
        read({
          map: [
            [MIB, MIB],
            [2n * MIB, 2n * MIB],
          ],
          archive: [4n * MIB, MIB],
        }),
      ),
    ).toEqual(["200000-400000"]);
  });

  test("leaves out reserved ranges that overlap", () => {
    expect(
      ranges(read({ map: [[MIB, 15n * MIB]], tablesEnd: 4n * MIB, archive: [3n * MIB, 2n * MIB] })),
    ).toEqual(["500000-1000000"]);
  });

  test("includes memory above 4 GiB and sums up", () => {
    const running = read({
      map: [
        [MIB, 2n * MIB],
        [1n << 32n, 1n << 30n],
      ],
    });
    expect(ranges(running)).toEqual(["200000-300000", "100000000-140000000"]);
    expect(running.big("memoryUsableBytes")).toBe(MIB + (1n << 30n));
  });

  test("ignores entries that wrap around or lie beyond the direct map", () => {
    expect(
      ranges(
        read({
          map: [
            [0xffff_ffff_ffff_f000n, 0x2000n],
            [1n << 47n, MIB],
            [4n * MIB, (1n << 64n) - MIB],
            [2n * MIB, MIB],
          ],
        }),
      ),
    ).toEqual(["200000-300000"]);
  });

  test("consists of the lowest ranges when the firmware's map has more of them than the kernel keeps", () => {
    const map = Array.from({ length: 100 }, (_, i) => [(115n - BigInt(i)) * MIB, 0x1000n] as const);
    const found = ranges(read({ map }));
    expect(found).toHaveLength(64);
    expect([found[0], found[63]]).toEqual(["1000000-1001000", "4f00000-4f01000"]);
  });

  test("is none where the map is longer than the kernel looks at", () => {
    const long = (length: number) =>
      read({ map: Array.from({ length }, () => [16n * MIB, MIB] as const) });
    expect(ranges(long(256))).toEqual(["1000000-1100000"]);
    expect(long(256).number("isMemoryMapTooLong")).toBe(0);
    expect(ranges(long(257))).toEqual([]);
    expect(long(257).number("isMemoryMapTooLong")).toBe(1);
  });

  test.each<[string, Given["map"], string[]]>([
    [
      "twice",
      [
        [2n * MIB, MIB],
        [2n * MIB, MIB],
      ],
      ["200000-300000"],
    ],
    [
      "in parts that overlap",
      [
        [2n * MIB, 2n * MIB],
        [3n * MIB, 2n * MIB],
      ],
      ["200000-500000"],
    ],
    [
      "one part within another",
      [
        [2n * MIB, 4n * MIB],
        [3n * MIB, MIB],
      ],
      ["200000-600000"],
    ],
    [
      "in parts that touch, in any order",
      [
        [4n * MIB, MIB],
        [2n * MIB, MIB],
        [3n * MIB, MIB],
      ],
      ["200000-500000"],
    ],
    [
      "in descending order",
      [
        [8n * MIB, MIB],
        [6n * MIB, MIB],
        [4n * MIB, MIB],
      ],
      ["400000-500000", "600000-700000", "800000-900000"],
    ],
    [
      "and as reserved in a later entry",
      [
        [2n * MIB, 4n * MIB],
        [3n * MIB, MIB, 2],
      ],
      ["200000-300000", "400000-600000"],
    ],
    [
      "and as reserved in an earlier entry",
      [
        [3n * MIB, MIB, 2],
        [2n * MIB, 4n * MIB],
      ],
      ["200000-300000", "400000-600000"],
    ],
    [
      "and as something that is not known",
      [
        [2n * MIB, 4n * MIB],
        [3n * MIB, MIB, 0xffffffff],
      ],
      ["200000-300000", "400000-600000"],
    ],
    [
      "and a byte of it as reserved",
      [
        [2n * MIB, 2n * MIB],
        [0x2fffffn, 2n, 2],
      ],
      ["200000-2ff000", "301000-400000"],
    ],
    [
      "and nothing of it as reserved",
      [
        [2n * MIB, 2n * MIB],
        [0x2fffffn, 0n, 2],
      ],
      ["200000-400000"],
    ],
    [
      "and all behind it as reserved, without end",
      [
        [2n * MIB, 2n * MIB],
        [3n * MIB, (1n << 64n) - 1n, 2],
      ],
      ["200000-300000"],
    ],
    [
      "and the last byte of all as reserved",
      [
        [2n * MIB, MIB],
        [(1n << 64n) - 1n, 1n, 2],
      ],
      ["200000-300000"],
    ],
    [
      "in two halves of a page",
      [
        [2n * MIB, 0x1800n],
        [0x201800n, 0x1800n],
      ],
      ["200000-201000", "202000-203000"],
    ],
    [
      "and is empty",
      [
        [2n * MIB, 0n],
        [3n * MIB, 1n],
      ],
      [],
    ],
  ])("is handed out once where the map names it %s", (_how, map, expected) => {
    const running = read({ map });
    expect(ranges(running)).toEqual(expected);
    const bytes = ranges(running).map(
      (range) => range.split("-").map((text) => BigInt(`0x${text}`)) as [bigint, bigint],
    );
    expect(running.big("memoryUsableBytes")).toBe(
      bytes.reduce((sum, [start, end]) => sum + end - start, 0n),
    );
  });

  test.each([
    [64, 64, 0n],
    [65, 64, 4096n],
    [70, 64, 6n * 4096n],
  ])("of %i pieces has %i ranges, and what is left out is counted", (pieces, kept, leftOut) => {
    const running = read({
      map: Array.from(
        { length: pieces },
        (_, index) => [2n * MIB + BigInt(index) * 8192n, 4096n] as const,
      ),
    });
    expect(running.number("memoryRangeCount")).toBe(kept);
    expect(running.big("memoryLeftOutBytes")).toBe(leftOut);
    expect(running.big("memoryUsableBytes")).toBe(BigInt(kept) * 4096n);
  });

  test("is what a page-by-page look at any map finds", () => {
    let seed = 1;
    const below = (limit: number): number => (seed = (seed * 48271) % 0x7fffffff) % limit;
    for (let round = 0; round < 200; round++) {
      const map = Array.from(
        { length: 1 + below(12) },
        () =>
          [
            2n * MIB + BigInt(below(40) * 2048),
            BigInt(below(24) * 2048),
            below(3) === 0 ? 2 : 1,
          ] as const,
      );
      const archive = [2n * MIB + BigInt(below(20) * 4096), BigInt(below(0x6000))] as const;
      const isFree = (page: bigint) => {
        const within = (start: bigint, bytes: bigint) =>
          page >= start && page + 4096n <= start + bytes;
        const touches = (start: bigint, bytes: bigint) =>
          bytes > 0n && page < start + bytes && page + 4096n > start;
        return (
          map.some(([start, bytes, type]) => type === 1 && within(start, bytes)) &&
          !map.some(([start, bytes, type]) => type !== 1 && touches(start, bytes)) &&
          !touches(...archive)
        );
      };
      const expected: string[] = [];
      for (let page = 2n * MIB; page < 3n * MIB; page += 4096n)
        if (isFree(page)) expected.push(page.toString(16));
      const found = ranges(read({ map, archive })).flatMap((range) => {
        const [start, end] = range.split("-").map((text) => BigInt(`0x${text}`)) as [
          bigint,
          bigint,
        ];
        return Array.from({ length: Number((end - start) >> 12n) }, (_, index) =>
          (start + BigInt(index) * 4096n).toString(16),
        );
      });
      expect(found).toEqual(expected);
    }
  });
});

describe("the command line", () => {
  test.each([
    ["panic=exit", 1],
    ["quiet panic=exit", 1],
    ["panic=exit quiet", 1],
    ["panic=exits", 0],
    ["xpanic=exit", 0],
    ["panic=", 0],
    ["", 0],
    ["panic=exi panic=exit", 1],
    [undefined, 0],
  ])("%j has the word panic=exit: %i", (commandLine, expected) => {
    const running = read({
      map: [[MIB, MIB]],
      ...(commandLine === undefined ? {} : { commandLine }),
    });
    expect(running.number("asksToExit")).toBe(expected);
  });
});

test("without an archive its size is 0", () => {
  expect(read({ map: [[MIB, MIB]] }).big("archiveBytes")).toBe(0n);
});
