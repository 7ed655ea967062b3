// The words of a command line.

import { Text } from "../../runtime/text";

/** A line of LINE_MAX bytes has at most this many. */
const WORDS_MAX: u32 = 100;

/** Views of the words of a line, valid as long as the line. */
@final
export class Words {
  private readonly words: StaticArray<usize> = new StaticArray<usize>(WORDS_MAX);
  count: u32 = 0;

  constructor() {
    for (let index: u32 = 0; index < WORDS_MAX; index++)
      this.words[index] = heap.alloc(offsetof<Text>());
  }

  /** Splits `line` at its spaces. */
  split(line: Text): void {
    this.count = 0;
    let at: u32 = 0;
    while (this.count < WORDS_MAX) {
      while (line.byteAt(at) === 0x20) at++;
      if (at >= line.length) return;
      const start = at;
      while (at < line.length && line.byteAt(at) !== 0x20) at++;
      Text.view(this.words[this.count++], line.address + start, at - start);
    }
  }

  /** The words from `index` on, as if they were the whole line. Valid until the next call. */
  from(index: u32): Words {
    const rest = REST;
    rest.count = this.count - index;
    for (let at: u32 = 0; at < rest.count; at++) rest.words[at] = this.words[at + index];
    return rest;
  }

  /** The word at `index`, empty beyond the last. */
  at(index: u32): Text {
    return index < this.count ? changetype<Text>(this.words[index]) : NO_WORD;
  }
}

const REST = new Words();
const NO_WORD: Text = Text.withRoom(0);
