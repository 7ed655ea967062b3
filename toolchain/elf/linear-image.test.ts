import { expect, test } from "vitest";
import { sampleModule } from "../../tests/support/sample-object.ts";
import { Random } from "../fuzz/random.ts";
import { type LinearImage, linearImage, linearPieces } from "./linear-image.ts";

/** What boot/enter-high-half.asm makes of the pieces in memory that is zero before. */
function copied(pieces: Uint8Array, { address, bytes }: LinearImage): Uint8Array {
  const memory = new Uint8Array(bytes.length);
  const view = new DataView(pieces.buffer);
  for (let offset = 0; offset < pieces.length; ) {
    const length = view.getUint32(offset + 4, true);
    const piece = pieces.subarray(offset + 8, offset + 8 + length);
    memory.set(piece, view.getUint32(offset, true) - address);
    offset = Math.ceil((offset + 8 + length) / 8) * 8;
  }
  return memory;
}

test("the image goes from the first segment's page to the last byte that is not zero", () => {
  const dataSegments = [
    { address: 0x12345, bytes: new Uint8Array(100_000) },
    { address: 0x20001, bytes: Uint8Array.of(1, 0, 2, 0) },
  ];
  const image = linearImage(sampleModule("kernel", { dataSegments }));
  expect(image.address).toBe(0x12000);
  expect(image.bytes).toHaveLength(0x20001 + 3 - 0x12000);
});

test("pieces leave long runs of zeros out, and short ones in", () => {
  const bytes = new Uint8Array(5000);
  bytes.set([1, 0, 0, 0, 0, 0, 0, 0, 0, 2], 1000);
  bytes.set([3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4], 2000);
  const pieces = linearPieces({ address: 0x10000, bytes });
  const view = new DataView(pieces.buffer);
  expect([view.getUint32(0, true), view.getUint32(4, true)]).toEqual([0x10000 + 1000, 10]);
  expect([view.getUint32(24, true), view.getUint32(28, true)]).toEqual([0x10000 + 2000, 1]);
  expect([view.getUint32(40, true), view.getUint32(44, true)]).toEqual([0x10000 + 2010, 1]);
  expect(pieces).toHaveLength(56);
});

test("pieces hold every byte of any image", () => {
  const random = new Random(11);
  for (let round = 0; round < 200; round++) {
    const bytes = new Uint8Array(random.below(600));
    for (let place = 0; place < bytes.length; place += random.below(24) + 1)
      bytes[place] = random.below(256);
    const image = { address: 0x10000, bytes };
    expect(copied(linearPieces(image), image)).toEqual(bytes);
  }
  expect(linearPieces({ address: 0x10000, bytes: new Uint8Array(0) })).toHaveLength(0);
});
