// Executables: the strict subset of ELF64 that kernel/abi/executable.ts describes, checked on the
// bytes that were measured.

import {
  DOMAIN_REGION_BYTES,
  DOMAIN_REGION_HIGH,
  LINEAR_NULL_BYTES,
  STACK_BYTES_MAX,
  STACK_BYTES_MIN,
} from "../abi/address-space";
import {
  LEVEL_MOST,
  NOTE_ABI_VERSION,
  NOTE_BYTES,
  NOTE_FLAGS,
  NOTE_LEVEL,
  NOTE_MEMORY_PAGES,
  NOTE_MEMORY_PAGES_MAX,
  NOTE_RESERVED,
  NOTE_STACK_BYTES,
  NOTE_THREAD_BLOCK_BYTES,
  NOTE_THREAD_ENTRY,
  NOTE_TYPE,
} from "../abi/executable";
import { Status } from "../abi/status";
import { ABI_VERSION } from "../abi/system-call";
import { copyIn } from "../x64/physical-memory";

const HEADERS_MAX: u32 = 8;
const HEADER_BYTES: u32 = 56;
const FIRST_HEADER: u32 = 64;
const HEAD_BYTES: u32 = FIRST_HEADER + HEADERS_MAX * HEADER_BYTES;
const REGION_START: u64 = (<u64>DOMAIN_REGION_HIGH) << 32;
const REGION_END: u64 = REGION_START + <u64>DOMAIN_REGION_BYTES;
const LINEAR_END: u64 = 0x100000000;
const THREAD_BLOCK_BYTES_MAX: u32 = 0x10000;
/** 4 GiB in pages of 64 KiB. */
const MEMORY_PAGES_MAX: u32 = 0x10000;

// Identification: 64 bit, little-endian, version 1, System V, then zeroes.
const IDENT_LOW: u64 = 0x00010102464c457f;
const TYPE_EXECUTABLE: u32 = 2;
const MACHINE_X86_64: u32 = 62;
const SEGMENT_LOAD: u32 = 1;
const SEGMENT_NOTE: u32 = 4;
const FLAG_EXECUTE: u32 = 1;
const FLAG_WRITE: u32 = 2;
const FLAG_READ: u32 = 4;
/** "Trine", zero, and padding to 8 bytes. */
const NOTE_NAME: u64 = 0x0000656e697254;

/** The file's header and program headers. */
const head: usize = memory.data(512, 8);
/** Sizes and type, name, description. */
const note: usize = memory.data(64, 8);
let noteFound: bool = false;

/**
 * Checks an executable of `bytes` bytes at a physical address. After Status.Ok the functions below
 * describe it.
 */
export function readExecutable(start: u64, bytes: u64): Status {
  if (bytes < <u64>HEAD_BYTES) return Status.Malformed;
  copyIn(head, start, HEAD_BYTES);
  if (load<u64>(head) !== IDENT_LOW || load<u64>(head, 8) !== 0) return Status.Malformed;
  if (
    load<u16>(head, 16) !== TYPE_EXECUTABLE ||
    load<u16>(head, 18) !== MACHINE_X86_64 ||
    load<u32>(head, 20) !== 1
  )
    return Status.Malformed;
  if (load<u64>(head, 32) !== <u64>FIRST_HEADER || load<u32>(head, 48) !== 0)
    return Status.Malformed;
  if (load<u16>(head, 52) !== 64 || load<u16>(head, 54) !== HEADER_BYTES) return Status.Malformed;
  const count = segmentCount();
  if (count === 0 || count > HEADERS_MAX) return Status.Malformed;

  noteFound = false;
  for (let i: u32 = 0; i < count; i++) {
    const type = load<u32>(header(i));
    if (fileStart(i) > bytes || fileBytes(i) > bytes - fileStart(i)) return Status.Malformed;
    if (type === SEGMENT_LOAD) {
      if (!isSoundSegment(i)) return Status.Malformed;
    } else if (type === SEGMENT_NOTE) {
      if (noteFound || !readNote(start, i)) return Status.Malformed;
      noteFound = true;
    } else {
      return Status.Malformed;
    }
  }
  if (!noteFound) return Status.Malformed;
  if (load<u32>(note, 20 + NOTE_ABI_VERSION) !== ABI_VERSION) return Status.BadVersion;
  return isSoundWhole(count) ? Status.Ok : Status.Malformed;
}

function header(index: u32): usize {
  return head + FIRST_HEADER + <usize>index * HEADER_BYTES;
}

function isSoundSegment(i: u32): bool {
  const flags = load<u32>(header(i), 4);
  if (
    flags !== FLAG_READ &&
    flags !== (FLAG_READ | FLAG_WRITE) &&
    flags !== (FLAG_READ | FLAG_EXECUTE)
  )
    return false;
  const start = segmentStart(i);
  const bytes = load<u64>(header(i), 40);
  if (
    (start & 4095) !== 0 ||
    (fileStart(i) & 4095) !== 0 ||
    fileBytes(i) > bytes ||
    fileBytes(i) > <u64>u32.MAX_VALUE
  )
    return false;
  if (bytes > LINEAR_END) return false;
  // What is mapped from the archive has no bytes of its own behind the file's.
  if ((flags & FLAG_WRITE) === 0 && fileBytes(i) !== bytes) return false;
  if (start >= REGION_START) return start <= REGION_END && bytes <= REGION_END - start;
  if ((flags & FLAG_WRITE) === 0) return false;
  return start >= <u64>LINEAR_NULL_BYTES && start + bytes <= LINEAR_END;
}

