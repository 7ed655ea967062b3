// Turns the bytes that a terminal sends into keys.

/** Keys that are not characters. Values below 0x100 are bytes of text. */
export enum Key {
  None = 0x100,
  Enter,
  Left,
  Right,
  WordLeft,
  WordRight,
  Up,
  Down,
  Home,
  End,
  Backspace,
  Delete,
  KillToEnd,
  KillToStart,
  KillWord,
  ClearScreen,
  Cancel,
  Tab,
  /** The terminal reports its width: `KeyReader.reported`. */
  Width,
}

const ESCAPE: u32 = 0x1b;
/** The modifier of a key pressed with alt; modifiers with control are higher. */
const ALT: u32 = 3;
const COLUMN_MIN: u32 = 20;
const COLUMN_MAX: u32 = 9999;

enum State {
  Text,
  /** After the escape byte. */
  Escape,
  /** Within `ESC [ …` or `ESC O …`. */
  Sequence,
}

/** Recognises keys that arrive as several bytes. */
@final
export class KeyReader {
  /** The terminal's columns, after the key Width. */
  reported: u32 = 0;
  private state: State = State.Text;
  /** The number within a sequence, as 3 in `ESC [ 3 ~`. */
  private argument: u32 = 0;
  /** The number after a semicolon: shift, alt and control, or a column. 0 if there is none. */
  private modifier: u32 = 0;
  private hasModifier: bool = false;
  /** The last byte was a carriage return: a line feed after it is part of the same key. */
  private wasReturn: bool = false;

  /** The key that `byte` completes, or None. */
  take(byte: u32): u32 {
    if (this.state === State.Escape) return this.takeEscaped(byte);
    if (this.state === State.Sequence) return this.takeSequence(byte);

    const isSecondHalf = byte === 0x0a && this.wasReturn;
    this.wasReturn = byte === 0x0d;
    if (isSecondHalf) return Key.None;
    if (byte !== ESCAPE) return control(byte);
    this.state = State.Escape;
    return Key.None;
  }

  private takeEscaped(byte: u32): u32 {
    this.argument = 0;
    this.modifier = 0;
    this.hasModifier = false;
    if (byte === ESCAPE) return Key.None;
    this.state = byte === 0x5b || byte === 0x4f ? State.Sequence : State.Text;
    // A key with alt, or a key after the escape key.
    switch (byte) {
      case 0x62:
        return Key.WordLeft;
      case 0x66:
        return Key.WordRight;
      case 0x08:
      case 0x7f:
        return Key.KillWord;
      default:
        return byte < 0x20 ? control(byte) : Key.None;
    }
  }

  private takeSequence(byte: u32): u32 {
    if (byte >= 0x30 && byte <= 0x39) {
      if (this.hasModifier) this.modifier = min(this.modifier * 10 + byte - 0x30, COLUMN_MAX);
      else this.argument = (this.argument * 10 + byte - 0x30) & 0xff;
      return Key.None;
    }
    if (byte === 0x3b) {
      this.hasModifier = true;
      return Key.None;
    }
    this.state = State.Text;
    switch (byte) {
      case 0x41:
        return Key.Up;
      case 0x42:
        return Key.Down;
      case 0x43:
        return this.modifier >= ALT ? Key.WordRight : Key.Right;
      case 0x44:
        return this.modifier >= ALT ? Key.WordLeft : Key.Left;
      case 0x46:
        return Key.End;
      case 0x48:
        return Key.Home;
      case 0x52:
        return this.width();
      case 0x7e:
        return this.numbered();
      default:
        return Key.None;
    }
  }

  /**
   * A report of the cursor's position. A small column means another key: function keys with shift
   * send the same sequence.
   */
  private width(): u32 {
    this.reported = this.modifier;
    return this.reported < COLUMN_MIN ? Key.None : Key.Width;
  }

  private numbered(): u32 {
    switch (this.argument) {
      case 1:
      case 7:
        return Key.Home;
      case 3:
        return Key.Delete;
      case 4:
      case 8:
        return Key.End;
      default:
        return Key.None;
    }
  }
}

/** The key of a single byte: a character, or a key pressed with control. */
function control(byte: u32): u32 {
  switch (byte) {
    case 0x01:
      return Key.Home;
    case 0x02:
      return Key.Left;
    case 0x03:
      return Key.Cancel;
    case 0x04:
      return Key.Delete;
    case 0x05:
      return Key.End;
    case 0x06:
      return Key.Right;
    case 0x08:
    case 0x7f:
      return Key.Backspace;
    case 0x09:
      return Key.Tab;
    case 0x0a:
    case 0x0d:
      return Key.Enter;
    case 0x0b:
      return Key.KillToEnd;
    case 0x0c:
      return Key.ClearScreen;
    case 0x0e:
      return Key.Down;
    case 0x10:
      return Key.Up;
    case 0x15:
      return Key.KillToStart;
    case 0x17:
      return Key.KillWord;
    default:
      return byte < 0x20 ? Key.None : byte;
  }
}
