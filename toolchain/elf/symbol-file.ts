import type { MachineCode } from "../ir/machine-code.ts";
import type { IrModule } from "../ir/module.ts";
import { SymbolType } from "./format.ts";
import { type ElfFile, sectionNamed } from "./read.ts";
import { type SymbolEntry, symbolEntry, symbolTable } from "./symbol-table.ts";

/**
 * The table of symbol-table.md for a finished domain, as a file of its own. The supervisor explains
 * faults by it; the kernel does not read it, and it is no part of the executable that is measured.
 * Functions of `codes` have lines, functions written by hand only a name.
 */
export function writeSymbolFile(
  elf: ElfFile,
  module: IrModule | null,
  codes: readonly MachineCode[],
): Uint8Array {
  const text = sectionNamed(elf, ".text");
  if (text === undefined) return symbolTable(0n, 0, []);
  const codeOf = new Map(codes.map((code) => [code.name, code]));
  const entries = new Map<number, SymbolEntry>();
  for (const symbol of elf.symbols) {
    if (symbol.type !== SymbolType.Function || elf.sections[symbol.section] !== text) continue;
    const start = Number(symbol.address - text.address);
    // A compiled function's symbol is local; hand-written code may have a function of the same
    // name.
    const code = symbol.isGlobal ? undefined : codeOf.get(symbol.name);
    if (code !== undefined && module !== null)
      entries.set(start, symbolEntry(module, { code, start, end: start + symbol.bytes }));
    else if (!entries.has(start))
      entries.set(start, {
        start,
        bytes: symbol.bytes,
        name: symbol.name,
        frameBytes: 0,
        lines: [],
        deep: [],
      });
  }
  return symbolTable(
    text.address,
    text.memoryBytes,
    [...entries.values()].sort((a, b) => a.start - b.start),
  );
}
