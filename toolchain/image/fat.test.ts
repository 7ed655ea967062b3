import { describe, expect, test } from "vitest";
import { buildFat } from "./fat.ts";

/**
 * Reads a file by what the boot sector says, as firmware does, and knows nothing of how the image
 * was made.
 */
function readFile(image: Uint8Array, path: readonly string[]): Uint8Array {
  const view = new DataView(image.buffer, image.byteOffset, image.length);
  const word = (at: number) => view.getUint16(at, true);
  const sectorBytes = word(11);
  const clusterBytes = view.getUint8(13) * sectorBytes;
  const fatStart = word(14) * sectorBytes;
  const rootStart = fatStart + view.getUint8(16) * word(22) * sectorBytes;
  const dataStart = rootStart + word(17) * 32;
  expect(image.length).toBe(word(19) * sectorBytes);
  const link = (cluster: number) =>
    (word(fatStart + Math.floor(cluster * 1.5)) >> (cluster % 2 === 0 ? 0 : 4)) & 0xfff;
  const chain = (first: number): Uint8Array => {
    const parts: Uint8Array[] = [];
    for (let cluster = first; cluster < 0xff8; cluster = link(cluster)) {
      expect(cluster).toBeGreaterThanOrEqual(2);
      expect(parts.length).toBeLessThan(1000);
      parts.push(
        image.subarray(
          dataStart + (cluster - 2) * clusterBytes,
          dataStart + (cluster - 1) * clusterBytes,
        ),
      );
    }
    return new Uint8Array(Buffer.concat(parts));
  };
  let folder = image.subarray(rootStart, dataStart);
  for (const [depth, name] of path.entries()) {
    const [base, type = ""] = name.split(".");
    const wanted = base!.padEnd(8) + type.padEnd(3);
    const records = Array.from({ length: folder.length / 32 }, (_, i) =>
      Buffer.from(folder.subarray(i * 32, i * 32 + 32)),
    );
    const found = records.find((record) => record.toString("latin1", 0, 11) === wanted)!;
    const isFile = depth === path.length - 1;
    expect(found[11]! & 0x10).toBe(isFile ? 0 : 0x10);
    const first = found.readUInt16LE(26);
    if (isFile)
      return found.readUInt32LE(28) === 0
        ? new Uint8Array(0)
        : chain(first).subarray(0, found.readUInt32LE(28));
    folder = chain(first);
    expect(Buffer.from(folder).toString("latin1", 0, 2)).toBe(". ");
    expect(Buffer.from(folder).readUInt16LE(26)).toBe(first);
  }
  throw new Error("no path");
}

const PATH = ["EFI", "BOOT", "BOOTX64.EFI"];
const ROOM = (512 - 9 - 2) * 512;

describe.each([0, 1, 511, 512, 513, 1024, 100_000, ROOM])("a file of %i bytes", (bytes) => {
  const file = new Uint8Array(bytes).map((_, i) => (i * 2_654_435_761) >>> 17);
  test("is read back", () =>
    expect(Buffer.from(readFile(buildFat(PATH, file), PATH)).equals(Buffer.from(file))).toBe(true));
  test("is read back from no folder", () =>
    expect(Buffer.from(readFile(buildFat(["A"], file), ["A"])).equals(Buffer.from(file))).toBe(
      true,
    ));
});

test("both copies of the table are alike, and equal inputs give equal images", () => {
  const image = buildFat(PATH, new Uint8Array(5000).fill(1));
  expect(image.subarray(512, 1536)).toEqual(image.subarray(1536, 2560));
  expect(buildFat(PATH, new Uint8Array(5000).fill(1))).toEqual(image);
});

test("what does not fit is refused", () => {
  expect(() => buildFat(PATH, new Uint8Array(ROOM + 1))).toThrow("does not fit");
  expect(() => buildFat(["bootx64.efi"], new Uint8Array(1))).toThrow("no short name");
});
