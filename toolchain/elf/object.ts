import type { MachineCode } from "../ir/machine-code.ts";
import type { IrModule } from "../ir/module.ts";
import { writeBoundary } from "./boundary-section.ts";
import { writeConstants, writeLinear, writeVariables } from "./data-sections.ts";
import { writeDebugFrame } from "./debug-frame.ts";
import { writeDebugInfo } from "./debug-info.ts";
import { FileNumbers, writeDebugLine } from "./debug-line.ts";
import { writeNote, type DomainNote } from "./note-section.ts";
import { RelocatableFile } from "./relocatable.ts";
import { writeSymbolTable } from "./symbol-table.ts";
import { writeText } from "./text-section.ts";
import { writeUnwind } from "./unwind-section.ts";

/**
 * The ELF64 relocatable file of a compiled module. `codes` in the order in which they shall lie in
 * memory. All but the kernel give `note`. The bytes depend on the arguments alone.
 */
export function writeObject(
  module: IrModule,
  codes: readonly MachineCode[],
  note?: DomainNote,
): Uint8Array {
  const file = new RelocatableFile();
  const text = writeText(file, module, codes);
  const rodata = writeConstants(file, module, text);
  if (module.target !== "domain") writeSymbolTable(file, rodata, module, text);
  writeVariables(file, module);
  writeLinear(file, module);
  if (note !== undefined) writeNote(file, note);
  writeUnwind(file, text);
  writeBoundary(file, module, codes);

  // `.debug_info` names files too, so the line table, which lists them all, comes after it.
  const files = new FileNumbers();
  writeDebugInfo(file, module, text, files);
  writeDebugLine(file, module, text, files);
  writeDebugFrame(file, text);
  return file.write();
}
