import {
  SYMBOLS_DEEP_BYTES,
  SYMBOLS_FILE_BYTES,
  SYMBOLS_FUNCTION_BYTES,
  SYMBOLS_HEADER_BYTES,
  SYMBOLS_NO_FILE,
} from "../../kernel/abi/symbol-table.ts";
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

export const SYMBOLS_SYMBOL = "trine.symbols";
const SYMBOLS_END_SYMBOL = "trine.symbols.end";

/**
 * A function of a table. Lines and deep ranges ascend; offsets count from the start of the code, as
 * do `start` and `bytes`.
 */
export interface SymbolEntry {
  readonly start: number;
  readonly bytes: number;
  readonly name: string;
  readonly frameBytes: number;
  readonly lines: readonly SourceRow[];
  readonly deep: readonly DeepRange[];
}

/**
 * Code whose depth is not the function's constant size: deeper around calls with arguments on the
 * stack, and shallower on paths that return before the prologue.
 */
export interface DeepRange {
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
  const files = new SourceFiles(entries);
  const functions = new ByteWriter();
  const details = new ByteWriter();
  const deep = new ByteWriter();
  for (const entry of entries) {
    functions.u32(entry.start);
    functions.u32(entry.bytes);
    functions.u32(details.length);
    writeDetails(details, entry, files, strings);
    for (const range of entry.deep) {
      deep.u32(range.start);
      deep.u32(range.end);
      deep.u32(range.depth);
    }
  }
  const fileNames = new ByteWriter();
  for (const name of files.names) fileNames.u32(strings.add(name));
  const stringBytes = strings.bytes();

  const functionsOffset = SYMBOLS_HEADER_BYTES;
  const deepOffset = functionsOffset + functions.length;
  const filesOffset = deepOffset + deep.length;
  const detailsOffset = filesOffset + fileNames.length;
  const stringsOffset = detailsOffset + details.length;
  const table = new ByteWriter();
  table.u64(textAddress);
  table.u32(textBytes);
  table.u32(functions.length / SYMBOLS_FUNCTION_BYTES);
  table.u32(functionsOffset);
  table.u32(deep.length / SYMBOLS_DEEP_BYTES);
  table.u32(deepOffset);
  table.u32(fileNames.length / SYMBOLS_FILE_BYTES);
  table.u32(filesOffset);
  table.u32(detailsOffset);
  table.u32(stringsOffset);
  table.u32(stringsOffset + stringBytes.length);
  for (const part of [functions, deep, fileNames, details]) table.raw(part.bytes());
  table.raw(stringBytes);
  return table.bytes();
}

/** The files of a table by number, in the order in which rows name them. */
class SourceFiles {
  private readonly numbers = new Map<string, number>([["", SYMBOLS_NO_FILE]]);

  constructor(entries: readonly SymbolEntry[]) {
    for (const { lines } of entries)
      for (const { position } of lines)
        if (!this.numbers.has(position.file)) this.numbers.set(position.file, this.numbers.size);
  }

  get names(): readonly string[] {
    return [...this.numbers.keys()];
  }

  numberOf(file: string): number {
    return this.numbers.get(file)!;
  }

  /** The file that declares a function, by the path in the function's name, and the rest of it. */
  split(name: string): { readonly file: number; readonly rest: string } {
    for (let slash = name.lastIndexOf("/"); slash > 0; slash = name.lastIndexOf("/", slash - 1)) {
      const file = this.numbers.get(`${name.slice(0, slash)}.ts`);
      if (file !== undefined) return { file, rest: name.slice(slash + 1) };
    }
    return { file: SYMBOLS_NO_FILE, rest: name };
  }
}

function writeDetails(
  details: ByteWriter,
  entry: SymbolEntry,
  files: SourceFiles,
  strings: StringTable,
): void {
  const { file, rest } = files.split(entry.name);
  details.uleb(file);
  details.uleb(strings.add(rest));
  details.uleb(entry.frameBytes);
  details.uleb(entry.lines.length);
  let lastOffset = entry.start;
  let lastFile = file;
  let lastLine = 0;
  for (const { offset, position } of entry.lines) {
    const rowFile = files.numberOf(position.file);
    const changes = rowFile !== lastFile;
    details.uleb((offset - lastOffset) * 2 + (changes ? 1 : 0));
    if (changes) details.uleb(rowFile);
    details.uleb(zigzag(position.line - lastLine));
    lastOffset = offset;
    lastFile = rowFile;
    lastLine = position.line;
  }
}

/** Small numbers of either sign as small numbers: 0, -1, 1, -2 … are 0, 1, 2, 3 … */
function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}

function deepRanges(placed: PlacedFunction): DeepRange[] {
  const { depths, frameBytes, bytes } = placed.code;
  return depths.flatMap(({ offset, depth, hasFrame }, index) =>
    depth === frameBytes || (hasFrame && depth < frameBytes)
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
