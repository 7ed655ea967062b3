/** A growable little-endian byte buffer. Every file format of this folder is written through it. */
export class ByteWriter {
  private buffer = new Uint8Array(256);
  private view = new DataView(this.buffer.buffer);
  private used = 0;

  get length(): number {
    return this.used;
  }

  /** The bytes written so far, as a copy. */
  bytes(): Uint8Array {
    return this.buffer.slice(0, this.used);
  }

  u8(value: number): void {
    this.reserve(1);
    this.buffer[this.used++] = value;
  }
  u16(value: number): void {
    this.reserve(2);
    this.view.setUint16(this.used, value, true);
    this.used += 2;
  }
  u32(value: number): void {
    this.reserve(4);
    this.view.setUint32(this.used, value, true);
    this.used += 4;
  }
  i32(value: number): void {
    this.u32(value >>> 0);
  }
  u64(value: bigint | number): void {
    this.reserve(8);
    this.view.setBigUint64(this.used, BigInt.asUintN(64, BigInt(value)), true);
    this.used += 8;
  }
  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.buffer.set(bytes, this.used);
    this.used += bytes.length;
  }
  /** UTF-8 with a terminating zero. */
  text(value: string): void {
    this.raw(new TextEncoder().encode(value));
    this.u8(0);
  }
  /** Unsigned LEB128. */
  uleb(value: number): void {
    let rest = value;
    do {
      const low = rest % 128;
      rest = Math.floor(rest / 128);
      this.u8(rest === 0 ? low : low | 0x80);
    } while (rest !== 0);
  }
  /** Signed LEB128 of a 32-bit number. */
  sleb(value: number): void {
    let rest = value | 0;
    for (;;) {
      const low = rest & 0x7f;
      rest >>= 7;
      const isLast = (rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0);
      this.u8(isLast ? low : low | 0x80);
      if (isLast) return;
    }
  }
  /** Repeats `filler` until the length is a multiple of `alignment`. */
  align(alignment: number, filler = 0): void {
    while (this.used % alignment !== 0) this.u8(filler);
  }
  /** Overwrites four bytes written earlier. */
  patchU32(offset: number, value: number): void {
    this.view.setUint32(offset, value >>> 0, true);
  }

  private reserve(bytes: number): void {
    if (this.used + bytes <= this.buffer.length) return;
    const grown = new Uint8Array(Math.max(this.buffer.length * 2, this.used + bytes));
    grown.set(this.buffer.subarray(0, this.used));
    this.buffer = grown;
    this.view = new DataView(grown.buffer);
  }
}
