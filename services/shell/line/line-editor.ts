// A line of input with editing, history and completion, on a terminal that understands ANSI
// sequences.

import { Text, utf8 } from "../../runtime/text";
import { History } from "./history";
import { isInputUsedUp, nextByte } from "./input";
import { Key, KeyReader } from "./keys";
import { endLine, flush, line, setColumns, show } from "../output/print";

/**
 * Bytes of a line. What is typed beyond is not taken, which is told, and a line that lacks some of
 * it is not run.
 */
export const LINE_MAX: u32 = 200;
const BELL: u32 = 0x07;
const PROMPT = "trine> ";
const PROMPT_COLUMNS: u32 = 7;
/** What a terminal has that does not tell. */
const COLUMNS_DEFAULT: u32 = 80;
/** Puts the cursor into the last column, and asks where it is. */
const ASK_WIDTH = "\x1b[999C\x1b[6n";

/**
 * Completes the word before `cursor` of `line`: adds to `insertion` what all candidates continue
 * with, and may show them.
 */
type Completer = (line: Text, cursor: u32, insertion: Text) => void;

@final
export class LineEditor {
  private readonly line: Text = Text.withRoom(LINE_MAX);
  private cursor: u32 = 0;
  /**
   * Columns of the line that are shown while it is edited, so that with the prompt it stays on one
   * row.
   */
  private shownColumns: u32 = COLUMNS_DEFAULT - PROMPT_COLUMNS - 1;
  private readonly history: History = new History();
  private readonly keys: KeyReader = new KeyReader();
  /** Bytes that the character being typed still lacks. */
  private missingBytes: u32 = 0;
  /** What the terminal shows is the line as it is now. */
  private isDrawn: bool = false;
  /** Something was typed just now for which the line has no room: for the bell. */
  private isOverfull: bool = false;
  /** The line lacks bytes that were typed. */
  private lost: u32 = 0;
  /** That it does has been told. */
  private isToldOfLoss: bool = false;
  private readonly screen: Text = Text.withRoom(LINE_MAX + 64);
  private readonly insertion: Text = Text.withRoom(LINE_MAX);

  constructor(private readonly complete: Completer) {}

  /** Asks the terminal how wide it is. The answer comes as a key, or never. */
  askWidth(): void {
    show(utf8(ASK_WIDTH));
  }

  /**
   * Shows the prompt and edits until the line is entered. It is valid until the next one is read.
   */
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

  /** What the line lacks is taken for given up once the line is edited. */
  private forgetLoss(): void {
    this.lost = 0;
    this.isToldOfLoss = false;
  }

  private nextKey(): u32 {
    while (true) {
      // What arrives together is drawn once, and a character not before its last byte is there.
      if (isInputUsedUp() && !this.isDrawn && this.missingBytes === 0) this.redraw();
      const key = this.keys.take(nextByte());
      if (key !== Key.None) return key;
    }
  }

  /** Does what `key` asks for; true when the line is complete. */
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

  /** Replaces the line by one of the history, unless there is none. */
  private recall(entry: Text | null): void {
    if (entry === null) return;
    this.forgetLoss();
    this.line.clear().text(entry);
    this.cursor = this.line.length;
  }

  /** Gives the line up and starts anew below. */
  private cancel(): void {
    show(utf8("^C\n"));
    this.clear();
  }

  private insertCompletion(): void {
    const complete = this.complete;
    // Candidates are shown below the line as it was typed.
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

  // A character of several bytes is passed over as one.

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

  /** Draws the line anew, or of a long one the part that ends at the cursor or behind it. */
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

  /**
   * Draws prompt and part of the line over what stands there, and puts the cursor where it belongs.
   */
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
