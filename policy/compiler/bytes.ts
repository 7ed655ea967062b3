/** Little-endian tables of fixed records, and strings kept once. */

export class Records {
  private readonly view: DataView;
  readonly bytes: Uint8Array<ArrayBuffer>;
  private readonly recordBytes: number;

  constructor(count: number, recordBytes: number) {
    this.bytes = new Uint8Array(count * recordBytes);
    this.view = new DataView(this.bytes.buffer);
    this.recordBytes = recordBytes;
  }

  u8(record: number, offset: number, value: number): void {
    this.view.setUint8(record * this.recordBytes + offset, value);
  }
  u16(record: number, offset: number, value: number): void {
    this.view.setUint16(record * this.recordBytes + offset, value, true);
  }
  u32(record: number, offset: number, value: number): void {
    this.view.setUint32(record * this.recordBytes + offset, value, true);
  }
  u64(record: number, offset: number, value: bigint): void {
    this.view.setBigUint64(record * this.recordBytes + offset, value, true);
  }
  copy(record: number, offset: number, bytes: Uint8Array): void {
    this.bytes.set(bytes, record * this.recordBytes + offset);
  }
}

/**
 * Zero-terminated strings of printable ASCII, each there once, in the order of their characters:
 * the empty one is the first.
 */
export class Strings {
  private readonly offsets = new Map<string, number>();
  private readonly section: Uint8Array;

  constructor(texts: Iterable<string>) {
    const sorted = [...new Set(["", ...[...texts].map(printable)])].sort();
    let length = 0;
    for (const text of sorted) {
      this.offsets.set(text, length);
      length += text.length + 1;
    }
    this.section = new TextEncoder().encode(sorted.map((text) => `${text}\0`).join(""));
  }

  /** Offset of one of the strings. */
  offsetOf(text: string): number {
    const offset = this.offsets.get(printable(text));
    if (offset === undefined)
      throw new Error(`the string ${JSON.stringify(text)} was not announced`);
    return offset;
  }

  bytes(): Uint8Array {
    return this.section;
  }
}

/** Anything but printable ASCII becomes `?`. */
function printable(text: string): string {
  return text.replace(/[^ -~]/g, "?");
}
