// Names and lines of programs' code: tables in the format of toolchain/elf/symbol-table.md, read
// piece by piece from the kernel. Nobody has signed them, so that nothing here relies on them: the
// kernel checks each offset, each search has a bound, and only what can be printed is taken.

import { SLOTS_SYMBOLS_DATA_MAX } from "../../build/generated/interfaces/Slots";
import { slots as kernelSlots } from "../../build/generated/programs/supervisor";
import { Text } from "../runtime/text";

// The table's header.
const TEXT_START_LOW = 0;
const TEXT_START_HIGH = 4;
const TEXT_BYTES = 8;
const FUNCTION_COUNT = 12;
const FUNCTIONS = 16;
const LINE_COUNT = 20;
const LINES = 24;
const DEEP_COUNT = 28;
const DEEP = 32;
const STRINGS = 36;

// A function's entry, and a line's. The first word of both is where it starts.
const FUNCTION_BYTES = 24;
const FUNCTION_LENGTH = 4;
const FUNCTION_NAME = 8;
const FUNCTION_FRAME = 12;
const FUNCTION_FIRST_LINE = 20;
const LINE_BYTES = 12;
const LINE_FILE = 4;
const LINE_NUMBER = 8;
const DEEP_BYTES = 12;
const DEEP_END = 4;
const DEEP_FRAME = 8;
/** Frames of the library between a fault and the program's own code. */
const FRAMES_MAX: u32 = 16;
/** A native stack is no larger. */
const DEPTH_MAX: u32 = 0x200000;

const NAME_MAX: u32 = 120;
const NONE: u64 = u64.MAX_VALUE;

const SLASH: u32 = 0x2f;
const LESS: u32 = 0x3c;

@final
export class Symbols {
  private slot: u32 = 0;
  /** The piece that was read last: where in the table, how many bytes of it there are. */
  private pieceStart: u64 = NONE;
  private pieceBytes: u32 = 0;
  private readonly piece: usize = heap.alloc(SLOTS_SYMBOLS_DATA_MAX);
  /** Something lay outside the table: what was found is worth nothing. */
  private isBroken: bool = false;
  private readonly found: Text = Text.withRoom(NAME_MAX * 2 + 16);
  private readonly name: Text = Text.withRoom(NAME_MAX);

  /**
   * What stands at `address` of the slot's code, as `function (file.ts:line)` or `function`; empty
   * if it is not known. Valid until the next call.
   */
  at(slot: u32, address: u64): Text {
    this.slot = slot;
    this.pieceStart = NONE;
    this.isBroken = false;
    this.found.clear();
    this.describe(address);
    return this.isBroken ? this.found.clear() : this.found;
  }

  /**
   * Which instruction of the program's own led to a fault at `instruction`: of code of the library,
   * of the collector and of failed checks, the call that came from outside. `instruction` itself
   * where that cannot be told. The thread waits for our answer.
   */
  asker(slot: u32, instruction: u64): u64 {
    this.slot = slot;
    this.pieceStart = NONE;
    this.isBroken = false;
    let address = instruction;
    let depth: u32 = 0;
    for (let frame: u32 = 0; frame < FRAMES_MAX; frame++) {
      const index = this.functionAt(address);
      if (index === NONE || this.isBroken) return instruction;
      if (!this.isLibrary(index)) return this.isBroken ? instruction : address;
      depth += this.frameBytes(index, address);
      if (depth > DEPTH_MAX || this.isBroken) return instruction;
      const word = kernelSlots.stackWord(slot, depth);
      if (!word.ok) return instruction;
      // One below the return address: the call may be the last instruction of its function.
      address = word.word - 1;
      depth += 8;
    }
    return instruction;
  }

  private describe(address: u64): void {
    const index = this.functionAt(address);
    if (index === NONE) return;
    const offset = this.textOffset(address);
    const count = this.word(FUNCTION_COUNT);
    const entry = <u64>this.word(FUNCTIONS) + index * FUNCTION_BYTES;
    this.readName(this.word(entry + FUNCTION_NAME));
    this.addLastPart();

    const first = this.word(entry + FUNCTION_FIRST_LINE);
    const end =
      index + 1 < <u64>count
        ? this.word(entry + FUNCTION_BYTES + FUNCTION_FIRST_LINE)
        : this.word(LINE_COUNT);
    if (end <= first) return;
    const lines = <u64>this.word(LINES) + <u64>first * LINE_BYTES;
    const row = this.lastNotAbove(<u32>offset, lines, end - first, LINE_BYTES);
    if (row === NONE) return;
    this.readName(this.word(lines + row * LINE_BYTES + LINE_FILE));
    this.found
      .string(" (")
      .text(this.name)
      .string(":")
      .number(this.word(lines + row * LINE_BYTES + LINE_NUMBER))
      .string(")");
  }

