import type { MachineCode } from "../ir/machine-code.ts";
import { SectionType } from "./format.ts";
import type { RelocatableFile } from "./relocatable.ts";
import type { Text } from "./text-section.ts";

const UNWIND_ENTRY_BYTES = 16;
const NO_REGISTER = 0xf;
const REGISTERS_MAX = 8;

/** How to leave one function. */
interface UnwindEntry {
  /** Offset of the function from `trine.text`. */
  readonly start: number;
  readonly bytes: number;
  /** Bytes from the return address down to rsp in the body. */
  readonly frameBytes: number;
  /** x86 numbers in the order pushed: the i-th lies 8 * (i + 1) bytes below the return address. */
  readonly savedRegisters: readonly number[];
}

/**
 * `.trine.unwind`: one entry a function, ascending by start: u32 start, u32 bytes, u32 frame bytes,
 * u32 saved registers (four bits each, first push lowest, 15 behind the last).
 */
export function writeUnwind(file: RelocatableFile, text: Text): void {
  const section = file.section(".trine.unwind", SectionType.ProgramBits, 0, 8);
  for (const { code, start, end } of text.functions) {
    section.content.u32(start);
    section.content.u32(end - start);
    section.content.u32(code.frameBytes);
    section.content.u32(packRegisters(code));
  }
}

function packRegisters(code: MachineCode): number {
  if (code.savedRegisters.length > REGISTERS_MAX)
    throw new Error(`${code.name} saves ${code.savedRegisters.length} registers`);
  let packed = 0;
  for (let index = 0; index < REGISTERS_MAX; index++)
    packed |= (code.savedRegisters[index] ?? NO_REGISTER) << (4 * index);
  return packed >>> 0;
}

export function readUnwind(section: Uint8Array): UnwindEntry[] {
  const view = new DataView(section.buffer, section.byteOffset, section.byteLength);
  const entries: UnwindEntry[] = [];
  for (let at = 0; at + UNWIND_ENTRY_BYTES <= section.length; at += UNWIND_ENTRY_BYTES) {
    const packed = view.getUint32(at + 12, true);
    const savedRegisters: number[] = [];
    for (
      let index = 0;
      index < REGISTERS_MAX && ((packed >>> (4 * index)) & 0xf) !== NO_REGISTER;
      index++
    ) {
      savedRegisters.push((packed >>> (4 * index)) & 0xf);
    }
    entries.push({
      start: view.getUint32(at, true),
      bytes: view.getUint32(at + 4, true),
      frameBytes: view.getUint32(at + 8, true),
      savedRegisters,
    });
  }
  return entries;
}
