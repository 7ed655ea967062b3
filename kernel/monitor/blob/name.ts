// Names inside a blob that is being verified.

import { BlobSection } from "../../abi/blob";
import { countOf, sectionOf } from "./sections";

/** Longest name: what the text fields of the kernel's interfaces take. */
const NAME_BYTES_MAX: u32 = 63;

/** Whether `offset` is the start of a string. */
export function isString(blob: usize, offset: u32): bool {
  if (offset >= countOf(blob, BlobSection.Strings)) return false;
  return offset === 0 || load<u8>(sectionOf(blob, BlobSection.Strings) + offset - 1) === 0;
}

/** Whether `offset` is the start of a string of 1 … 63 characters. */
export function isName(blob: usize, offset: u32): bool {
  if (!isString(blob, offset)) return false;
  const name = sectionOf(blob, BlobSection.Strings) + offset;
  for (let i: u32 = 0; i <= NAME_BYTES_MAX; i++) {
    if (load<u8>(name + i) === 0) return i > 0;
  }
  return false;
}

/** Whether a string is exactly this text, which is ASCII. `offset` is the start of a string. */
export function isText(blob: usize, offset: u32, text: string): bool {
  return (
    startsWith(blob, offset, text) &&
    load<u8>(sectionOf(blob, BlobSection.Strings) + offset + <u32>text.length) === 0
  );
}

/** Stops at the string's end, which is in no text. */
export function startsWith(blob: usize, offset: u32, text: string): bool {
  const name = sectionOf(blob, BlobSection.Strings) + offset;
  const length = <u32>text.length;
  for (let i: u32 = 0; i < length; i++) {
    if (<u32>load<u8>(name + i) !== <u32>load<u16>(changetype<usize>(text) + ((<usize>i) << 1)))
      return false;
  }
  return true;
}
