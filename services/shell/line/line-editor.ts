// Reads a line with editing, history and completion, from a terminal with ANSI escape sequences.

import { Text, utf8 } from "../../runtime/text";
import { History } from "./history";
import { isInputUsedUp, nextByte } from "./input";
import { Key, KeyReader } from "./keys";
import { endLine, flush, line, setColumns, show } from "../output/print";

/** Bytes of a line. More are rejected with a message, and a line that lacks bytes is not run. */
export const LINE_MAX: u32 = 200;
const BELL: u32 = 0x07;
const PROMPT = "trine> ";
const PROMPT_COLUMNS: u32 = 7;
/** The width of a terminal that does not report its own. */
const COLUMNS_DEFAULT: u32 = 80;
/** Moves the cursor to the last column and asks for its position. */
const ASK_WIDTH = "\x1b[999C\x1b[6n";

/**
 * Completes the word before `cursor` of `line`: adds to `insertion` what all candidates continue
 * with, or shows the candidates.
 */
type Completer = (line: Text, cursor: u32, insertion: Text) => void;

@final
export class LineEditor {
  private readonly line: Text = Text.withRoom(LINE_MAX);
  private cursor: u32 = 0;
  /** Columns of the line that fit into one row with the prompt. */
  private shownColumns: u32 = COLUMNS_DEFAULT - PROMPT_COLUMNS - 1;
  private readonly history: History = new History();
  private readonly keys: KeyReader = new KeyReader();
  /** Bytes still missing from the character being typed. */
  private missingBytes: u32 = 0;
  /** The terminal shows the line as it is now. */
  private isDrawn: bool = false;
  /** The last key did not fit into the line: the bell rings at the next redraw. */
  private isOverfull: bool = false;
  /** Typed bytes that did not fit into the line. */
  private lost: u32 = 0;
  /** The user has been told that the line is full. */
  private isToldOfLoss: bool = false;
  private readonly screen: Text = Text.withRoom(LINE_MAX + 64);
  private readonly insertion: Text = Text.withRoom(LINE_MAX);

  constructor(private readonly complete: Completer) {}

  /** Asks the terminal for its width. The answer arrives as Key.Width, or never. */
  askWidth(): void {
    show(utf8(ASK_WIDTH));
  }

  /** Shows the prompt and edits until a line is entered. The line is valid until the next call. */
  readLine(): Text {
    while (true) {
      this.clear();
      this.isDrawn = false;
      while (!this.apply(this.nextKey())) this.isDrawn = false;
      this.draw(0, this.line.length);
      this.history.add(this.line);
      show(utf8("\n"));
      if (this.lost === 0) return this.line;
      line
        .string("not run: a line has at most ")
        .number(LINE_MAX)
        .string(" bytes, and ")
        .number(this.lost)
        .string(" more were typed");
      endLine();
      flush();
    }
  }

  private clear(): void {
    this.line.clear();
    this.cursor = 0;
    this.missingBytes = 0;
    this.forgetLoss();
    this.history.rewind();
  }

  /** Called when the line is edited: the user has accepted that bytes are missing. */
  private forgetLoss(): void {
    this.lost = 0;
    this.isToldOfLoss = false;
  }

  private nextKey(): u32 {
    while (true) {
      // Bytes that arrive together are drawn once, and a character only when it is complete.
      if (isInputUsedUp() && !this.isDrawn && this.missingBytes === 0) this.redraw();
      const key = this.keys.take(nextByte());
      if (key !== Key.None) return key;
    }
  }

  /** Applies a key; true if it completes the line. */
  private apply(key: u32): bool {
    switch (key) {
      case Key.Enter:
        return true;
      case Key.Left:
        this.cursor = this.before(this.cursor);
        break;
      case Key.Right:
        this.cursor = this.after(this.cursor);
        break;
      case Key.WordLeft:
        this.cursor = this.wordStart();
        break;
      case Key.WordRight:
        this.cursor = this.wordEnd();
        break;
      case Key.Home:
        this.cursor = 0;
        break;
      case Key.End:
        this.cursor = this.line.length;
        break;
      case Key.Backspace:
        this.remove(this.before(this.cursor), this.cursor);
        break;
      case Key.Delete:
        this.remove(this.cursor, this.after(this.cursor));
        break;
      case Key.KillToEnd:
        this.remove(this.cursor, this.line.length);
        break;
      case Key.KillToStart:
        this.remove(0, this.cursor);
        break;
      case Key.KillWord:
        this.remove(this.wordStart(), this.cursor);
        break;
      case Key.Up:
        this.recall(this.history.older(this.line));
        break;
      case Key.Down:
        this.recall(this.history.newer());
        break;
      case Key.ClearScreen:
        show(utf8("\x1b[H\x1b[2J" + ASK_WIDTH));
        break;
      case Key.Width:
        this.takeWidth(this.keys.reported);
        break;
      case Key.Cancel:
        this.cancel();
        break;
      case Key.Tab:
        this.insertCompletion();
        break;
      default:
        this.insert(key);
    }
    return false;
  }

