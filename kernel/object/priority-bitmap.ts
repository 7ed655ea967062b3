/** A set of priorities. 40 bytes; the summary makes every search one step. */
@unmanaged
export class PriorityBitmap {
  /** u64[4], a bit for each priority. */
  words0: u64;
  words1: u64;
  words2: u64;
  words3: u64;
  /** Bit n: word n is not 0. */
  private summary: u32;

  @inline get isEmpty(): bool {
    return this.summary === 0;
  }

  /** The highest priority of the set, -1 if it is empty. */
  get highest(): i32 {
    const summary = this.summary;
    if (summary === 0) return -1;
    const word = 31 - clz(summary);
    return <i32>((word << 6) + 63 - <u32>clz(load<u64>(this.wordAt(word))));
  }

  add(priority: u32): void {
    const word = priority >> 6;
    const place = this.wordAt(word);
    store<u64>(place, load<u64>(place) | ((<u64>1) << (<u64>priority & 63)));
    this.summary |= (<u32>1) << word;
  }

  remove(priority: u32): void {
    const word = priority >> 6;
    const place = this.wordAt(word);
    const left = load<u64>(place) & ~((<u64>1) << (<u64>priority & 63));
    store<u64>(place, left);
    if (left === 0) this.summary &= ~((<u32>1) << word);
  }

  /** Address of the word that holds the priorities from 64 × `word` on. */
  @inline private wordAt(word: u32): usize {
    return changetype<usize>(this) + ((<usize>word) << 3);
  }
}

export const PRIORITY_BITMAP_BYTES: usize = 40;
if (offsetof<PriorityBitmap>() > PRIORITY_BITMAP_BYTES) ERROR("PriorityBitmap is not 40 bytes");
