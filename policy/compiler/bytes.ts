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

/** Zero-terminated strings of printable ASCII; the first is the empty one. */
export class Strings {
  private readonly offsets = new Map<string, number>([["", 0]]);
  private length = 1;

  /** Offset of the string. Anything but printable ASCII becomes `?`. */
  offsetOf(text: string): number {
    const clean = text.replace(/[^ -~]/g, "?");
    const known = this.offsets.get(clean);
    if (known !== undefined) return known;
    const offset = this.length;
    this.offsets.set(clean, offset);
    this.length += clean.length + 1;
    return offset;
  }

  bytes(): Uint8Array {
    return new TextEncoder().encode([...this.offsets.keys()].map((text) => `${text}\0`).join(""));
  }
}
