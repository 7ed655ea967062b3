import type { IrModule } from "../ir/module.ts";
import { ByteWriter } from "./byte-writer.ts";
import { RelocationType, SymbolType } from "./format.ts";
import { StringTable, type RelocatableFile, type Section } from "./relocatable.ts";
import {
  TEXT_START_SYMBOL,
  ownPosition,
  sourceRows,
  type PlacedFunction,
  type SourceRow,
  type Text,
} from "./text-section.ts";
import { packRegisters } from "./unwind-section.ts";

const SYMBOLS_SYMBOL = "trine.symbols";
const SYMBOLS_END_SYMBOL = "trine.symbols.end";

// The format is described in symbol-table.md.
const SYMBOLS_HEADER_BYTES = 48;
const SYMBOLS_FUNCTION_BYTES = 24;
const SYMBOLS_LINE_BYTES = 12;
const SYMBOLS_DEEP_BYTES = 12;

/**
 * A function of a table. Lines and deep ranges ascend; offsets count from the start of the code, as
 * do `start` and `bytes`.
 */
export interface SymbolEntry {
  readonly start: number;
  readonly bytes: number;
  readonly name: string;
  readonly frameBytes: number;
  /** As `packRegisters` makes it. */
  readonly savedRegisters: number;
  readonly lines: readonly SourceRow[];
  readonly deep: readonly DeepRange[];
}

/**
 * Code around calls with arguments on the stack: there, the frame is deeper than the function's
 * constant size.
 */
interface DeepRange {
  readonly start: number;
  readonly end: number;
  readonly depth: number;
}

/** The loadable table of names and lines that the kernel's panic prints its backtrace from. */
export function writeSymbolTable(
  file: RelocatableFile,
  rodata: Section,
  module: IrModule,
  text: Text,
): void {
  const table = symbolTable(
    0n,
    text.bytes,
    text.functions.map((placed) => symbolEntry(module, placed)),
  );
  const { content } = rodata;
  content.align(8);
  const start = content.length;
  file.symbol({
    name: SYMBOLS_SYMBOL,
    section: rodata,
    offset: start,
    bytes: table.length,
    type: SymbolType.Object,
    isGlobal: true,
  });
  rodata.relocations.push({
    offset: start,
    type: RelocationType.Absolute64,
    symbol: TEXT_START_SYMBOL,
    addend: 0,
  });
  content.raw(table);
  file.symbol({
    name: SYMBOLS_END_SYMBOL,
    section: rodata,
    offset: content.length,
    bytes: 0,
    type: SymbolType.None,
    isGlobal: true,
  });
}

/** What the table says of a compiled function. */
export function symbolEntry(module: IrModule, placed: PlacedFunction): SymbolEntry {
  const { code, start, end } = placed;
  return {
    start,
    bytes: end - start,
    name: code.name,
    frameBytes: code.frameBytes,
    savedRegisters: packRegisters(code),
    lines: sourceRows(module, placed, ownPosition),
    deep: deepRanges(placed),
  };
}

/**
 * The table's bytes, in the format of symbol-table.md, for code of `textBytes` bytes at
 * `textAddress`. The functions ascend by start.
 */
export function symbolTable(
  textAddress: bigint,
  textBytes: number,
  entries: readonly SymbolEntry[],
): Uint8Array {
  const strings = new StringTable();
  const functions = new ByteWriter();
  const lines = new ByteWriter();
  const deep = new ByteWriter();
  for (const entry of entries) {
    functions.u32(entry.start);
    functions.u32(entry.bytes);
    functions.u32(strings.add(entry.name));
    functions.u32(entry.frameBytes);
    functions.u32(entry.savedRegisters);
    functions.u32(lines.length / SYMBOLS_LINE_BYTES);
    for (const row of entry.lines) {
      lines.u32(row.offset);
      lines.u32(strings.add(row.position.file));
      lines.u32(row.position.line);
    }
    for (const range of entry.deep) {
      deep.u32(range.start);
      deep.u32(range.end);
      deep.u32(range.depth);
    }
  }

  const functionsOffset = SYMBOLS_HEADER_BYTES;
  const linesOffset = functionsOffset + functions.length;
  const deepOffset = linesOffset + lines.length;
  const stringsOffset = deepOffset + deep.length;
  const stringBytes = strings.bytes();

  const table = new ByteWriter();
  table.u64(textAddress);
  table.u32(textBytes);
  table.u32(functions.length / SYMBOLS_FUNCTION_BYTES);
  table.u32(functionsOffset);
  table.u32(lines.length / SYMBOLS_LINE_BYTES);
  table.u32(linesOffset);
  table.u32(deep.length / SYMBOLS_DEEP_BYTES);
  table.u32(deepOffset);
  table.u32(stringsOffset);
  table.u32(stringsOffset + stringBytes.length);
  table.u32(0);
  for (const part of [functions.bytes(), lines.bytes(), deep.bytes(), stringBytes]) table.raw(part);
  return table.bytes();
}

function deepRanges(placed: PlacedFunction): DeepRange[] {
  const { depths, frameBytes, bytes } = placed.code;
  return depths.flatMap(({ offset, depth }, index) =>
    depth <= frameBytes
      ? []
      : [
          {
            start: placed.start + offset,
            end: placed.start + (depths[index + 1]?.offset ?? bytes.length),
            depth,
          },
        ],
  );
}
