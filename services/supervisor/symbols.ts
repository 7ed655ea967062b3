// Names and lines of programs' code: tables in the format of toolchain/elf/symbol-table.md, read
// piece by piece from the kernel. They are not signed, so nothing here relies on them: the
// kernel checks each offset, each search has a bound, and only what can be printed is taken.

import {
  SYMBOLS_DEEP,
  SYMBOLS_DEEP_BYTES,
  SYMBOLS_DEEP_COUNT,
  SYMBOLS_DEEP_DEPTH,
  SYMBOLS_DEEP_END,
  SYMBOLS_DETAILS,
  SYMBOLS_FILES,
  SYMBOLS_FILE_BYTES,
  SYMBOLS_FUNCTIONS,
  SYMBOLS_FUNCTION_BYTES,
  SYMBOLS_FUNCTION_COUNT,
  SYMBOLS_FUNCTION_DETAILS,
  SYMBOLS_FUNCTION_LENGTH,
  SYMBOLS_FUNCTION_START,
  SYMBOLS_NUMBER_BYTES_MAX,
  SYMBOLS_STRINGS,
  SYMBOLS_TEXT_ADDRESS,
  SYMBOLS_TEXT_BYTES,
} from "../../kernel/abi/symbol-table";
import { SLOTS_SYMBOLS_DATA_MAX } from "../../build/generated/interfaces/Slots";
import { slots as kernelSlots } from "../../build/generated/programs/supervisor";
import { Text } from "../runtime/text";

/** Frames of the library between a fault and the program's own code. */
const FRAMES_MAX: u32 = 16;
/** A native stack is no larger. */
const DEPTH_MAX: u32 = 0x200000;

const NAME_MAX: u32 = 120;
/** Rows of one function that are read; the largest real function has a few hundred. */
const ROWS_MAX: u32 = 0x10000;
const NONE: u64 = u64.MAX_VALUE;

/** Length of `.ts`. */
const EXTENSION_BYTES: u32 = 3;
const SLASH: u32 = 0x2f;
const LESS: u32 = 0x3c;

@final
export class Symbols {
  private slot: u32 = 0;
  /** The piece that was read last: where in the table, how many bytes of it there are. */
  private pieceStart: u64 = NONE;
  private pieceBytes: u32 = 0;
  private readonly piece: usize = heap.alloc(SLOTS_SYMBOLS_DATA_MAX);
  /** Where the next number of a function's details stands in the table. */
  private detail: u64 = 0;
  /** Something lay outside the table: what was found is worth nothing. */
  private isBroken: bool = false;
  private readonly found: Text = Text.withRoom(NAME_MAX * 2 + 16);
  private readonly name: Text = Text.withRoom(NAME_MAX);
  private readonly fullName: Text = Text.withRoom(NAME_MAX * 2);

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
      const entry = this.functionAt(address);
      if (entry === NONE || this.isBroken) return instruction;
      if (!this.isLibrary(entry)) return this.isBroken ? instruction : address;
      depth += this.frameBytes(entry, address);
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
    const entry = this.functionAt(address);
    if (entry === NONE) return;
    this.openDetails(entry);
    let file = this.nextDetail();
    this.readFullName(file, this.nextDetail());
    this.addLastPart();
    this.nextDetail();

