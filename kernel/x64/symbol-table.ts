// Names, lines and frame sizes of the kernel's own code, from the table that the toolchain links in
// (toolchain/elf/symbol-table.md). Every read lies inside that table, and every loop ends with it.

import {
  SYMBOLS_BYTES,
  SYMBOLS_DEEP,
  SYMBOLS_DEEP_BYTES,
  SYMBOLS_DEEP_COUNT,
  SYMBOLS_DEEP_DEPTH,
  SYMBOLS_DEEP_END,
  SYMBOLS_DETAILS,
  SYMBOLS_FILES,
  SYMBOLS_FILE_BYTES,
  SYMBOLS_FILE_COUNT,
  SYMBOLS_FUNCTIONS,
  SYMBOLS_FUNCTION_BYTES,
  SYMBOLS_FUNCTION_COUNT,
  SYMBOLS_FUNCTION_DETAILS,
  SYMBOLS_FUNCTION_LENGTH,
  SYMBOLS_FUNCTION_START,
  SYMBOLS_NO_FILE,
  SYMBOLS_NUMBER_BYTES_MAX,
  SYMBOLS_STRINGS,
  SYMBOLS_TEXT_ADDRESS,
  SYMBOLS_TEXT_BYTES,
} from "../abi/symbol-table";
import { imageLoad32, imageLoad8, symbolTable } from "./assembly";
import { logByte, logNumber, logText } from "./serial-log";

/** In place of a function: the address lies in no compiled function. */
export const NO_FUNCTION: u32 = 0xffffffff;

const NONE: u32 = 0xffffffff;
const NAME_BYTES_MAX: u32 = 160;
/** Length of `.ts`, which is missing from a function's full name. */
const EXTENSION_BYTES: u32 = 3;
const SLASH: u32 = 0x2f;

/** Offset in the table of the function that holds the address, or NO_FUNCTION. */
export function functionAt(address: u64): u32 {
  if (symbolTable() === 0) return NO_FUNCTION;
  const offset = textOffset(address);
  if (offset >= <u64>word(SYMBOLS_TEXT_BYTES)) return NO_FUNCTION;
  const entry = lastNotAbove(
    <u32>offset,
    word(SYMBOLS_FUNCTIONS),
    word(SYMBOLS_FUNCTION_COUNT),
    SYMBOLS_FUNCTION_BYTES,
  );
  if (entry === NONE) return NO_FUNCTION;
  const inside = <u32>offset - word(entry + SYMBOLS_FUNCTION_START);
  return inside < word(entry + SYMBOLS_FUNCTION_LENGTH) ? entry : NO_FUNCTION;
}

/** Bytes from rsp up to the return address at an address of the function. */
export function frameBytesAt(address: u64, entry: u32): u32 {
  const offset = <u32>textOffset(address);
  const range = lastNotAbove(
    offset,
    word(SYMBOLS_DEEP),
    word(SYMBOLS_DEEP_COUNT),
    SYMBOLS_DEEP_BYTES,
  );
  if (range !== NONE && offset < word(range + SYMBOLS_DEEP_END))
    return word(range + SYMBOLS_DEEP_DEPTH);
  const details = Details.of(entry);
  details.next();
  details.next();
  return details.next();
}

/** Prints `name (file.ts:line)` of an address of the function, or `name` if no line is known. */
export function logFunctionPlace(address: u64, entry: u32): void {
  const details = Details.of(entry);
  let file = details.next();
  logFunctionName(file, details.next());
  details.next();

  const rows = details.next();
  const offset = <u32>textOffset(address);
  let rowOffset = word(entry + SYMBOLS_FUNCTION_START);
  let line: u32 = 0;
  let isKnown = false;
  for (let row: u32 = 0; row < rows && !details.isAtEnd; row++) {
    const step = details.next();
    rowOffset += step >> 1;
    if (rowOffset > offset) break;
    if ((step & 1) !== 0) file = details.next();
    line += details.nextSigned();
    isKnown = true;
  }
  if (!isKnown) return;
  logText(" (");
  logString(fileName(file), NAME_BYTES_MAX);
  logText(":");
  logNumber(line);
  logText(")");
}

