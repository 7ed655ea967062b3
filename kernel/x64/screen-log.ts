// The log's second output: the VGA text screen, 80 by 25, for machines without a terminal on the
// serial line.

import { in8, out8, physicalCopy, physicalStore16 } from "./x64";

const SCREEN: u64 = 0xb8000;
const COLUMNS: u32 = 80;
const ROWS: u32 = 25;
const LINE_BYTES: u32 = COLUMNS * 2;
/** Light grey on black. */
const ATTRIBUTE: u32 = 0x0700;
const INDEX_PORT: u32 = 0x3d4;
const DATA_PORT: u32 = 0x3d5;
const CURSOR_HIGH: u32 = 14;
const CURSOR_LOW: u32 = 15;

let column: u32 = 0;
let row: u32 = 0;
let started: bool = false;

/** Shows a byte below the lines of firmware and loader; at the lower edge the screen scrolls. */
export function showByte(byte: u32): void {
  if (!started) start();
  if (byte === 13) return;
  if (byte === 10 || column >= COLUMNS) {
    nextRow();
    if (byte === 10) return;
  }
  physicalStore16(SCREEN + row * LINE_BYTES + column * 2, ATTRIBUTE | (byte & 0xff));
  column++;
}

function start(): void {
  started = true;
  const cursor = (cursorByte(CURSOR_HIGH) << 8) | cursorByte(CURSOR_LOW);
  row = cursor / COLUMNS;
  if (row >= ROWS) row = ROWS - 1;
  if (cursor % COLUMNS !== 0) nextRow();
  else clearRow();
  hideCursor();
}

function nextRow(): void {
  column = 0;
  if (row < ROWS - 1) row++;
  else scroll();
  clearRow();
}

function cursorByte(index: u32): u32 {
  out8(INDEX_PORT, index);
  return in8(DATA_PORT);
}

function scroll(): void {
  // Line by line: source and target of one copy must not overlap.
  for (let line: u32 = 1; line < ROWS; line++)
    physicalCopy(SCREEN + (line - 1) * LINE_BYTES, SCREEN + line * LINE_BYTES, LINE_BYTES);
}

function clearRow(): void {
  for (let i: u32 = 0; i < COLUMNS; i++)
    physicalStore16(SCREEN + row * LINE_BYTES + i * 2, ATTRIBUTE | 0x20);
}

/** Moves the blinking cursor off the screen. */
function hideCursor(): void {
  out8(INDEX_PORT, CURSOR_HIGH);
  out8(DATA_PORT, 0xff);
  out8(INDEX_PORT, CURSOR_LOW);
  out8(DATA_PORT, 0xff);
}
