// A queue of bytes of fixed size.

/** First in, first out. A full ring takes no more bytes, and says how many it has taken. */
@final
export class ByteRing {
  private readonly memory: usize;
  private head: u32 = 0;
  private used: u32 = 0;

  /** @param room a power of two. */
  constructor(readonly room: u32) {
    assert((room & (room - 1)) === 0, "a ring's room is a power of two");
    this.memory = heap.alloc(room);
  }

  get length(): u32 {
    return this.used;
  }

  get free(): u32 {
    return this.room - this.used;
  }

  /** Adds a byte; false if the ring is full. */
  push(byte: u32): bool {
    if (this.used === this.room) return false;
    store<u8>(this.memory + ((this.head + this.used) & (this.room - 1)), byte);
    this.used += 1;
    return true;
  }

  /** Removes and returns the oldest byte. The ring must not be empty. */
  shift(): u32 {
    assert(this.used > 0, "the ring is empty");
    const byte = load<u8>(this.memory + this.head);
    this.head = (this.head + 1) & (this.room - 1);
    this.used -= 1;
    return byte;
  }

  /** The byte `index` places after the oldest. Removes nothing. */
  at(index: u32): u32 {
    assert(index < this.used, "beyond the ring's end");
    return load<u8>(this.memory + ((this.head + index) & (this.room - 1)));
  }

  /** Adds as many bytes as fit, and returns how many. */
  pushBytes(address: usize, length: u32): u32 {
    const fits = min(length, this.free);
    for (let index: u32 = 0; index < fits; index++) this.push(load<u8>(address + index));
    return fits;
  }

  clear(): void {
    this.used = 0;
  }
}
