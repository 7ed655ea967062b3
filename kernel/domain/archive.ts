// The boot archive: the blob, and the programs with their measured digests. Nothing but the kernel
// reaches the archive's pages, so what was checked once stays true.

import {
  ARCHIVE_BYTES,
  ARCHIVE_COUNT,
  ARCHIVE_ENTRIES,
  ARCHIVE_ENTRIES_MAX,
  ARCHIVE_ENTRY_BYTES,
  ARCHIVE_ENTRY_INDEX,
  ARCHIVE_ENTRY_KIND,
  ARCHIVE_ENTRY_LENGTH,
  ARCHIVE_ENTRY_OFFSET,
  ARCHIVE_FORMAT,
  ARCHIVE_KIND_BLOB,
  ARCHIVE_KIND_PROGRAM,
  ARCHIVE_KIND_SYMBOLS,
  ARCHIVE_MAGIC_HIGH,
  ARCHIVE_MAGIC_LOW,
} from "../abi/archive";
import { BLOB_BYTES_MAX } from "../abi/blob";
import { backKernelWindow } from "../memory/window";
import { SHA256_CONTEXT_BYTES, sha256Begin, sha256End, sha256Update } from "../monitor/monitor";
import { BLOB_BASE, PROGRAMS_BASE, PROGRAMS_BYTES } from "../object/layout";
import { archiveBytes, archiveStart } from "../x64/memory-map";
import { copyIn } from "../x64/physical-memory";

/** The archive's first bytes. */
@unmanaged
@final
class ArchiveHeader {
  magicLow: u32;
  magicHigh: u32;
  format: u32;
  entryCount: u32;
  /** Bytes of the archive. */
  bytes: u64;
}

/** A file in the archive. The entries follow the header. */
@unmanaged
@final
class ArchiveEntry {
  /** ARCHIVE_KIND_… */
  kind: u32;
  /** Number of the program that the file is, or belongs to. */
  program: u32;
  /** Where the file begins in the archive. */
  offset: u64;
  bytes: u64;
  reserved: u64;

  /** Physical address of the file. */
  get start(): u64 {
    return archiveStart() + this.offset;
  }
}

/** A program of the archive. */
@unmanaged
@final
class ArchivedProgram {
  /** Physical address of the executable, and its length. */
  start: u64;
  bytes: u64;
  /** The table that explains the program's addresses; 0 bytes if there is none. */
  symbolsStart: u64;
  symbolsBytes: u64;
}

if (
  offsetof<ArchiveHeader>("format") !== ARCHIVE_FORMAT ||
  offsetof<ArchiveHeader>("entryCount") !== ARCHIVE_COUNT ||
  offsetof<ArchiveHeader>("bytes") !== ARCHIVE_BYTES
)
  ERROR("ArchiveHeader is not the header of kernel/abi/archive.ts");
if (
  offsetof<ArchiveEntry>("kind") !== ARCHIVE_ENTRY_KIND ||
  offsetof<ArchiveEntry>("program") !== ARCHIVE_ENTRY_INDEX ||
  offsetof<ArchiveEntry>("offset") !== ARCHIVE_ENTRY_OFFSET ||
  offsetof<ArchiveEntry>("bytes") !== ARCHIVE_ENTRY_LENGTH ||
  offsetof<ArchiveEntry>() !== ARCHIVE_ENTRY_BYTES
)
  ERROR("ArchiveEntry is not the entry of kernel/abi/archive.ts");

const FORMAT: u32 = 1;
/** u8[32] for each program, in the order of their numbers. */
const DIGESTS: usize = PROGRAMS_BASE;
/** An ArchivedProgram for each program. */
const PROGRAMS: usize = DIGESTS + ARCHIVE_ENTRIES_MAX * 32;
const PROGRAM_SHIFT: u32 = 5;
if (offsetof<ArchivedProgram>() !== 1 << PROGRAM_SHIFT) ERROR("ArchivedProgram is not 32 bytes");
if (PROGRAMS + (ARCHIVE_ENTRIES_MAX << PROGRAM_SHIFT) > PROGRAMS_BASE + PROGRAMS_BYTES)
  ERROR("the program table is too long");

// Copies of the records that are read from physical memory, one at a time.
const headerCopy: usize = memory.data(24, 8);
const entryCopy: usize = memory.data(32, 8);
const pageCopy: usize = memory.data(4096, 8);
const digestContext: usize = memory.data(112, 8);
if (offsetof<ArchiveHeader>() !== 24 || offsetof<ArchiveEntry>() !== 32)
  ERROR("a copy has another size than what is copied");
if (SHA256_CONTEXT_BYTES > 112) ERROR("the digest's state is too small");

/** Programs measured so far. Set at boot, and constant from then on. */
let programs: u32 = 0;

