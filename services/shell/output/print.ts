// The output of the shell: a line that commands add to, and ended lines, which are sent to the
// console when their buffer is full or the command is done.

import { CONSOLE_WRITE_TEXT_MAX } from "../../../build/generated/interfaces/Console";
import { console } from "../../../build/generated/programs/shell";
import { Status } from "../../../kernel/abi/status";
import { TIMEOUT_NONE } from "../../../kernel/abi/system-call";
import { setCallTimeout } from "../../runtime/message";
import { Text } from "../../runtime/text";

/** A longer line would be cut. None is: the longest text in a line has 512 bytes. */
const LINE_ROOM: u32 = 1000;
/** Indentation of the rows of a line after the first. */
const HANGING_INDENT: u32 = 2;
const ESCAPE: u32 = 0x1b;
const SPACE: u32 = 0x20;

/** The line that a command is writing. `endLine` shows it. */
export const line: Text = Text.withRoom(LINE_ROOM);
const pending: Text = Text.withRoom(CONSOLE_WRITE_TEXT_MAX);
const NEWLINE: Text = Text.withRoom(1).byte(0x0a);
const BLANK: Text = Text.withRoom(1).byte(0x20);

/** Columns of the terminal; 0 until it reports them. A file, for example, never does. */
let columns: u32 = 0;
/** Memory for a view of a part of the line. */
const row: usize = memory.data(offsetof<Text>(), 4);

export function setColumns(count: u32): void {
  columns = count;
}

/** Ends the line. A line that is too long for the terminal is broken into rows between words. */
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
 * Breaks the line between columns of a table if the row has several, else between words. A row has
 * at least one word: the terminal breaks a word that is longer than a row.
 */
function addRows(): void {
  let first: u32 = 0;
  while (line.byteAt(first) === SPACE) first++;
  const indent = min(first + HANGING_INDENT, columns / 2);
  let start: u32 = 0;
  let column: u32 = 0;
  /** The last space where the row can end, and the last one before a column; 0 if none yet. */
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

/** The last byte, a letter, of the escape sequence that begins at `at`. */
function sequenceEnd(at: u32): u32 {
  while (at < line.length && (line.byteAt(at) | 0x20) - 0x61 >= 26) at++;
  return at;
}

/** Adds a whole line. */
export function printLine(text: string): void {
  line.string(text);
  endLine();
}

/** Adds to the output without ending the line. */
export function add(text: Text): void {
  if (pending.length + text.length > pending.room) flush();
  pending.text(text);
}

/** Sends the pending output. */
export function flush(): void {
  if (pending.length === 0) return;
  show(pending);
  pending.clear();
}

/**
 * Sends `text` now, and once more if the console died meanwhile: twice is better than never. There
 * is no timeout, because the console itself gives up on a line that accepts nothing.
 */
export function show(text: Text): void {
  const before = setCallTimeout(TIMEOUT_NONE);
  if (console.write(text).status === Status.PeerDied) console.write(text);
  setCallTimeout(before);
}

// Colours: green for success, red for failure, dim for what is less important.

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
