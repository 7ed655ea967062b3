import type { IrModule } from "../ir/module.ts";
import { ByteWriter } from "./byte-writer.ts";
import { RelocationType, SectionType } from "./format.ts";
import type { RelocatableFile } from "./relocatable.ts";
import { TEXT_START_SYMBOL, sourceRows, type PlacedFunction, type Text } from "./text-section.ts";

// DWARF 4, section 6.2.
const LINE_BASE = -5;
const LINE_RANGE = 14;
const OPCODE_BASE = 13;
const STANDARD_OPCODE_LENGTHS = [0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1];
const ADVANCE_PC = 2;
const ADVANCE_LINE = 3;
const SET_FILE = 4;
const COPY = 1;
const SET_PROLOGUE_END = 10;
const END_SEQUENCE = 1;
const SET_ADDRESS = 2;

/** Numbers the source files of a module, from 1 on, in order of first use. */
export class FileNumbers {
  private readonly numbers = new Map<string, number>();

  of(file: string): number {
    const known = this.numbers.get(file);
    if (known !== undefined) return known;
    this.numbers.set(file, this.numbers.size + 1);
    return this.numbers.size;
  }

  names(): string[] {
    return [...this.numbers.keys()];
  }
}

/**
 * `.debug_line`: one sequence over the whole text section. File names are relative to the root of
 * the tree, so that the same sources give the same bytes wherever the tree lies.
 */
export function writeDebugLine(
  file: RelocatableFile,
  module: IrModule,
  text: Text,
  files: FileNumbers,
): void {
  const section = file.section(".debug_line", SectionType.ProgramBits, 0, 1);
  file.sectionSymbol(".debug_line");
  const program = new ByteWriter();

  program.u8(0);
  program.uleb(9);
  program.u8(SET_ADDRESS);
  const addressOffset = program.length;
  program.u64(0);

  const state = { address: 0, line: 1, file: 1 };
  for (const placed of text.functions) writeRows(program, module, placed, files, state);
  program.u8(ADVANCE_PC);
  program.uleb(text.bytes - state.address);
  program.u8(0);
  program.uleb(1);
  program.u8(END_SEQUENCE);

  const header = new ByteWriter();
  header.u8(1); // minimum instruction length
  header.u8(1); // operations per instruction
  header.u8(1); // rows are statements
  header.u8(LINE_BASE & 0xff);
  header.u8(LINE_RANGE);
  header.u8(OPCODE_BASE);
  for (const length of STANDARD_OPCODE_LENGTHS) header.u8(length);
  header.u8(0); // no directories: all names are relative to that of the compilation unit
  for (const name of files.names()) {
    header.text(name);
    header.uleb(0);
    header.uleb(0);
    header.uleb(0);
  }
  header.u8(0);

  const { content } = section;
  content.u32(2 + 4 + header.length + program.length);
  content.u16(4);
  content.u32(header.length);
  content.raw(header.bytes());
  section.relocations.push({
    offset: content.length + addressOffset,
    type: RelocationType.Absolute64,
    symbol: TEXT_START_SYMBOL,
    addend: 0,
  });
  content.raw(program.bytes());
}

function writeRows(
  program: ByteWriter,
  module: IrModule,
  placed: PlacedFunction,
  files: FileNumbers,
  state: { address: number; line: number; file: number },
): void {
  const bodyStart = placed.start + prologueBytes(placed);
  let isPrologueMarked = false;
  for (const row of sourceRows(module, placed)) {
    const number = files.of(row.position.file);
    if (number !== state.file) {
      program.u8(SET_FILE);
      program.uleb(number);
      state.file = number;
    }
    // Debuggers stop here for a breakpoint on the function.
    if (!isPrologueMarked && row.offset >= bodyStart) {
      program.u8(SET_PROLOGUE_END);
      isPrologueMarked = true;
    }
    writeAdvance(program, row.offset - state.address, row.position.line - state.line);
    state.address = row.offset;
    state.line = row.position.line;
  }
}

/** Bytes until the frame has its constant size. */
function prologueBytes(placed: PlacedFunction): number {
  const { depths, frameBytes } = placed.code;
  return depths.find((entry) => entry.depth >= frameBytes || !entry.hasFrame)?.offset ?? 0;
}

/** Advances address and line and appends a row, in one byte where that is possible. */
function writeAdvance(program: ByteWriter, addressDelta: number, lineDelta: number): void {
  const fitsLine = lineDelta >= LINE_BASE && lineDelta < LINE_BASE + LINE_RANGE;
  const special = fitsLine ? lineDelta - LINE_BASE + LINE_RANGE * addressDelta + OPCODE_BASE : 256;
  if (special <= 255) {
    program.u8(special);
    return;
  }
  if (addressDelta > 0) {
    program.u8(ADVANCE_PC);
    program.uleb(addressDelta);
  }
  if (lineDelta !== 0) {
    program.u8(ADVANCE_LINE);
    program.sleb(lineDelta);
  }
  program.u8(COPY);
}
