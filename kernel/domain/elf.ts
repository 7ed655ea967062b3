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
import { SEGMENTS_MAX } from "../object/domain";
import { copyIn } from "../x64/physical-memory";

const REGION_START: u64 = (<u64>DOMAIN_REGION_HIGH) << 32;
const REGION_END: u64 = REGION_START + <u64>DOMAIN_REGION_BYTES;
const LINEAR_END: u64 = 0x100000000;
const THREAD_BLOCK_BYTES_MAX: u32 = 0x10000;
/** 4 GiB in pages of 64 KiB. */
const MEMORY_PAGES_MAX: u32 = 0x10000;
const HEADERS_MAX: u32 = 8;
if (HEADERS_MAX > SEGMENTS_MAX) ERROR("a domain has no place for so many segments");

/** Identification: ELF, 64 bit, little-endian, version 1, System V. The rest is zero. */
const IDENTIFICATION: u64 = 0x00010102464c457f;
const TYPE_EXECUTABLE: u32 = 2;
const MACHINE_X86_64: u32 = 62;
const VERSION: u32 = 1;
const SEGMENT_LOAD: u32 = 1;
const SEGMENT_NOTE: u32 = 4;
const FLAG_EXECUTE: u32 = 1;
const FLAG_WRITE: u32 = 2;
const FLAG_READ: u32 = 4;
/** "Trine" and its zero; the file pads the name to 8 bytes. */
const NOTE_NAME_BYTES: u32 = 6;
const NOTE_NAME_LOW: u32 = 0x6e697254;
const NOTE_NAME_HIGH: u32 = 0x00000065;

/** The ELF64 file header. */
@unmanaged
@final
class FileHeader {
  identification: u64;
  identificationRest: u64;
  type: u16;
  machine: u16;
  version: u32;
  entryPoint: u64;
  programHeaders: u64;
  sectionHeaders: u64;
  flags: u32;
  headerBytes: u16;
  programHeaderBytes: u16;
  programHeaderCount: u16;
  sectionHeaderBytes: u16;
  sectionHeaderCount: u16;
  sectionNames: u16;
}

/** An ELF64 program header: it describes one segment. */
@unmanaged
@final
export class ProgramHeader {
  type: u32;
  flags: u32;
  /** Where the bytes of the segment begin in the file. */
  fileStart: u64;
  /** Address in the domain. */
  start: u64;
  physicalAddress: u64;
  fileBytes: u64;
  bytes: u64;
  alignment: u64;

  @inline get end(): u64 {
    return this.start + this.bytes;
  }
  /** End of the segment's last page. */
  @inline get pageEnd(): u64 {
    return roundUp(this.end);
  }
  @inline get fileEnd(): u64 {
    return this.fileStart + this.fileBytes;
  }
  /** True if the segment must be loaded and is not empty. */
  @inline get isLoaded(): bool {
    return this.type === SEGMENT_LOAD && this.bytes !== 0;
  }
  @inline get isWritable(): bool {
    return (this.flags & FLAG_WRITE) !== 0;
  }
  @inline get isExecutable(): bool {
    return (this.flags & FLAG_EXECUTE) !== 0;
  }
}

/** The part of a note before its description. */
@unmanaged
@final
class NoteHeader {
  nameBytes: u32;
  descriptionBytes: u32;
  type: u32;
  nameLow: u32;
  nameHigh: u32;
}

/** The description of a program's note (kernel/abi/executable.ts). */
@unmanaged
@final
class Note {
  abiVersion: u32;
  flags: u32;
  /** Pages of 64 KiB of linear memory, at the start and at most. */
  memoryPages: u32;
  memoryPagesMax: u32;
  stackBytes: u32;
  threadBlockBytes: u32;
  /** Where further threads start; 0 if the program has none. */
  threadEntry: u64;
  /** Level of x86-64 that the code needs, at least 1. */
  level: u32;
  reserved: u32;
}