/** The numbers that the table has for one function, read one after the other; 0 after the last. */
@unmanaged
@final
class Details {
  private position: u32;
  private end: u32;

  /** Valid until the next call. */
  static of(entry: u32): Details {
    const details = changetype<Details>(detailsRecord);
    details.position = word(SYMBOLS_DETAILS) + word(entry + SYMBOLS_FUNCTION_DETAILS);
    details.end = word(SYMBOLS_STRINGS);
    return details;
  }

  get isAtEnd(): bool {
    return this.position >= this.end;
  }

  next(): u32 {
    let value: u32 = 0;
    for (let index: u32 = 0; index < <u32>SYMBOLS_NUMBER_BYTES_MAX && !this.isAtEnd; index++) {
      const byte = byteAt(this.position);
      this.position++;
      value |= (byte & 0x7f) << (7 * index);
      if ((byte & 0x80) === 0) break;
    }
    return value;
  }

  /** A number in zigzag form. */
  nextSigned(): i32 {
    const value = this.next();
    return <i32>((value >> 1) ^ (0 - (value & 1)));
  }
}

/** The record of `Details`: only one place is printed at a time. */
const detailsRecord: usize = memory.data(offsetof<Details>(), 4);

function logFunctionName(file: u32, name: u32): void {
  const path = fileName(file);
  const length = stringLength(path);
  if (file !== SYMBOLS_NO_FILE && length > EXTENSION_BYTES) {
    logString(path, length - EXTENSION_BYTES);
    logByte(SLASH);
  }
  logString(name, NAME_BYTES_MAX);
}

/** Offset of a file's name in the string part. */
function fileName(file: u32): u32 {
  const known = file < word(SYMBOLS_FILE_COUNT) ? file : SYMBOLS_NO_FILE;
  return word(word(SYMBOLS_FILES) + known * SYMBOLS_FILE_BYTES);
}

/** Prints the string at an offset of the string part, at most `bytesMax` bytes of it. */
function logString(offset: u32, bytesMax: u32): void {
  const start = word(SYMBOLS_STRINGS) + offset;
  for (let index: u32 = 0; index < bytesMax; index++) {
    const byte = byteAt(start + index);
    if (byte === 0) return;
    logByte(byte);
  }
}

function stringLength(offset: u32): u32 {
  const start = word(SYMBOLS_STRINGS) + offset;
  let length: u32 = 0;
  while (length < NAME_BYTES_MAX && byteAt(start + length) !== 0) length++;
  return length;
}

/** Where an address lies, counted from the start of the compiled code. */
function textOffset(address: u64): u64 {
  return (
    address - (((<u64>word(SYMBOLS_TEXT_ADDRESS + 4)) << 32) | <u64>word(SYMBOLS_TEXT_ADDRESS))
  );
}

/**
 * Offset of the last of `count` entries whose first word is at most `offset`; NONE if there is
 * none. At most 32 steps.
 */
function lastNotAbove(offset: u32, part: u32, count: u32, bytes: u32): u32 {
  let low: u32 = 0;
  let high = count;
  while (low < high) {
    const middle = low + ((high - low) >> 1);
    if (word(part + middle * bytes) <= offset) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? NONE : part + (low - 1) * bytes;
}

/** A word of the table; 0 outside. */
function word(offset: u32): u32 {
  const bytes = imageLoad32(symbolTable() + SYMBOLS_BYTES);
  if (bytes < 4 || offset > bytes - 4) return 0;
  return imageLoad32(symbolTable() + offset);
}

/** A byte of the table; 0 outside. */
function byteAt(offset: u32): u32 {
  return offset < imageLoad32(symbolTable() + SYMBOLS_BYTES)
    ? imageLoad8(symbolTable() + offset)
    : 0;
}