/** What concerns several segments, or a segment and the note. */
function isSoundWhole(count: u32): bool {
  // No flag has a meaning yet that this kernel could fulfil.
  if (noteWord(NOTE_FLAGS) !== 0 || noteWord(NOTE_RESERVED) !== 0) return false;
  if (neededLevel() === 0 || neededLevel() > <u32>LEVEL_MOST) return false;
  if (
    memoryPagesMax() > MEMORY_PAGES_MAX ||
    memoryPages() > memoryPagesMax() ||
    memoryPages() === 0
  )
    return false;
  if (
    stackBytes() < <u32>STACK_BYTES_MIN ||
    stackBytes() > <u32>STACK_BYTES_MAX ||
    threadBlockBytes() > THREAD_BLOCK_BYTES_MAX
  )
    return false;
  if (!isCode(count, entryPoint()) || (threadEntry() !== 0 && !isCode(count, threadEntry())))
    return false;
  const memoryEnd = (<u64>memoryPages()) << 16;
  for (let i: u32 = 0; i < count; i++) {
    if (!isLoaded(i)) continue;
    if (segmentStart(i) < REGION_START && segmentEnd(i) > memoryEnd) return false;
    for (let j: u32 = i + 1; j < count; j++) {
      if (!isLoaded(j)) continue;
      if (segmentStart(i) < pageEnd(segmentEnd(j)) && segmentStart(j) < pageEnd(segmentEnd(i)))
        return false;
      // A page that is mapped as code or constants holds nothing of another segment.
      if (isWritable(i) && isWritable(j)) continue;
      if (fileBytes(i) === 0 || fileBytes(j) === 0) continue;
      if (
        fileStart(i) < pageEnd(fileStart(j) + fileBytes(j)) &&
        fileStart(j) < pageEnd(fileStart(i) + fileBytes(i))
      )
        return false;
    }
  }
  return true;
}

function pageEnd(address: u64): u64 {
  return (address + 4095) & ~(<u64>4095);
}

function isCode(count: u32, address: u64): bool {
  for (let i: u32 = 0; i < count; i++) {
    if (isLoaded(i) && isExecutable(i) && address >= segmentStart(i) && address < segmentEnd(i))
      return true;
  }
  return false;
}

function readNote(start: u64, i: u32): bool {
  // Sizes of name and description, type, the name padded to 8 bytes, the description.
  if (fileBytes(i) < <u64>(20 + NOTE_BYTES)) return false;
  copyIn(note, start + fileStart(i), 20 + NOTE_BYTES);
  if (
    load<u32>(note) !== 6 ||
    load<u32>(note, 4) !== <u32>NOTE_BYTES ||
    load<u32>(note, 8) !== <u32>NOTE_TYPE
  )
    return false;
  return load<u64>(note, 12) === NOTE_NAME;
}

// The executable that `readExecutable` has accepted.

export function segmentCount(): u32 {
  return <u32>load<u16>(head, 56);
}
export function entryPoint(): u64 {
  return load<u64>(head, 24);
}
/** Whether the segment is to be loaded and is not empty. */
export function isLoaded(index: u32): bool {
  return load<u32>(header(index)) === SEGMENT_LOAD && load<u64>(header(index), 40) !== 0;
}
export function isWritable(index: u32): bool {
  return (load<u32>(header(index), 4) & FLAG_WRITE) !== 0;
}
export function isExecutable(index: u32): bool {
  return (load<u32>(header(index), 4) & FLAG_EXECUTE) !== 0;
}
export function segmentStart(index: u32): u64 {
  return load<u64>(header(index), 16);
}
export function segmentEnd(index: u32): u64 {
  return segmentStart(index) + load<u64>(header(index), 40);
}
export function fileStart(index: u32): u64 {
  return load<u64>(header(index), 8);
}
export function fileBytes(index: u32): u64 {
  return load<u64>(header(index), 32);
}
function noteWord(offset: i32): u32 {
  return load<u32>(note + 20 + <usize>offset);
}
/** Level of x86-64 that its code needs, at least 1. */
export function neededLevel(): u32 {
  return noteWord(NOTE_LEVEL);
}
export function memoryPages(): u32 {
  return noteWord(NOTE_MEMORY_PAGES);
}
export function memoryPagesMax(): u32 {
  return noteWord(NOTE_MEMORY_PAGES_MAX);
}
export function stackBytes(): u32 {
  return noteWord(NOTE_STACK_BYTES);
}
export function threadBlockBytes(): u32 {
  return noteWord(NOTE_THREAD_BLOCK_BYTES);
}
export function threadEntry(): u64 {
  return load<u64>(note + 20 + NOTE_THREAD_ENTRY);
}
