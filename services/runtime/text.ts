// Text as programs pass it to each other: UTF-8 bytes at an address, with a length and room to
// grow. A program makes a Text once and reuses it, so that no garbage arises.

/** A range of bytes in this program's memory. Text added beyond its room is dropped. */
@unmanaged
@final
export class Text {
  address: usize;
  length: u32;
  /** Bytes of room at `address`; 0 for a view of bytes that belong to another object. */
  room: u32;

  /** A new, empty text. Its memory is never freed: make texts when the program starts. */
  static withRoom(room: u32): Text {
    const text = changetype<Text>(heap.alloc(offsetof<Text>()));
    text.address = heap.alloc(room);
    text.length = 0;
    text.room = room;
    return text;
  }

  /** Makes the Text at `place` a view of `length` bytes at `address`. */
  static view(place: usize, address: usize, length: u32): Text {
    const text = changetype<Text>(place);
    text.address = address;
    text.length = length;
    text.room = 0;
    return text;
  }

  @inline get isEmpty(): bool {
    return this.length === 0;
  }

  @inline get end(): usize {
    return this.address + this.length;
  }

  /** The byte at `index`, 0 beyond the end. */
  byteAt(index: u32): u32 {
    return index < this.length ? load<u8>(this.address + index) : 0;
  }

  clear(): Text {
    this.length = 0;
    return this;
  }

  byte(value: u32): Text {
    if (this.length >= this.room) return this;
    store<u8>(this.end, value);
    this.length += 1;
    return this;
  }

  bytes(address: usize, length: u32): Text {
    const fits = min(length, this.room - min(this.length, this.room));
    memory.copy(this.end, address, fits);
    this.length += fits;
    return this;
  }

  /** Inserts a byte before place `index`, which is not beyond the end. There must be room. */
  insert(index: u32, value: u32): void {
    assert(index <= this.length && this.length < this.room, "no place for the byte");
    const at = this.address + index;
    memory.copy(at + 1, at, this.length - index);
    store<u8>(at, value);
    this.length += 1;
  }

  /** Removes the bytes from `start` up to but not including `end`. */
  remove(start: u32, end: u32): void {
    assert(start <= end && end <= this.length, "no such bytes");
    memory.copy(this.address + start, this.address + end, this.length - end);
    this.length -= end - start;
  }

  /** Removes every `value` from place `start` on; true if there was one. */
  removeEvery(value: u32, start: u32): bool {
    let kept = start;
    for (let index = start; index < this.length; index++) {
      const byte = this.byteAt(index);
      if (byte !== value) store<u8>(this.address + kept++, byte);
    }
    const isFound = kept < this.length;
    this.length = kept;
    return isFound;
  }

  text(other: Text): Text {
    return this.bytes(other.address, other.length);
  }

  /** Adds a string as UTF-8. An unpaired surrogate becomes U+FFFD. */
  string(value: string): Text {
    const length = value.length;
    for (let index = 0; index < length; index++) {
      let code: u32 = value.charCodeAt(index);
      if (code >= 0xd800 && code < 0xe000) {
        const low: u32 = index + 1 < length ? value.charCodeAt(index + 1) : 0;
        if (code < 0xdc00 && low >= 0xdc00 && low < 0xe000) {
          code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
          index++;
        } else {
          code = 0xfffd;
        }
      }
      this.codePoint(code);
    }
    return this;
  }

  /** Adds one character, or nothing if not all of its bytes fit. */
  codePoint(code: u32): Text {
    if (code < 0x80) return this.byte(code);
    const bytes: u32 = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    if (this.length + bytes > this.room) return this;
    const lead: u32 = bytes === 2 ? 0xc0 : bytes === 3 ? 0xe0 : 0xf0;
    this.byte(lead | (code >> (6 * (bytes - 1))));
    for (let left = bytes - 1; left > 0; left--)
      this.byte(0x80 | ((code >> (6 * (left - 1))) & 0x3f));
    return this;
  }

  /** Adds a number in decimal. */
  number(value: u64): Text {
    let scale: u64 = 1;
    while (value / scale >= 10) scale *= 10;
    for (; scale > 0; scale /= 10) this.byte(0x30 + <u32>((value / scale) % 10));
    return this;
  }

  signed(value: i64): Text {
    if (value >= 0) return this.number(<u64>value);
    return this.byte(0x2d).number(<u64>0 - <u64>value);
  }

  /** Adds a number in hexadecimal, with `0x` and at least `digits` digits. */
  hex(value: u64, digits: u32 = 1): Text {
    this.string("0x");
    for (let left: u32 = 16; left > 0; left--) {
      const digit = <u32>(value >> (4 * (left - 1))) & 15;
      if (left > digits && value >> (4 * (left - 1)) === 0) continue;
      this.byte(digit < 10 ? 0x30 + digit : 0x57 + digit);
    }
    return this;
  }

