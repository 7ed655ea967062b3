import { TEXT_BYTES_MAX } from "../../build/generated/kernel/method-shapes";

/** The text of a method's request or response. A message of the kernel has at most one. */
@unmanaged
@final
export class TextBuffer {
  /** Bytes of the text. */
  length: u32;

  /** Where the text begins. */
  @inline get start(): usize {
    return changetype<usize>(this) + offsetof<TextBuffer>();
  }

  /** Makes the text the first `bytes` bytes at `from`, but at most `max`. Returns its length. */
  set(from: usize, bytes: u32, max: u32): u32 {
    assert(max <= TEXT_BYTES_MAX);
    this.length = bytes < max ? bytes : max;
    memory.copy(this.start, from, this.length);
    return this.length;
  }

  /** Appends bytes, as many as fit. */
  append(from: usize, bytes: u32): void {
    const free = TEXT_BYTES_MAX - this.length;
    const length = bytes < free ? bytes : free;
    memory.copy(this.start + this.length, from, length);
    this.length += length;
  }

  /** Appends a byte, if it fits. */
  appendByte(byte: u32): void {
    if (this.length === TEXT_BYTES_MAX) return;
    store<u8>(this.start + this.length, <u8>byte);
    this.length += 1;
  }

  /** Appends a string of ASCII. */
  appendLiteral(literal: string): void {
    const start = changetype<usize>(literal);
    const length = <u32>literal.length;
    for (let i: u32 = 0; i < length; i++)
      this.appendByte(<u32>load<u16>(start + ((<usize>i) << 1)));
  }

  /** Appends a number in decimal. */
  appendNumber(value: u64): void {
    let unit: u64 = 1;
    while (value / unit >= 10) unit *= 10;
    while (unit > 0) {
      this.appendByte(0x30 + <u32>((value / unit) % 10));
      unit /= 10;
    }
  }
}