    const rows = min(this.nextDetail(), ROWS_MAX);
    const offset = this.textOffset(address);
    let rowOffset = <u64>this.word(entry + SYMBOLS_FUNCTION_START);
    let line: u32 = 0;
    let isKnown = false;
    for (let row: u32 = 0; row < rows && !this.isBroken; row++) {
      const step = this.nextDetail();
      rowOffset += step >> 1;
      if (rowOffset > offset) break;
      if ((step & 1) !== 0) file = this.nextDetail();
      const change = this.nextDetail();
      line += (change >> 1) ^ (0 - (change & 1));
      isKnown = true;
    }
    if (!isKnown) return;
    this.readFile(file);
    this.found.string(" (").text(this.name).string(":").number(line).string(")");
  }

  private textOffset(address: u64): u64 {
    return (
      address -
      (<u64>this.word(SYMBOLS_TEXT_ADDRESS) | ((<u64>this.word(SYMBOLS_TEXT_ADDRESS + 4)) << 32))
    );
  }

  /** Offset in the table of the function that holds `address`, or NONE. */
  private functionAt(address: u64): u64 {
    const offset = this.textOffset(address);
    if (offset >= <u64>this.word(SYMBOLS_TEXT_BYTES)) return NONE;
    const entry = this.lastNotAbove(
      <u32>offset,
      this.word(SYMBOLS_FUNCTIONS),
      this.word(SYMBOLS_FUNCTION_COUNT),
      SYMBOLS_FUNCTION_BYTES,
    );
    if (entry === NONE) return NONE;
    const inside = offset - <u64>this.word(entry + SYMBOLS_FUNCTION_START);
    return inside < <u64>this.word(entry + SYMBOLS_FUNCTION_LENGTH) ? entry : NONE;
  }

  /** Code that stops because of an argument of its caller. */
  private isLibrary(entry: u64): bool {
    this.openDetails(entry);
    this.readFullName(this.nextDetail(), this.nextDetail());
    const name = this.fullName;
    return (
      name.startsWith("~lib/") ||
      name.startsWith("services/runtime/collector/") ||
      name.startsWith("services/runtime/abort/")
    );
  }

  /** From the return address down to rsp at `address` of that function. */
  private frameBytes(entry: u64, address: u64): u32 {
    const offset = <u32>this.textOffset(address);
    const range = this.lastNotAbove(
      offset,
      this.word(SYMBOLS_DEEP),
      this.word(SYMBOLS_DEEP_COUNT),
      SYMBOLS_DEEP_BYTES,
    );
    if (range !== NONE && offset < this.word(range + SYMBOLS_DEEP_END))
      return this.word(range + SYMBOLS_DEEP_DEPTH);
    this.openDetails(entry);
    this.nextDetail();
    this.nextDetail();
    return this.nextDetail();
  }

  private openDetails(entry: u64): void {
    this.detail =
      <u64>this.word(SYMBOLS_DETAILS) + <u64>this.word(entry + SYMBOLS_FUNCTION_DETAILS);
  }

  private nextDetail(): u32 {
    let value: u32 = 0;
    for (let index: u32 = 0; index < <u32>SYMBOLS_NUMBER_BYTES_MAX; index++) {
      const byte = this.byteAt(this.detail++);
      value |= (byte & 0x7f) << (7 * index);
      if ((byte & 0x80) === 0) break;
    }
    return value;
  }

  /**
   * Offset of the last of `count` entries at `part` that starts at or before `offset`; NONE if none
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
    return low === 0 ? NONE : part + (low - 1) * bytes;
  }

  /** A function's name without the path of its file: `services/shell/main/main` is `main`. */
  private addLastPart(): void {
    const name = this.fullName;
    let start: u32 = 0;
    for (let index: u32 = 0; index < name.length; index++) {
      const byte = name.byteAt(index);
      if (byte === LESS) break;
      if (byte === SLASH) start = index + 1;
    }
    this.found.bytes(name.address + start, name.length - start);
  }

  /**
   * Puts a function's file and name together in `fullName`: the file without `.ts`, `/`, the name.
   */
  private readFullName(file: u32, name: u32): void {
    this.fullName.clear();
    this.readFile(file);
    if (this.name.length > EXTENSION_BYTES)
      this.fullName.bytes(this.name.address, this.name.length - EXTENSION_BYTES).byte(SLASH);
    this.readName(name);
    this.fullName.text(this.name);
  }

  /** Reads a file's name into `name`. */
  private readFile(file: u32): void {
    this.readName(this.word(<u64>this.word(SYMBOLS_FILES) + <u64>file * SYMBOLS_FILE_BYTES));
  }

  /**
   * Reads a zero-terminated string of the table into `name`; what cannot be printed is a question
   * mark.
   */
  private readName(offset: u32): void {
    this.name.clear();
    const start = <u64>this.word(SYMBOLS_STRINGS) + <u64>offset;
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
