// Who called whom, in TypeScript names: walks a kernel stack by the frame sizes of the table that
// the toolchain links in (toolchain/elf/symbol-table.md). It reads nothing but that table and the
// stacks, and both only within their bounds.

import { imageLoad32, imageLoad8, stackLoad, symbolTable } from "./assembly";
import { endLine, logByte, logHex, logNumber, logText } from "./serial-log";

// The table's header.
const TEXT_BYTES: u32 = 8;
const FUNCTION_COUNT: u32 = 12;
const FUNCTIONS: u32 = 16;
const LINE_COUNT: u32 = 20;
const LINES: u32 = 24;
const DEEP_COUNT: u32 = 28;
const DEEP: u32 = 32;
const STRINGS: u32 = 36;

// A function's entry.
const FUNCTION_BYTES: u32 = 24;
const FUNCTION_LENGTH: u32 = 4;
const FUNCTION_NAME: u32 = 8;
const FUNCTION_FRAME: u32 = 12;
const FUNCTION_FIRST_LINE: u32 = 20;
const LINE_BYTES: u32 = 12;
const DEEP_BYTES: u32 = 12;

/** Deeper stacks than this do not exist in the kernel; bounds the walk over a damaged one. */
const FRAMES_MAX: u32 = 48;
const NAME_BYTES_MAX: u32 = 160;
const NONE: u32 = 0xffffffff;

/**
 * Prints a line for each frame, innermost first: `address` is executed there, `stackPointer` is the
 * value of rsp at that moment.
 */
export function logBacktrace(address: u64, stackPointer: u64): void {
  let place = address;
  let pointer = stackPointer;
  for (let frame: u32 = 0; frame < FRAMES_MAX; frame++) {
    const entry = functionAt(place);
    logText("  at ");
    logPlace(place, entry);
    endLine();
    // Assembly has no frame sizes: below it is only the entry stub.
    if (entry === NONE) return;

    const depth = depthAt(place, entry);
    const returnTo = stackLoad(pointer + depth);
    if (returnTo === 0) return;
    // One below, because the call may be the function's last instruction.
    place = returnTo - 1;
    pointer += depth + 8;
  }
}

/** Prints `name (file.ts:line)`, or the bare address if it is not in compiled code. */
export function logCodePlace(address: u64): void {
  logPlace(address, functionAt(address));
}

function logPlace(address: u64, entry: u32): void {
  if (entry === NONE) {
    logText("assembly 0x");
    logHex(address);
    return;
  }
  logTableText(word(entry + FUNCTION_NAME));
  const line = lineAt(address, entry);
  if (line === NONE) return;
  logText(" (");
  logTableText(word(line + 4));
  logText(":");
  logNumber(word(line + 8));
  logText(")");
}

/** A word of the table, by its offset. */
function word(offset: u32): u32 {
  return imageLoad32(symbolTable() + offset);
}

/** Where `address` lies in the compiled code, NONE if outside. */
function textOffset(address: u64): u32 {
  if (symbolTable() === 0) return NONE;
  const base = ((<u64>word(4)) << 32) | word(0);
  const offset = address - base;
  return offset < <u64>word(TEXT_BYTES) ? <u32>offset : NONE;
}

/**
 * Offset of the last of `count` entries whose first word is at most `offset`; NONE if there is
 * none.
 */
function lastNotAbove(offset: u32, part: u32, count: u32, bytes: u32): u32 {
  let low: u32 = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (word(part + middle * bytes) <= offset) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? NONE : part + (low - 1) * bytes;
}

/** Offset of the entry of the function that holds the address, or NONE. */
function functionAt(address: u64): u32 {
  const offset = textOffset(address);
  if (offset === NONE) return NONE;
  const entry = lastNotAbove(offset, word(FUNCTIONS), word(FUNCTION_COUNT), FUNCTION_BYTES);
  if (entry === NONE) return NONE;
  return offset - word(entry) < word(entry + FUNCTION_LENGTH) ? entry : NONE;
}

function lineAt(address: u64, entry: u32): u32 {
  const lines = word(LINES);
  const first = word(entry + FUNCTION_FIRST_LINE);
  const isLast = entry + FUNCTION_BYTES >= word(FUNCTIONS) + word(FUNCTION_COUNT) * FUNCTION_BYTES;
  const end = isLast ? word(LINE_COUNT) : word(entry + FUNCTION_BYTES + FUNCTION_FIRST_LINE);
  if (end <= first) return NONE;
  return lastNotAbove(textOffset(address), lines + first * LINE_BYTES, end - first, LINE_BYTES);
}

/** Bytes from rsp up to the return address. */
function depthAt(address: u64, entry: u32): u32 {
  const offset = textOffset(address);
  const range = lastNotAbove(offset, word(DEEP), word(DEEP_COUNT), DEEP_BYTES);
  if (range !== NONE && offset < word(range + 4)) return word(range + 8);
  return word(entry + FUNCTION_FRAME);
}

function logTableText(offset: u32): void {
  const start = symbolTable() + word(STRINGS) + offset;
  for (let i: u32 = 0; i < NAME_BYTES_MAX; i++) {
    const byte = imageLoad8(start + i);
    if (byte === 0) return;
    logByte(byte);
  }
}
