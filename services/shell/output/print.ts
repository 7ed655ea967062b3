// What the shell shows: one text that commands add to, sent when it is full or a command is done.

import { CONSOLE_WRITE_TEXT_MAX } from "../../../build/generated/interfaces/Console";
import { console } from "../../../build/generated/programs/shell";
import { Status } from "../../../kernel/abi/status";
import { TIMEOUT_NONE } from "../../../kernel/abi/system-call";
import { setCallTimeout } from "../../runtime/message";
import { Text } from "../../runtime/text";

/**
 * Lines are put together here; a line longer than this is cut. None is: the longest text in one has
 * 512 bytes, and colours are few.
 */
const LINE_ROOM: u32 = 1000;
/** What a line that goes on in the next row is moved in by. */
const HANGING_INDENT: u32 = 2;
const ESCAPE: u32 = 0x1b;
const SPACE: u32 = 0x20;

/** The line that a command is writing. `endLine` shows it. */
export const line: Text = Text.withRoom(LINE_ROOM);
const pending: Text = Text.withRoom(CONSOLE_WRITE_TEXT_MAX);
const NEWLINE: Text = Text.withRoom(1).byte(0x0a);
const BLANK: Text = Text.withRoom(1).byte(0x20);

/** Columns of the terminal; 0: it has not told, and maybe there is none but a file. */
let columns: u32 = 0;
/** Place of a view of a part of the line. */
const row: usize = memory.data(offsetof<Text>(), 4);

export function setColumns(count: u32): void {
  columns = count;
}

/**
 * Ends the line, to be shown with the next `flush` at the latest. What is too long for the terminal
 * goes on in the next row, between words.
 */
export function endLine(): void {
  if (columns !== 0) addRows();
  else addRow(0, line.length);
  line.clear();
}

function addRow(start: u32, end: u32): void {
  add(Text.view(row, line.address + start, end - start));
  add(NEWLINE);
}

/**
 * Breaks the line between columns of a table if a row has several, else between words, behind the
 * first of a row at the earliest: a word that is longer than a row is for the terminal to break.
 */
function addRows(): void {
  let first: u32 = 0;
  while (line.byteAt(first) === SPACE) first++;
  const indent = min(first + HANGING_INDENT, columns / 2);
  let start: u32 = 0;
  let column: u32 = 0;
  /** The last space where the row can end, and the last before a column; 0: there is none yet. */
  let space: u32 = 0;
  let gap: u32 = 0;
  for (let at: u32 = 0; at < line.length; at++) {
    const byte = line.byteAt(at);
    if (byte === ESCAPE) {
      at = sequenceEnd(at);
      continue;
    }
    if (byte === SPACE && at > first && line.byteAt(at - 1) !== SPACE) {
      space = at;
      if (line.byteAt(at + 1) === SPACE) gap = at;
    }
    // A character of several bytes takes one column.
    if ((byte & 0xc0) !== 0x80) column++;
    if (column <= columns || space === 0) continue;
    const end = gap !== 0 ? gap : space;
    let next = end;
    while (line.byteAt(next) === SPACE) next++;
    addRow(start, end);
    if (next >= line.length) return;
    for (let left = indent; left > 0; left--) add(BLANK);
    start = next;
    at = next - 1;
    first = next;
    column = indent;
    space = 0;
    gap = 0;
  }
  addRow(start, line.length);
}

/** The last byte of the sequence that begins at `at`: its letter. */
function sequenceEnd(at: u32): u32 {
  while (at < line.length && (line.byteAt(at) | 0x20) - 0x61 >= 26) at++;
  return at;
}

/** A whole line. */
export function printLine(text: string): void {
  line.string(text);
  endLine();
}

/** Adds to the output without ending the line. */
export function add(text: Text): void {
  if (pending.length + text.length > pending.room) flush();
  pending.text(text);
}

/** Shows what has been added. */
export function flush(): void {
  if (pending.length === 0) return;
  show(pending);
  pending.clear();
}

/**
 * Shows `text` now. Once more if the console died meanwhile: seen twice is better than not at all.
 * The console knows how long a line that does not take it is worth waiting for.
 */
export function show(text: Text): void {
  const before = setCallTimeout(TIMEOUT_NONE);
  if (console.write(text).status === Status.PeerDied) console.write(text);
  setCallTimeout(before);
}

// Colours of a terminal, used sparingly: what is well, what is not, and what is beside the point.

export function green(text: string): void {
  paint("\x1b[32m", text);
}

export function red(text: string): void {
  paint("\x1b[31m", text);
}

export function dim(text: string): void {
  paint("\x1b[2m", text);
}

export function bold(text: string): void {
  paint("\x1b[1m", text);
}

function paint(colour: string, text: string): void {
  line.string(colour).string(text).string("\x1b[0m");
}
