// What the shell shows: one text that commands add to, sent when it is full or a command is done.

import { CONSOLE_WRITE_TEXT_MAX } from "../../build/generated/interfaces/Console";
import { console } from "../../build/generated/programs/shell";
import { Status } from "../../kernel/abi/status";
import { TIMEOUT_NONE } from "../../kernel/abi/system-call";
import { setCallTimeout } from "../runtime/message";
import { Text } from "../runtime/text";

/** Lines are put together here; a line longer than the room left for it is cut. */
const LINE_ROOM: u32 = 256;

/** The line that a command is writing. `endLine` shows it. */
export const line: Text = Text.withRoom(LINE_ROOM);
const pending: Text = Text.withRoom(CONSOLE_WRITE_TEXT_MAX);

/** Ends the line, to be shown with the next `flush` at the latest. */
export function endLine(): void {
  add(line.byte(0x0a));
  line.clear();
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
  if (pending.length == 0) return;
  show(pending);
  pending.clear();
}

/**
 * Shows `text` now. Once more if the console died meanwhile: seen twice is better than not at all. The console knows how long a line that
 * does not take it is worth waiting for.
 */
export function show(text: Text): void {
  const before = setCallTimeout(TIMEOUT_NONE);
  if (console.write(text).status == Status.PeerDied) console.write(text);
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
