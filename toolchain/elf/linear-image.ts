import { LINEAR_NULL_BYTES, PAGE_BYTES } from "../../kernel/abi/address-space.ts";
import type { IrModule } from "../ir/module.ts";
import { ByteWriter } from "./byte-writer.ts";

/** Initial contents of linear memory, from the first segment's page to the last byte not zero. */
export interface LinearImage {
  /** Linear address of the first byte, page-aligned. */
  readonly address: number;
  readonly bytes: Uint8Array;
}

export function linearImage(module: IrModule): LinearImage {
  const active = module.dataSegments.filter(
    (segment) => segment.address >= 0 && segment.bytes.length > 0,
  );
  if (active.length === 0) return { address: LINEAR_NULL_BYTES, bytes: new Uint8Array(0) };
  const first = Math.min(...active.map((segment) => segment.address));
  const address = first - (first % PAGE_BYTES);
  const bytes = new Uint8Array(
    Math.max(...active.map((segment) => segment.address + segment.bytes.length)) - address,
  );
  // In the order of the module: a later segment overwrites an earlier one.
  for (const segment of active) bytes.set(segment.bytes, segment.address - address);
  let used = bytes.length;
  while (used > 0 && bytes[used - 1] === 0) used--;
  return { address, bytes: bytes.subarray(0, used) };
}

/** At most this many zeros stay inside a piece: the header of another piece is as long. */
const GAP_BYTES_MAX = 8;

/**
 * The image without its runs of zeros, as boot/enter-high-half.asm copies it: pieces, each at a
 * multiple of 8 bytes, of its linear address (u32), its length in bytes (u32) and its bytes.
 */
export function linearPieces({ address, bytes }: LinearImage): Uint8Array {
  const pieces = new ByteWriter();
  for (let start = nextNonZero(bytes, 0); start < bytes.length; ) {
    let end = start;
    let next = start;
    do {
      end = next + 1;
      next = nextNonZero(bytes, end);
    } while (next < bytes.length && next - end <= GAP_BYTES_MAX);
    pieces.u32(address + start);
    pieces.u32(end - start);
    pieces.raw(bytes.subarray(start, end));
    pieces.align(8);
    start = next;
  }
  return pieces.bytes();
}

/** Offset of the first byte from `start` on that is not zero; the length if there is none. */
function nextNonZero(bytes: Uint8Array, start: number): number {
  let offset = start;
  while (offset < bytes.length && bytes[offset] === 0) offset++;
  return offset;
}