  /** Adds a number, right-aligned in `width` columns. */
  numberIn(width: u32, value: u64): Text {
    let digits: u32 = 1;
    for (let rest = value / 10; rest > 0; rest /= 10) digits++;
    for (; digits < width; digits++) this.byte(0x20);
    return this.number(value);
  }

  /** Adds a time span in a suitable unit: 850 ns, 12.3 us, 4.0 ms, 2.5 s, 7 min. */
  duration(nanoseconds: u64): Text {
    if (nanoseconds < 1000) return this.number(nanoseconds).string(" ns");
    if (nanoseconds < 1000000) return this.tenths(nanoseconds / 100).string(" us");
    if (nanoseconds < 1000000000) return this.tenths(nanoseconds / 100000).string(" ms");
    if (nanoseconds < 120000000000) return this.tenths(nanoseconds / 100000000).string(" s");
    return this.number(nanoseconds / 60000000000).string(" min");
  }

  /** Adds a time since boot, with milliseconds: 0:00:02.115, 26:03:07.004. */
  time(nanoseconds: u64): Text {
    const milliseconds = nanoseconds / 1000000;
    const seconds = milliseconds / 1000;
    this.number(seconds / 3600)
      .byte(0x3a)
      .twoDigits((seconds / 60) % 60)
      .byte(0x3a)
      .twoDigits(seconds % 60);
    return this.byte(0x2e)
      .number((milliseconds / 100) % 10)
      .twoDigits(milliseconds % 100);
  }

  private twoDigits(value: u64): Text {
    return this.number(value / 10).number(value % 10);
  }

  /** Adds an amount of memory given in pages of 4 KiB: 12 KiB, 3.5 MiB. */
  memory(pages: u64): Text {
    if (pages < 256) return this.number(pages * 4).string(" KiB");
    return this.tenths((pages * 10) / 256).string(" MiB");
  }

  /** Adds a number of tenths with one decimal place. */
  tenths(value: u64): Text {
    return this.number(value / 10)
      .byte(0x2e)
      .number(value % 10);
  }

  /** Adds at least one space, and more until the current line has `column` columns. */
  padTo(column: u32): Text {
    let at = this.column;
    do {
      this.byte(0x20);
      at++;
    } while (at < column);
    return this;
  }

  /** Columns of the current line on a terminal; escape sequences take none. */
  get column(): u32 {
    let columns: u32 = 0;
    let inEscape = false;
    for (let index: u32 = 0; index < this.length; index++) {
      const byte = this.byteAt(index);
      if (byte === 0x0a) columns = 0;
      else if (byte === 0x1b) inEscape = true;
      else if (inEscape) inEscape = !isLetter(byte);
      else if ((byte & 0xc0) !== 0x80) columns++;
    }
    return columns;
  }

  equals(other: Text): bool {
    return (
      this.length === other.length && memory.compare(this.address, other.address, this.length) === 0
    );
  }

  /** True if this text equals `value`, which is ASCII. */
  is(value: string): bool {
    return this.length === <u32>value.length && this.startsWith(value);
  }

  /** True if this text starts with `value`, which is ASCII. */
  startsWith(value: string): bool {
    if (this.length < <u32>value.length) return false;
    for (let index = 0; index < value.length; index++) {
      if (this.byteAt(index) !== <u32>value.charCodeAt(index)) return false;
    }
    return true;
  }

  /** This text as a decimal number; -1 if it is not one or has more than 15 digits. */
  toNumber(): i64 {
    if (this.length === 0 || this.length > 15) return -1;
    let value: i64 = 0;
    for (let index: u32 = 0; index < this.length; index++) {
      const digit = this.byteAt(index) - 0x30;
      if (digit > 9) return -1;
      value = value * 10 + digit;
    }
    return value;
  }
}

function isLetter(byte: u32): bool {
  return (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a;
}

/** Literals that can be in use at once, so that one call can take several. */
const LITERALS = 4;
const literals = new StaticArray<usize>(LITERALS);
let nextLiteral = 0;

/**
 * A string as Text, for arguments: `console.write(utf8("hello\n"))`. Valid until the fourth literal
 * after it.
 */
export function utf8(value: string): Text {
  const index = nextLiteral;
  nextLiteral = (index + 1) % LITERALS;

  // UTF-8 takes at most three bytes for each of a string's 16-bit units.
  const room = <u32>value.length * 3;
  let text = changetype<Text>(literals[index]);
  if (changetype<usize>(text) === 0 || text.room < room) {
    text = Text.withRoom(max(room, 96));
    literals[index] = changetype<usize>(text);
  }
  return text.clear().string(value);
}