  private takeWidth(columns: u32): void {
    this.shownColumns = columns - PROMPT_COLUMNS - 1;
    setColumns(columns);
  }

  private insert(byte: u32): void {
    if (byte > 0xff) return;
    if (this.line.length >= LINE_MAX) {
      this.isOverfull = true;
      this.lost += 1;
      return;
    }
    this.line.insert(this.cursor, byte);
    this.cursor++;
    if (byte >= 0xc0) this.missingBytes = bytesAfterLead(byte);
    else if (this.missingBytes > 0) this.missingBytes -= 1;
  }

  /** Removes the bytes from `start` to `end`, and puts the cursor there. */
  private remove(start: u32, end: u32): void {
    if (start !== end) this.forgetLoss();
    this.line.remove(start, end);
    this.cursor = start;
  }

  /** Replaces the line with an entry of the history, unless `entry` is null. */
  private recall(entry: Text | null): void {
    if (entry === null) return;
    this.forgetLoss();
    this.line.clear().text(entry);
    this.cursor = this.line.length;
  }

  /** Discards the line and starts a new one below. */
  private cancel(): void {
    show(utf8("^C\n"));
    this.clear();
  }

  private insertCompletion(): void {
    const complete = this.complete;
    // The candidates appear below the line as it was typed.
    this.redraw();
    complete(this.line, this.cursor, this.insertion.clear());
    for (let index: u32 = 0; index < this.insertion.length; index++)
      this.insert(this.insertion.byteAt(index));
  }

  /** Where the word before the cursor starts. */
  private wordStart(): u32 {
    let at = this.cursor;
    while (at > 0 && this.line.byteAt(at - 1) === 0x20) at--;
    while (at > 0 && this.line.byteAt(at - 1) !== 0x20) at--;
    return at;
  }

  /** Where the word behind the cursor ends. */
  private wordEnd(): u32 {
    let at = this.cursor;
    while (at < this.line.length && this.line.byteAt(at) === 0x20) at++;
    while (at < this.line.length && this.line.byteAt(at) !== 0x20) at++;
    return at;
  }

  // A character of several bytes counts as one.

  private before(at: u32): u32 {
    if (at > 0) at--;
    while (at > 0 && this.isContinuation(at)) at--;
    return at;
  }

  private after(at: u32): u32 {
    if (at < this.line.length) at++;
    while (at < this.line.length && this.isContinuation(at)) at++;
    return at;
  }

  private isContinuation(at: u32): bool {
    return (this.line.byteAt(at) & 0xc0) === 0x80;
  }

  /** Redraws the line, or of a long line the part around the cursor. */
  private redraw(): void {
    if (this.lost > 0 && !this.isToldOfLoss) {
      this.isToldOfLoss = true;
      show(utf8("\n"));
      line.string("the line is full: it has at most ").number(LINE_MAX).string(" bytes");
      endLine();
      flush();
    }
    let start: u32 = 0;
    while (this.columns(start, this.cursor) > this.shownColumns) start = this.after(start);
    let end = this.cursor;
    while (end < this.line.length && this.columns(start, end) < this.shownColumns)
      end = this.after(end);
    this.draw(start, end);
  }

  /** Draws the prompt and a part of the line over the current row, and places the cursor. */
  private draw(start: u32, end: u32): void {
    const screen = this.screen.clear();
    this.isDrawn = true;
    if (this.isOverfull) screen.byte(BELL);
    this.isOverfull = false;
    screen
      .string("\r\x1b[1m")
      .string(PROMPT)
      .string("\x1b[0m")
      .bytes(this.line.address + start, end - start)
      .string("\x1b[K\r\x1b[");
    screen.number(PROMPT_COLUMNS + this.columns(start, this.cursor)).byte(0x43);
    show(screen);
  }

  private columns(start: u32, end: u32): u32 {
    let columns: u32 = 0;
    for (let at = start; at < end; at++) if (!this.isContinuation(at)) columns++;
    return columns;
  }
}

/** Bytes that follow the first byte of a UTF-8 character of several bytes. */
function bytesAfterLead(lead: u32): u32 {
  if (lead >= 0xf0) return 3;
  return lead >= 0xe0 ? 2 : 1;
}