if (offsetof<FileHeader>() !== 64) ERROR("FileHeader is not an ELF64 header");
if (offsetof<ProgramHeader>() !== 56) ERROR("ProgramHeader is not an ELF64 program header");
if (
  offsetof<Note>("abiVersion") !== NOTE_ABI_VERSION ||
  offsetof<Note>("flags") !== NOTE_FLAGS ||
  offsetof<Note>("memoryPages") !== NOTE_MEMORY_PAGES ||
  offsetof<Note>("memoryPagesMax") !== NOTE_MEMORY_PAGES_MAX ||
  offsetof<Note>("stackBytes") !== NOTE_STACK_BYTES ||
  offsetof<Note>("threadBlockBytes") !== NOTE_THREAD_BLOCK_BYTES ||
  offsetof<Note>("threadEntry") !== NOTE_THREAD_ENTRY ||
  offsetof<Note>("level") !== NOTE_LEVEL ||
  offsetof<Note>("reserved") !== NOTE_RESERVED ||
  offsetof<Note>() !== NOTE_BYTES
)
  ERROR("Note is not the note of kernel/abi/executable.ts");

// The executable that was read last. One place suffices: executables are read one after the other,
// at boot and when a slot starts, and are not needed once the instance is set up.
const head: usize = memory.data(512, 8);
const noteHeaderCopy: usize = memory.data(20, 8);
const noteCopy: usize = memory.data(40, 8);
const HEAD_BYTES: u32 = 64 + HEADERS_MAX * 56;
/** Bytes of a note in the file: the part before the description, and the description. */
const NOTE_FILE_BYTES: u32 = 20 + NOTE_BYTES;
if (HEAD_BYTES > 512) ERROR("the headers are larger than their place");
if (offsetof<NoteHeader>() !== 20 || offsetof<Note>() > 40)
  ERROR("a note is larger than its place");

function fileHeader(): FileHeader {
  return changetype<FileHeader>(head);
}

/** Number of program headers of the executable that `readExecutable` has accepted. */
export function programHeaderCount(): u32 {
  return <u32>fileHeader().programHeaderCount;
}
/** The n-th program header of that executable. */
export function programHeader(index: u32): ProgramHeader {
  assert(index < HEADERS_MAX);
  return changetype<ProgramHeader>(
    head + offsetof<FileHeader>() + <usize>index * offsetof<ProgramHeader>(),
  );
}
export function note(): Note {
  return changetype<Note>(noteCopy);
}
export function entryPoint(): u64 {
  return fileHeader().entryPoint;
}

/**
 * Reads and checks an executable of `bytes` bytes at a physical address. Malformed if this kernel
 * cannot load it, BadVersion if it was built for another ABI_VERSION.
 */
export function readExecutable(start: u64, bytes: u64): Status {
  if (bytes < <u64>HEAD_BYTES) return Status.Malformed;
  copyIn(head, start, HEAD_BYTES);
  if (!isSoundHeader(fileHeader())) return Status.Malformed;
  const count = programHeaderCount();
  let hasNote = false;
  for (let i: u32 = 0; i < count; i++) {
    const one = programHeader(i);
    if (one.fileStart > bytes || one.fileBytes > bytes - one.fileStart) return Status.Malformed;
    if (one.type === SEGMENT_LOAD) {
      if (!isSoundSegment(one)) return Status.Malformed;
    } else if (one.type === SEGMENT_NOTE) {
      if (hasNote || !readNote(start, one)) return Status.Malformed;
      hasNote = true;
    } else {
      return Status.Malformed;
    }
  }
  if (!hasNote) return Status.Malformed;
  if (note().abiVersion !== ABI_VERSION) return Status.BadVersion;
  return isSoundNote(note()) && areEntriesCode() && areSegmentsApart()
    ? Status.Ok
    : Status.Malformed;
}

function isSoundHeader(header: FileHeader): bool {
  return (
    header.identification === IDENTIFICATION &&
    header.identificationRest === 0 &&
    <u32>header.type === TYPE_EXECUTABLE &&
    <u32>header.machine === MACHINE_X86_64 &&
    header.version === VERSION &&
    header.programHeaders === <u64>offsetof<FileHeader>() &&
    header.flags === 0 &&
    <usize>header.headerBytes === offsetof<FileHeader>() &&
    <usize>header.programHeaderBytes === offsetof<ProgramHeader>() &&
    header.programHeaderCount !== 0 &&
    <u32>header.programHeaderCount <= HEADERS_MAX
  );
}

