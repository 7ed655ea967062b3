import type { IrModule } from "../ir/module.ts";
import { ByteWriter } from "./byte-writer.ts";
import { RelocationType, SymbolType } from "./format.ts";
import { StringTable, type RelocatableFile, type Section } from "./relocatable.ts";
import { TEXT_START_SYMBOL, sourceRows, type PlacedFunction, type Text } from "./text-section.ts";
import { packRegisters } from "./unwind-section.ts";

export const SYMBOLS_SYMBOL = "trine.symbols";
export const SYMBOLS_END_SYMBOL = "trine.symbols.end";

// The format is described in symbol-table.md.
export const SYMBOLS_HEADER_BYTES = 48;
export const SYMBOLS_FUNCTION_BYTES = 24;
export const SYMBOLS_LINE_BYTES = 12;
export const SYMBOLS_DEEP_BYTES = 12;

/** The loadable table of names and lines that the kernel's panic prints its backtrace from. */
export function writeSymbolTable(file: RelocatableFile, rodata: Section, module: IrModule, text: Text): void {
  const strings = new StringTable();
  const functions = new ByteWriter();
  const lines = new ByteWriter();
  const deep = new ByteWriter();
  for (const placed of text.functions) {
    functions.u32(placed.start);
    functions.u32(placed.end - placed.start);
    functions.u32(strings.add(placed.code.name));
    functions.u32(placed.code.frameBytes);
    functions.u32(packRegisters(placed.code));
    functions.u32(lines.length / SYMBOLS_LINE_BYTES);
    for (const row of sourceRows(module, placed)) {
      lines.u32(row.offset);
      lines.u32(strings.add(row.position.file));
      lines.u32(row.position.line);
    }
    writeDeepRanges(deep, placed);
  }

  const functionsOffset = SYMBOLS_HEADER_BYTES;
  const linesOffset = functionsOffset + functions.length;
  const deepOffset = linesOffset + lines.length;
  const stringsOffset = deepOffset + deep.length;
  const stringBytes = strings.bytes();
  const bytes = stringsOffset + stringBytes.length;

  const { content } = rodata;
  content.align(8);
  const start = content.length;
  file.symbol({ name: SYMBOLS_SYMBOL, section: rodata, offset: start, bytes, type: SymbolType.Object, isGlobal: true });
  rodata.relocations.push({ offset: start, type: RelocationType.Absolute64, symbol: TEXT_START_SYMBOL, addend: 0 });
  content.u64(0);
  content.u32(text.bytes);
  content.u32(functions.length / SYMBOLS_FUNCTION_BYTES);
  content.u32(functionsOffset);
  content.u32(lines.length / SYMBOLS_LINE_BYTES);
  content.u32(linesOffset);
  content.u32(deep.length / SYMBOLS_DEEP_BYTES);
  content.u32(deepOffset);
  content.u32(stringsOffset);
  content.u32(bytes);
  content.u32(0);
  for (const part of [functions.bytes(), lines.bytes(), deep.bytes(), stringBytes]) content.raw(part);
  file.symbol({ name: SYMBOLS_END_SYMBOL, section: rodata, offset: content.length, bytes: 0, type: SymbolType.None, isGlobal: true });
}

/** Code around calls with arguments on the stack: there, the frame is deeper than the function's constant size. */
function writeDeepRanges(deep: ByteWriter, placed: PlacedFunction): void {
  const { depths, frameBytes, bytes } = placed.code;
  depths.forEach((entry, index) => {
    if (entry.depth <= frameBytes) return;
    deep.u32(placed.start + entry.offset);
    deep.u32(placed.start + (depths[index + 1]?.offset ?? bytes.length));
    deep.u32(entry.depth);
  });
}
