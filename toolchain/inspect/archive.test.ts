import { expect, test } from "vitest";
import { buildArchive } from "../image/archive.ts";
import { formatArchive, isArchive, summarizeArchive } from "./archive.ts";

const archive = buildArchive({
  blob: new Uint8Array(100),
  programs: [new Uint8Array(5000), new Uint8Array(1)],
});

test("an archive's entries are shown with place and length", () => {
  expect(isArchive(archive)).toBe(true);
  expect(formatArchive(summarizeArchive(archive, "trine.arc"))).toEqual([
    `boot archive, format 1, ${archive.length} bytes`,
    "  blob 0                             100 bytes at 4096",
    "  program 0                         5000 bytes at 8192",
    "  program 1                            1 bytes at 16384",
  ]);
});

test.each([
  ["empty", new Uint8Array(0)],
  ["too short for the magic", archive.subarray(0, 7)],
  ["something else", new Uint8Array(4096)],
])("a file that is %s is no archive", (_what, bytes) => {
  expect(isArchive(bytes)).toBe(false);
});

test.each([
  ["the header", 20, "ends inside its header"],
  ["the table", 130, "ends inside its table"],
])("an archive that ends inside %s is refused", (_where, length, message) => {
  expect(() => summarizeArchive(archive.slice(0, length), "trine.arc")).toThrow(message);
});

test("an archive that claims more entries than fit is refused", () => {
  const bytes = archive.slice();
  new DataView(bytes.buffer).setUint32(12, 127, true);
  expect(() => summarizeArchive(bytes, "trine.arc")).toThrow("claims 127 entries; at most 126 fit");
});

test("an archive whose entries lie outside, or that is shorter than it says, is refused", () => {
  const bytes = archive.slice();
  new DataView(bytes.buffer).setBigUint64(64 + 32 + 8, 1n << 40n, true);
  expect(() => summarizeArchive(bytes, "trine.arc")).toThrow(
    "trine.arc: entry 1 of the archive lies outside the file",
  );
  expect(() => summarizeArchive(archive.slice(0, 9000), "trine.arc")).toThrow(
    `trine.arc: the archive has 9000 bytes, and its header announces ${archive.length}`,
  );
});
