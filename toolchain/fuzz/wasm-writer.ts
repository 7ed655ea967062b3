/** Writes the primitive encodings of the wasm binary format. */
export class WasmWriter {
  readonly bytes: number[] = [];

  byte(...values: number[]): this {
    this.bytes.push(...values);
    return this;
  }

  u32(value: number): this {
    let rest = value >>> 0;
    while (rest >= 0x80) {
      this.bytes.push((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.bytes.push(rest);
    return this;
  }

  signed(value: bigint): this {
    let rest = value;
    for (;;) {
      const byte = Number(rest & 0x7fn);
      rest >>= 7n;
      const isLast = (rest === 0n && (byte & 0x40) === 0) || (rest === -1n && (byte & 0x40) !== 0);
      this.bytes.push(isLast ? byte : byte | 0x80);
      if (isLast) return this;
    }
  }

  append(part: WasmWriter): this {
    for (const byte of part.bytes) this.bytes.push(byte);
    return this;
  }

  /** Preceded by its length in bytes. */
  sized(part: WasmWriter): this {
    return this.u32(part.bytes.length).append(part);
  }

  name(text: string): this {
    const bytes = new TextEncoder().encode(text);
    this.u32(bytes.length);
    return this.byte(...bytes);
  }

  vector<T>(items: readonly T[], write: (item: T) => void): this {
    this.u32(items.length);
    for (const item of items) write(item);
    return this;
  }
}
