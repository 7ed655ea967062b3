import { TrapKind } from "../ir/machine-code.ts";
import type { IrModule } from "../ir/module.ts";
import { SHF_ALLOC, SectionType } from "./format.ts";
import type { RelocatableFile } from "./relocatable.ts";
import type { Text } from "./text-section.ts";

export const TRAP_ENTRY_BYTES = 16;
const NO_DIVISOR = 0xff;

/** One instruction that may trap. */
export interface TrapEntry {
  /** Offset of the instruction from `trine.text`. */
  readonly offset: number;
  readonly kind: TrapKind;
  /** x86 number of the register that holds the divisor, -1 if the trap is no division. */
  readonly divisor: number;
  /** Line of its source file, 0 if unknown; `.debug_line` names the file. */
  readonly line: number;
}

/**
 * `.trine.traps`: every instruction that may trap, ascending by offset. An entry is u32 offset, u8 kind, u8 divisor register
 * (255: none), u16 zero, u32 line, u32 wasm offset. It is loaded only by the target linux, whose own signal handler reads it.
 */
export function writeTraps(file: RelocatableFile, module: IrModule, text: Text): void {
  const section = file.section(".trine.traps", SectionType.ProgramBits, module.target === "linux" ? SHF_ALLOC : 0, 8);
  for (const { code, start } of text.functions) {
    for (const trap of [...code.traps].sort((left, right) => left.offset - right.offset)) {
      section.content.u32(start + trap.offset);
      section.content.u8(trap.kind);
      section.content.u8(trap.divisor < 0 ? NO_DIVISOR : trap.divisor);
      section.content.u16(0);
      section.content.u32(trap.origin < 0 ? 0 : (module.sourceOf(trap.origin)?.line ?? 0));
      section.content.u32(trap.origin);
    }
  }
}

export function readTraps(section: Uint8Array): TrapEntry[] {
  const view = new DataView(section.buffer, section.byteOffset, section.byteLength);
  const entries: TrapEntry[] = [];
  for (let at = 0; at + TRAP_ENTRY_BYTES <= section.length; at += TRAP_ENTRY_BYTES) {
    const divisor = view.getUint8(at + 5);
    entries.push({
      offset: view.getUint32(at, true), kind: view.getUint8(at + 4), divisor: divisor === NO_DIVISOR ? -1 : divisor, line: view.getUint32(at + 8, true),
    });
  }
  return entries;
}
