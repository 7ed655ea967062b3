import { expect, test } from "vitest";
import * as abi from "../../kernel/abi/archive.ts";
import { PAGE_BYTES } from "../../kernel/abi/address-space.ts";
import { buildArchive } from "./archive.ts";

const bytesOf = (length: number, value: number) => new Uint8Array(length).fill(value);

function entries(archive: Uint8Array) {
  const view = new DataView(archive.buffer);
  return Array.from({ length: view.getUint32(abi.ARCHIVE_COUNT, true) }, (_, number) => {
    const entry = abi.ARCHIVE_ENTRIES + number * abi.ARCHIVE_ENTRY_BYTES;
    return {
      kind: view.getUint32(entry + abi.ARCHIVE_ENTRY_KIND, true),
      index: view.getUint32(entry + abi.ARCHIVE_ENTRY_INDEX, true),
      offset: Number(view.getBigUint64(entry + abi.ARCHIVE_ENTRY_OFFSET, true)),
      length: Number(view.getBigUint64(entry + abi.ARCHIVE_ENTRY_LENGTH, true)),
    };
  });
}

test("blob and programs lie on pages of their own, in order, with their exact lengths", () => {
  const archive = buildArchive({
    blob: bytesOf(4096, 1),
    programs: [bytesOf(1, 2), bytesOf(4097, 3)],
  });
  expect(entries(archive)).toEqual([
    { kind: abi.ARCHIVE_KIND_BLOB, index: 0, offset: 4096, length: 4096 },
    { kind: abi.ARCHIVE_KIND_PROGRAM, index: 0, offset: 8192, length: 1 },
    { kind: abi.ARCHIVE_KIND_PROGRAM, index: 1, offset: 12288, length: 4097 },
  ]);
  expect(archive.length).toBe(5 * PAGE_BYTES);
  expect(new DataView(archive.buffer).getBigUint64(abi.ARCHIVE_BYTES, true)).toBe(
    BigInt(archive.length),
  );
  expect(new TextDecoder().decode(archive.subarray(0, 8))).toBe("TRINEARC");
  expect([
    archive[4095],
    archive[4096],
    archive[8192],
    archive[8193],
    archive[12288 + 4096],
    archive[12288 + 4097],
  ]).toEqual([0, 1, 2, 0, 3, 0]);
});

test("symbols follow the programs that they explain", () => {
  const archive = buildArchive({
    blob: bytesOf(1, 1),
    programs: [bytesOf(1, 2)],
    symbols: [bytesOf(5000, 3)],
  });
  expect(entries(archive).at(-1)).toEqual({
    kind: abi.ARCHIVE_KIND_SYMBOLS,
    index: 0,
    offset: 12288,
    length: 5000,
  });
  expect(archive.length).toBe(5 * PAGE_BYTES);
});

test("as many programs as the first page has room for, and no more", () => {
  const programs = Array.from({ length: abi.ARCHIVE_ENTRIES_MAX - 1 }, () => bytesOf(1, 1));
  expect(entries(buildArchive({ blob: bytesOf(1, 1), programs }))).toHaveLength(
    abi.ARCHIVE_ENTRIES_MAX,
  );
  expect(() =>
    buildArchive({ blob: bytesOf(1, 1), programs: [...programs, bytesOf(1, 1)] }),
  ).toThrow(/room for 125/);
  expect(
    abi.ARCHIVE_ENTRIES + abi.ARCHIVE_ENTRIES_MAX * abi.ARCHIVE_ENTRY_BYTES,
  ).toBeLessThanOrEqual(PAGE_BYTES);
});
