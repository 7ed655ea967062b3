// Checks every mapping that boot made for what must not exist: code that can be written, by its own
// address or by another address of the same memory, and pages that user code could reach.

import { kernelTopTable } from "../../kernel/x64/assembly";
import { loadPhysical64 } from "../../kernel/x64/physical-memory";
import { endLine, logHex, logText } from "../../kernel/x64/serial-log";

const PRESENT: u64 = 1;
const WRITABLE: u64 = 2;
const USER: u64 = 4;
const LARGE: u64 = 0x80;
const NO_EXECUTE: u64 = 1 << 63;
const ADDRESS_MASK: u64 = 0x000f_ffff_ffff_f000;
const SMALL_BYTES: u64 = 4096;
const LARGE_BYTES: u64 = 0x200000;

/** Physical range of all executable pages. */
let codeStart: u64 = 0xffff_ffff_ffff_ffff;
let codeEnd: u64 = 0;
let executable: u64 = 0;
let writable: u64 = 0;
let wrong: u64 = 0;

/** Prints what was found, with the number of mappings that must not exist. */
export function walkPageTables(): void {
  // The first pass finds the code, the second pass the writable mappings of the same memory.
  for (let pass: u32 = 0; pass < 2; pass++) {
    for (let top: u64 = 0; top < 512; top++)
      walkTop(loadPhysical64(kernelTopTable() + top * 8), top, pass);
  }
  logText("probe: executable ");
  logHex(executable);
  logText(" writable ");
  logHex(writable);
  logText(" wrong ");
  logHex(wrong);
  endLine();
}

function walkTop(entry: u64, index: u64, pass: u32): void {
  if ((entry & PRESENT) === 0) return;
  if (index < 256 || (entry & USER) !== 0) wrong++;
  for (let i: u64 = 0; i < 512; i++)
    walkThird(loadPhysical64((entry & ADDRESS_MASK) + i * 8), pass);
}

function walkThird(entry: u64, pass: u32): void {
  if ((entry & PRESENT) === 0) return;
  if ((entry & LARGE) !== 0) wrong++;
  for (let i: u64 = 0; i < 512; i++)
    walkSecond(loadPhysical64((entry & ADDRESS_MASK) + i * 8), pass);
}

function walkSecond(entry: u64, pass: u32): void {
  if ((entry & PRESENT) === 0) return;
  if ((entry & LARGE) !== 0) {
    leaf(entry, LARGE_BYTES, pass);
    return;
  }
  for (let i: u64 = 0; i < 512; i++) {
    const page = loadPhysical64((entry & ADDRESS_MASK) + i * 8);
    if ((page & PRESENT) !== 0) leaf(page, SMALL_BYTES, pass);
  }
}

function leaf(entry: u64, bytes: u64, pass: u32): void {
  const start = entry & ADDRESS_MASK;
  const isWritable = (entry & WRITABLE) !== 0;
  if (pass === 0) {
    if ((entry & USER) !== 0) wrong++;
    if (isWritable) writable++;
    if ((entry & NO_EXECUTE) !== 0) return;
    executable++;
    if (isWritable) wrong++;
    if (start < codeStart) codeStart = start;
    if (start + bytes > codeEnd) codeEnd = start + bytes;
  } else if (isWritable && start < codeEnd && start + bytes > codeStart) {
    wrong++;
  }
}