function isSoundSegment(one: ProgramHeader): bool {
  if (
    one.flags !== FLAG_READ &&
    one.flags !== (FLAG_READ | FLAG_WRITE) &&
    one.flags !== (FLAG_READ | FLAG_EXECUTE)
  )
    return false;
  if (
    (one.start & 4095) !== 0 ||
    (one.fileStart & 4095) !== 0 ||
    one.fileBytes > one.bytes ||
    one.fileBytes > <u64>u32.MAX_VALUE ||
    one.bytes > LINEAR_END
  )
    return false;
  // A segment that is mapped from the archive has no bytes beyond the file's.
  if (!one.isWritable && one.fileBytes !== one.bytes) return false;
  if (one.start >= REGION_START)
    return one.start <= REGION_END && one.bytes <= REGION_END - one.start;
  return one.isWritable && one.start >= <u64>LINEAR_NULL_BYTES && one.end <= LINEAR_END;
}

function readNote(start: u64, one: ProgramHeader): bool {
  if (one.fileBytes < <u64>NOTE_FILE_BYTES) return false;
  const at = start + one.fileStart;
  copyIn(noteHeaderCopy, at, <u32>offsetof<NoteHeader>());
  copyIn(noteCopy, at + <u64>offsetof<NoteHeader>(), <u32>offsetof<Note>());
  const header = changetype<NoteHeader>(noteHeaderCopy);
  return (
    header.nameBytes === NOTE_NAME_BYTES &&
    header.descriptionBytes === <u32>NOTE_BYTES &&
    header.type === <u32>NOTE_TYPE &&
    header.nameLow === NOTE_NAME_LOW &&
    header.nameHigh === NOTE_NAME_HIGH
  );
}

function isSoundNote(one: Note): bool {
  return (
    // This kernel knows no flags.
    one.flags === 0 &&
    one.reserved === 0 &&
    one.level !== 0 &&
    one.level <= <u32>LEVEL_MOST &&
    one.memoryPages !== 0 &&
    one.memoryPages <= one.memoryPagesMax &&
    one.memoryPagesMax <= MEMORY_PAGES_MAX &&
    one.stackBytes >= <u32>STACK_BYTES_MIN &&
    one.stackBytes <= <u32>STACK_BYTES_MAX &&
    one.threadBlockBytes <= THREAD_BLOCK_BYTES_MAX
  );
}

function areEntriesCode(): bool {
  const further = note().threadEntry;
  return isCode(entryPoint()) && (further === 0 || isCode(further));
}

function isCode(address: u64): bool {
  const count = programHeaderCount();
  for (let i: u32 = 0; i < count; i++) {
    const one = programHeader(i);
    if (one.isLoaded && one.isExecutable && address >= one.start && address < one.end) return true;
  }
  return false;
}

/**
 * True if all segments lie in memory and no two share a page there. In the file, two writable
 * segments may share a page.
 */
function areSegmentsApart(): bool {
  const memoryEnd = (<u64>note().memoryPages) << 16;
  const count = programHeaderCount();
  for (let i: u32 = 0; i < count; i++) {
    const one = programHeader(i);
    if (!one.isLoaded) continue;
    if (one.start < REGION_START && one.end > memoryEnd) return false;
    for (let j: u32 = i + 1; j < count; j++) {
      const other = programHeader(j);
      if (!other.isLoaded) continue;
      if (one.start < other.pageEnd && other.start < one.pageEnd) return false;
      // A page that is mapped as code or constants holds nothing of another segment.
      if (one.isWritable && other.isWritable) continue;
      if (one.fileBytes === 0 || other.fileBytes === 0) continue;
      if (one.fileStart < roundUp(other.fileEnd) && other.fileStart < roundUp(one.fileEnd))
        return false;
    }
  }
  return true;
}

/** The address rounded up to whole pages. */
function roundUp(address: u64): u64 {
  return (address + 4095) & ~(<u64>4095);
}
