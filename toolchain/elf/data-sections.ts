import {
  GLOBALS_SYMBOL,
  MEMORY_PAGES_SYMBOL,
  NULL_SIGNATURE,
  tableSymbol,
  type MachineCode,
} from "../ir/machine-code.ts";
import type { FunctionTable, IrModule } from "../ir/module.ts";
import { refuse } from "../report/diagnostic.ts";
import { RelocationType, SHF_ALLOC, SHF_WRITE, SectionType, SymbolType } from "./format.ts";
import { functionKey, keyOf } from "../ir/link-name.ts";
import { linearImage, linearPieces } from "./linear-image.ts";
import type { RelocatableFile, Section } from "./relocatable.ts";
import type { Text } from "./text-section.ts";

/** The harness of the target linux finds what it calls here. */
const EXPORTS_SYMBOL = "trine.exports";
/**
 * The kernel maps its window of 4 GiB page by page itself: bounds are the window's, what is not
 * mapped faults.
 */
const KERNEL_WINDOW_PAGES = 65_536;
/** Bytes of a table entry: u64 code address, u32 signature, 4 spare. */
const TABLE_ENTRY_BYTES = 16;

/**
 * `.rodata`: jump tables, tables of functions, and for linux the addresses of exports. No compiled
 * code can write any of them yet.
 */
export function writeConstants(file: RelocatableFile, module: IrModule, text: Text): Section {
  const section = file.section(".rodata", SectionType.ProgramBits, SHF_ALLOC, 16);
  for (const { code } of text.functions) writeJumpTables(file, section, code);
  module.tables.forEach((table, index) => writeTable(file, section, module, table, index));
  if (module.target === "linux") writeExports(file, section, module);
  return section;
}

/** `.data`: mutable shared globals, the size of linear memory. */
export function writeVariables(file: RelocatableFile, module: IrModule): Section {
  const section = file.section(".data", SectionType.ProgramBits, SHF_ALLOC | SHF_WRITE, 16);
  const { content } = section;

  const local = module.globals.find((global) => global.mutable && global.threadLocal);
  if (local !== undefined)
    refuse(
      `the global \`${local.name}\` is thread-local, and executables have no thread block yet`,
      { help: "share it between the threads" },
    );
  const globals = module.globals.filter((global) => global.mutable);
  file.symbol({
    name: GLOBALS_SYMBOL,
    section,
    offset: content.length,
    bytes: globals.length * 8,
    type: SymbolType.Object,
    isGlobal: true,
  });
  for (const global of globals) content.u64(global.initial);
  file.symbol({
    name: `${GLOBALS_SYMBOL}.end`,
    section,
    offset: content.length,
    bytes: 0,
    type: SymbolType.None,
    isGlobal: true,
  });

  file.symbol({
    name: MEMORY_PAGES_SYMBOL,
    section,
    offset: content.length,
    bytes: 4,
    type: SymbolType.Object,
    isGlobal: true,
  });
  content.u32(module.target === "kernel" ? KERNEL_WINDOW_PAGES : module.memory.initialPages);
  content.align(16);
  return section;
}

/**
 * `.linear`: the initial contents of linear memory. A domain's segment holds them as they are, and
 * the start stub of linux copies them. The kernel's section holds pieces, for most is zero.
 */
export function writeLinear(file: RelocatableFile, module: IrModule): void {
  const image = linearImage(module);
  if (module.target === "kernel") {
    const section = file.section(".linear", SectionType.ProgramBits, SHF_ALLOC, 8);
    section.content.raw(linearPieces(image));
    return;
  }
  const section = file.section(".linear", SectionType.ProgramBits, SHF_ALLOC | SHF_WRITE, 4096);
  section.content.raw(image.bytes);
}

function writeJumpTables(file: RelocatableFile, section: Section, code: MachineCode): void {
  for (const table of code.jumpTables) {
    section.content.align(4);
    const start = section.content.length;
    file.symbol({
      name: table.symbol,
      section,
      offset: start,
      bytes: table.entries.length * 4,
      type: SymbolType.Object,
      isGlobal: false,
    });
    for (const entry of table.entries) {
      const offset = section.content.length;
      section.relocations.push({
        offset,
        type: RelocationType.Relative32,
        symbol: functionKey(code.name),
        addend: entry + (offset - start),
      });
      section.content.u32(0);
    }
  }
}

/** A null entry has a signature that no call expects, and no address. */
function writeTable(
  file: RelocatableFile,
  section: Section,
  module: IrModule,
  table: FunctionTable,
  index: number,
): void {
  section.content.align(16);
  const start = section.content.length;
  file.symbol({
    name: tableSymbol(index),
    section,
    offset: start,
    bytes: table.minimum * TABLE_ENTRY_BYTES,
    type: SymbolType.Object,
    isGlobal: true,
  });
  for (let position = 0; position < table.minimum; position++) {
    const functionIndex = table.entries[position] ?? -1;
    const entry = functionIndex < 0 ? undefined : module.functions[functionIndex];
    if (entry !== undefined) {
      section.relocations.push({
        offset: section.content.length,
        type: RelocationType.Absolute64,
        symbol: keyOf(entry),
        addend: 0,
      });
    }
    section.content.u64(0);
    section.content.u32(entry === undefined ? NULL_SIGNATURE : entry.signature);
    section.content.u32(0);
  }
  if (table.constant) return;
  file.symbol({
    name: `${tableSymbol(index)}.length`,
    section,
    offset: section.content.length,
    bytes: 4,
    type: SymbolType.Object,
    isGlobal: true,
  });
  section.content.u32(table.minimum);
}

/**
 * `trine.exports`: addresses of the exported functions, in the module's order, for the test
 * harness.
 */
function writeExports(file: RelocatableFile, section: Section, module: IrModule): void {
  section.content.align(8);
  file.symbol({
    name: EXPORTS_SYMBOL,
    section,
    offset: section.content.length,
    bytes: module.exports.size * 8,
    type: SymbolType.Object,
    isGlobal: true,
  });
  for (const functionIndex of module.exports.values()) {
    section.relocations.push({
      offset: section.content.length,
      type: RelocationType.Absolute64,
      symbol: keyOf(module.functions[functionIndex]!),
      addend: 0,
    });
    section.content.u64(0);
  }
}
