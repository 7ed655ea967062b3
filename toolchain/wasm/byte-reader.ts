import { DiagnosticError } from "../report/diagnostic.ts";

/** The error for a malformed or invalid module; it always names the byte. */
export function wasmError(file: string, offset: number, message: string): DiagnosticError {
  return new DiagnosticError([
    { severity: "error", file, message: `offset 0x${offset.toString(16)}: ${message}` },
  ]);
}

/**
 * Reads the primitive encodings of the wasm binary format between two offsets. Anything malformed
 * is refused.
 */
export class ByteReader {
  constructor(
    readonly bytes: Uint8Array,
    readonly file: string,
    public position = 0,
    public end = bytes.length,
  ) {}

  fail(message: string, offset = this.position): never {
    throw wasmError(this.file, offset, message);
  }

  get isAtEnd(): boolean {
    return this.position >= this.end;
  }

  byte(): number {
    if (this.position >= this.end) this.fail("unexpected end");
    return this.bytes[this.position++]!;
  }

  /** An unsigned number of 32 bits in LEB128. */
  u32(): number {
    const first = this.byte();
    if (first < 0x80) return first;
    let value = first & 0x7f;
    for (let shift = 7; shift < 35; shift += 7) {
      const byte = this.byte();
      if (shift === 28 && byte > 0x0f)
        this.fail(byte >= 0x80 ? "number is too long" : "number is too large", this.position - 1);
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    return this.fail("number is too long");
  }

  /** A signed number of 32 bits in LEB128. */
  s32(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value |= (byte & 0x7f) << shift;
      if (byte >= 0x80) continue;
      if (shift < 28) return (value << (25 - shift)) >> (25 - shift);
      // The fifth byte carries four bits; the others must repeat the sign.
      const spare = byte & 0x78;
      if (spare !== 0 && spare !== 0x78) this.fail("number is too large", this.position - 1);
      return value;
    }
    return this.fail("number is too long");
  }

  /** A signed number of 33 bits in LEB128, as block types are. */
  s33(): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 5; count++) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      scale *= 128;
      if (byte >= 0x80) continue;
      if (count === 4 && (byte & 0x70) !== 0 && (byte & 0x70) !== 0x70)
        this.fail("number is too large", this.position - 1);
      return byte & 0x40 ? value - scale : value;
    }
    return this.fail("number is too long");
  }

  /** A signed number of 64 bits in LEB128. */
  s64(): bigint {
    let low = 0;
    let middle = 0;
    for (let count = 0; count < 10; count++) {
      const byte = this.byte();
      if (count < 4) low += (byte & 0x7f) * 2 ** (7 * count);
      else if (count < 8) middle += (byte & 0x7f) * 2 ** (7 * (count - 4));
      else {
        // Bytes eight and nine: 8 bits remain, the rest repeats the sign.
        return this.s64Tail(low, middle, byte);
      }
      if (byte < 0x80) return BigInt.asIntN(7 * (count + 1), BigInt(low) | (BigInt(middle) << 28n));
    }
    return this.fail("number is too long");
  }

  private s64Tail(low: number, middle: number, byte: number): bigint {
    let value = BigInt(low) | (BigInt(middle) << 28n) | (BigInt(byte & 0x7f) << 56n);
    if (byte < 0x80) return BigInt.asIntN(63, value);
    const last = this.byte();
    if (last !== 0 && last !== 0x7f)
      this.fail(last >= 0x80 ? "number is too long" : "number is too large", this.position - 1);
    if (last !== 0) value |= 1n << 63n;
    return BigInt.asIntN(64, value);
  }

  /** Bytes of the module, not copied. */
  take(count: number): Uint8Array {
    if (count > this.end - this.position) this.fail("unexpected end");
    this.position += count;
    return this.bytes.subarray(this.position - count, this.position);
  }

  name(): string {
    const start = this.position;
    const bytes = this.take(this.u32());
    try {
      return utf8.decode(bytes);
    } catch {
      return this.fail("name is not valid UTF-8", start);
    }
  }

  /**
   * The length of a vector whose elements take at least one byte each, so that no number makes us
   * allocate more than the module's size.
   */
  count(): number {
    const start = this.position;
    const count = this.u32();
    if (count > this.end - this.position)
      this.fail(`${count} elements do not fit into ${this.end - this.position} bytes`, start);
    return count;
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
