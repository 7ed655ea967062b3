import { ByteWriter } from "./byte-writer.ts";
import { RelocationType, SectionType } from "./format.ts";
import type { RelocatableFile } from "./relocatable.ts";
import { TEXT_START_SYMBOL, type PlacedFunction, type Text } from "./text-section.ts";

// DWARF 4, section 6.4.
const ADVANCE_LOCATION = 0x40;
const OFFSET = 0x80;
const RESTORE = 0xc0;
const ADVANCE_LOCATION_2 = 0x03;
const DEFINE_CFA = 0x0c;
const DEFINE_CFA_OFFSET = 0x0e;
const CIE_ID = 0xffffffff;
const POINTER_BYTES = 8;
const RETURN_ADDRESS = 16;
const STACK_POINTER = 7;

/**
 * DWARF's number of each register, by x86 number: rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8 … r15.
 */
export const DWARF_REGISTER = [0, 2, 1, 3, 7, 6, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15];

/**
 * `.debug_frame`: where caller's frame, return address and saved registers are, at every
 * instruction.
 */
export function writeDebugFrame(file: RelocatableFile, text: Text): void {
  const section = file.section(".debug_frame", SectionType.ProgramBits, 0, 8);
  file.sectionSymbol(".debug_frame");
  const { content } = section;
  content.raw(entry(commonInformation()));
  for (const placed of text.functions) {
    const start = content.length;
    const body = new ByteWriter();
    body.u32(0);
    body.u64(0);
    body.u64(placed.end - placed.start);
    body.raw(frameInstructions(placed));
    section.relocations.push({
      offset: start + 4,
      type: RelocationType.Absolute32,
      symbol: ".debug_frame",
      addend: 0,
    });
    section.relocations.push({
      offset: start + 8,
      type: RelocationType.Absolute64,
      symbol: TEXT_START_SYMBOL,
      addend: placed.start,
    });
    content.raw(entry(body));
  }
}

/** At a function's first instruction: the return address is on top of the stack. */
function commonInformation(): ByteWriter {
  const body = new ByteWriter();
  body.u32(CIE_ID);
  body.u8(4);
  body.u8(0);
  body.u8(POINTER_BYTES);
  body.u8(0);
  body.uleb(1);
  body.sleb(-POINTER_BYTES);
  body.uleb(RETURN_ADDRESS);
  body.u8(DEFINE_CFA);
  body.uleb(STACK_POINTER);
  body.uleb(POINTER_BYTES);
  body.u8(OFFSET | RETURN_ADDRESS);
  body.uleb(1);
  return body;
}

function frameInstructions(placed: PlacedFunction): Uint8Array {
  const { depths, savedRegisters } = placed.code;
  const writer = new ByteWriter();
  let location = 0;
  let depth = 0;
  let frameDepth = 0;
  for (const next of depths) {
    // Without the frame, what lies on the stack are arguments, never saved registers.
    const nextFrameDepth = next.hasFrame ? next.depth : 0;
    if (next.depth === depth && nextFrameDepth === frameDepth) continue;
    advance(writer, next.offset - location);
    location = next.offset;
    // The i-th saved register lies 8 * (i + 1) bytes below the return address, from its push until
    // its pop.
    savedRegisters.forEach((register, index) => {
      const bytes = POINTER_BYTES * (index + 1);
      const number = DWARF_REGISTER[register]!;
      if (frameDepth < bytes && nextFrameDepth >= bytes) {
        writer.u8(OFFSET | number);
        writer.uleb(index + 2);
      } else if (frameDepth >= bytes && nextFrameDepth < bytes) {
        writer.u8(RESTORE | number);
      }
    });
    writer.u8(DEFINE_CFA_OFFSET);
    writer.uleb(next.depth + POINTER_BYTES);
    depth = next.depth;
    frameDepth = nextFrameDepth;
  }
  return writer.bytes();
}

function advance(writer: ByteWriter, bytes: number): void {
  let rest = bytes;
  while (rest > 0xffff) {
    writer.u8(ADVANCE_LOCATION_2);
    writer.u16(0xffff);
    rest -= 0xffff;
  }
  if (rest === 0) return;
  if (rest < 0x40) {
    writer.u8(ADVANCE_LOCATION | rest);
    return;
  }
  writer.u8(ADVANCE_LOCATION_2);
  writer.u16(rest);
}

/** Length, body, and filler (DW_CFA_nop) up to the pointer size. */
function entry(body: ByteWriter): Uint8Array {
  while ((body.length + 4) % POINTER_BYTES !== 0) body.u8(0);
  const writer = new ByteWriter();
  writer.u32(body.length);
  writer.raw(body.bytes());
  return writer.bytes();
}