/** Number of programs in the archive. */
export function archivePrograms(): u32 {
  return programs;
}
export function archivedProgram(program: u32): ArchivedProgram {
  assert(program < programs);
  return changetype<ArchivedProgram>(PROGRAMS + ((<usize>program) << PROGRAM_SHIFT));
}
/** Measured digests, 32 bytes each. */
export function measuredDigests(): usize {
  return DIGESTS;
}
export function measuredDigest(program: u32): usize {
  assert(program < programs);
  return DIGESTS + ((<usize>program) << 5);
}

function readHeader(): ArchiveHeader {
  copyIn(headerCopy, archiveStart(), <u32>offsetof<ArchiveHeader>());
  return changetype<ArchiveHeader>(headerCopy);
}

/** The entry is valid until the next one is read. */
function readEntry(index: u32): ArchiveEntry {
  const offset = <u64>(ARCHIVE_ENTRIES + index * ARCHIVE_ENTRY_BYTES);
  copyIn(entryCopy, archiveStart() + offset, ARCHIVE_ENTRY_BYTES);
  return changetype<ArchiveEntry>(entryCopy);
}

/**
 * True if there is an archive and each of its entries lies whole and page-aligned in it. Reads only
 * the header and the entries.
 */
export function isArchiveSound(): bool {
  const start = archiveStart();
  const bytes = archiveBytes();
  if (start === 0 || (start & 4095) !== 0 || bytes < 4096) return false;
  const header = readHeader();
  if (
    header.magicLow !== <u32>ARCHIVE_MAGIC_LOW ||
    header.magicHigh !== <u32>ARCHIVE_MAGIC_HIGH ||
    header.format !== FORMAT ||
    header.bytes > bytes ||
    header.entryCount > <u32>ARCHIVE_ENTRIES_MAX
  )
    return false;
  const end = pageEnd(bytes);
  for (let i: u32 = 0; i < header.entryCount; i++) {
    const entry = readEntry(i);
    if (
      entry.bytes > bytes ||
      (entry.offset & 4095) !== 0 ||
      entry.offset < 4096 ||
      entry.offset > end ||
      pageEnd(entry.bytes) > end - entry.offset
    )
      return false;
  }
  return true;
}

function pageEnd(bytes: u64): u64 {
  return (bytes + 4095) & ~(<u64>4095);
}

/** Copies the blob to BLOB_BASE. Returns its length; 0 if there is none, or no room for it. */
export function copyBlob(): u32 {
  const count = readHeader().entryCount;
  for (let i: u32 = 0; i < count; i++) {
    const entry = readEntry(i);
    if (entry.kind !== <u32>ARCHIVE_KIND_BLOB) continue;
    if (entry.bytes === 0 || entry.bytes > <u64>BLOB_BYTES_MAX) return 0;
    const bytes = <u32>entry.bytes;
    if (!backKernelWindow(BLOB_BASE, <u32>pageEnd(entry.bytes))) return 0;
    copyIn(BLOB_BASE, entry.start, bytes);
    return bytes;
  }
  return 0;
}

/**
 * Measures every program: SHA-256 over its file, zero-padded to whole pages. Called at boot, when
 * no program waits for it. False if the programs are not numbered 0, 1, 2 … in the archive's order.
 */
export function measurePrograms(): bool {
  const count = readHeader().entryCount;
  for (let i: u32 = 0; i < count; i++) {
    const entry = readEntry(i);
    if (entry.kind !== <u32>ARCHIVE_KIND_PROGRAM) continue;
    if (entry.program !== programs) return false;
    programs += 1;
    const program = archivedProgram(entry.program);
    program.start = entry.start;
    program.bytes = entry.bytes;
    measure(program, measuredDigest(entry.program));
  }
  return true;
}

/** The rest of the file's last page is measured too, so it must be zero for the digest to match. */
function measure(program: ArchivedProgram, digest: usize): void {
  sha256Begin(digestContext);
  for (let offset: u64 = 0; offset < program.bytes; offset += 4096) {
    copyIn(pageCopy, program.start + offset, 4096);
    sha256Update(digestContext, pageCopy, 4096);
  }
  sha256End(digestContext, digest);
}

/**
 * Notes where the symbols of each measured program lie. They are unsigned hints: the kernel copies
 * them and never reads them.
 */
export function findSymbols(): void {
  const count = readHeader().entryCount;
  for (let i: u32 = 0; i < count; i++) {
    const entry = readEntry(i);
    if (entry.kind !== <u32>ARCHIVE_KIND_SYMBOLS || entry.program >= programs) continue;
    const program = archivedProgram(entry.program);
    program.symbolsStart = entry.start;
    program.symbolsBytes = entry.bytes;
  }
}

/**
 * Copies at most `max` bytes of a program's symbols, from `offset` on. Returns their number; 0 from
 * the end of the symbols on.
 */
export function copySymbols(number: u32, offset: u32, to: usize, max: u32): u32 {
  if (number >= programs) return 0;
  const program = archivedProgram(number);
  if (<u64>offset >= program.symbolsBytes) return 0;
  const left = program.symbolsBytes - <u64>offset;
  const count = left < <u64>max ? <u32>left : max;
  copyIn(to, program.symbolsStart + <u64>offset, count);
  return count;
}
