// Strings of a blob: printable ASCII, zero-terminated, named by their offset in the section.

import { BlobSection } from "../../abi/blob";
import { Blob } from "./records";

/** Longest name: what the text fields of the kernel's interfaces take. */
const NAME_BYTES_MAX: u32 = 63;

/**
 * Bytes of a zero-terminated string, without its zero. Ends, because the section ends with a zero.
 */
export function stringBytes(address: usize): u32 {
  let end = address;
  while (load<u8>(end) !== 0) end++;
  return <u32>(end - address);
}

/** True if a zero-terminated string is exactly these bytes. */
export function stringEquals(address: usize, other: usize, bytes: u32): bool {
  for (let i: u32 = 0; i < bytes; i++) {
    const byte = load<u8>(address + i);
    if (byte === 0 || byte !== load<u8>(other + i)) return false;
  }
  return load<u8>(address + bytes) === 0;
}

/** True if `offset` is the start of a string. */
export function isString(blob: Blob, offset: u32): bool {
  if (offset >= blob.count(BlobSection.Strings)) return false;
  return offset === 0 || load<u8>(blob.string(offset) - 1) === 0;
}

/** True if `offset` is the start of a string of 1 … 63 characters. */
export function isName(blob: Blob, offset: u32): bool {
  if (!isString(blob, offset)) return false;
  const name = blob.string(offset);
  for (let i: u32 = 0; i <= NAME_BYTES_MAX; i++) {
    if (load<u8>(name + i) === 0) return i > 0;
  }
  return false;
}

/** True if a string is exactly this text, which is ASCII. `offset` is the start of a string. */
export function isText(blob: Blob, offset: u32, text: string): bool {
  return startsWith(blob, offset, text) && load<u8>(blob.string(offset) + <u32>text.length) === 0;
}

/** As `isText`, for the beginning of a string. Reads no further than the string's zero. */
export function startsWith(blob: Blob, offset: u32, text: string): bool {
  const name = blob.string(offset);
  const length = <u32>text.length;
  for (let i: u32 = 0; i < length; i++) {
    if (<u32>load<u8>(name + i) !== <u32>load<u16>(changetype<usize>(text) + ((<usize>i) << 1)))
      return false;
  }
  return true;
}