  private textOffset(address: u64): u64 {
    return address - (<u64>this.word(TEXT_START_LOW) | ((<u64>this.word(TEXT_START_HIGH)) << 32));
  }

  /** The place in the table of the function that holds `address`, or NONE. */
  private functionAt(address: u64): u64 {
    const offset = this.textOffset(address);
    if (offset >= <u64>this.word(TEXT_BYTES)) return NONE;
    const index = this.lastNotAbove(
      <u32>offset,
      this.word(FUNCTIONS),
      this.word(FUNCTION_COUNT),
      FUNCTION_BYTES,
    );
    if (index === NONE) return NONE;
    const entry = <u64>this.word(FUNCTIONS) + index * FUNCTION_BYTES;
    return offset - <u64>this.word(entry) < <u64>this.word(entry + FUNCTION_LENGTH) ? index : NONE;
  }

  /** Code that stops for what its caller asks. */
  private isLibrary(index: u64): bool {
    this.readName(this.word(<u64>this.word(FUNCTIONS) + index * FUNCTION_BYTES + FUNCTION_NAME));
    const name = this.name;
    return (
      name.startsWith("~lib/") ||
      name.startsWith("services/runtime/collector/") ||
      name.startsWith("services/runtime/abort/")
    );
  }

  /** From the return address down to rsp at `address` of that function. */
  private frameBytes(index: u64, address: u64): u32 {
    const offset = <u32>this.textOffset(address);
    const range = this.lastNotAbove(offset, this.word(DEEP), this.word(DEEP_COUNT), DEEP_BYTES);
    if (range !== NONE) {
      const entry = <u64>this.word(DEEP) + range * DEEP_BYTES;
      if (offset < this.word(entry + DEEP_END)) return this.word(entry + DEEP_FRAME);
    }
    return this.word(<u64>this.word(FUNCTIONS) + index * FUNCTION_BYTES + FUNCTION_FRAME);
  }

  /**
   * Which is the last of `count` entries at `part` that starts at or before `offset`; NONE if none
   * does. At most 32 steps.
   */
  private lastNotAbove(offset: u32, part: u64, count: u32, bytes: u64): u64 {
    let low: u64 = 0;
    let high: u64 = count;
    while (low < high && !this.isBroken) {
      const middle = (low + high) >> 1;
      if (this.word(part + middle * bytes) <= offset) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? NONE : low - 1;
  }

  /** A function's name without the path of its file: `services/shell/main/main` is `main`. */
  private addLastPart(): void {
    let start: u32 = 0;
    for (let index: u32 = 0; index < this.name.length; index++) {
      const byte = this.name.byteAt(index);
      if (byte === LESS) break;
      if (byte === SLASH) start = index + 1;
    }
    this.found.bytes(this.name.address + start, this.name.length - start);
  }

  /**
   * Reads a zero-terminated string of the table into `name`; what cannot be printed is a question
   * mark.
   */
  private readName(offset: u32): void {
    this.name.clear();
    const start = <u64>this.word(STRINGS) + <u64>offset;
    for (let index: u32 = 0; index < NAME_MAX; index++) {
      const byte = this.byteAt(start + index);
      if (byte === 0) return;
      this.name.byte(byte >= 0x20 && byte < 0x7f ? byte : 0x3f);
    }
  }

  private word(offset: u64): u32 {
    return (
      this.byteAt(offset) |
      (this.byteAt(offset + 1) << 8) |
      (this.byteAt(offset + 2) << 16) |
      (this.byteAt(offset + 3) << 24)
    );
  }

  /** A byte of the table; 0 beyond its end, which makes the whole answer void. */
  private byteAt(offset: u64): u32 {
    if (this.isBroken) return 0;
    const start = offset - (offset % SLOTS_SYMBOLS_DATA_MAX);
    if (start !== this.pieceStart) this.fetch(start);
    const index = <u32>(offset - start);
    if (index >= this.pieceBytes) this.isBroken = true;
    return this.isBroken ? 0 : load<u8>(this.piece + index);
  }

  private fetch(start: u64): void {
    this.pieceStart = start;
    this.pieceBytes = 0;
    if (start > <u64>u32.MAX_VALUE) return;
    const answer = kernelSlots.symbols(this.slot, <u32>start);
    if (!answer.ok) return;
    const data = answer.data;
    this.pieceBytes = min(data.length, SLOTS_SYMBOLS_DATA_MAX);
    memory.copy(this.piece, data.address, this.pieceBytes);
  }
}
