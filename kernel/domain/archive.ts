// The boot archive: the blob, and the programs with their measured digests.

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
import { BLOB_BASE, PROGRAMS_BASE } from "../object/layout";
import { backKernelWindow } from "../memory/window";
import { SHA256_CONTEXT_BYTES, sha256Begin, sha256End, sha256Update } from "../monitor/monitor";
import { archiveBytes, archiveStart } from "../x64/memory-map";
import { copyIn, loadPhysical32, loadPhysical64 } from "../x64/physical-memory";

const FORMAT: u32 = 1;
/**
 * Digests first, 32 bytes each in the order of the programs' numbers, then u64 start and u64 bytes
 * of each, then the same of its symbols.
 */
const DIGESTS: usize = PROGRAMS_BASE;
const PLACES: usize = PROGRAMS_BASE + 0x2000;
const SYMBOLS: usize = PROGRAMS_BASE + 0x3000;

let programs: u32 = 0;
const context: usize = memory.data(112, 8);
const page: usize = memory.data(4096, 8);

/** Number of programs in the archive. */
export function archivePrograms(): u32 {
  return programs;
}
/** Measured digests, 32 bytes each. */
export function measuredDigests(): usize {
  return DIGESTS;
}
export function measuredDigest(program: u32): usize {
  return DIGESTS + ((<usize>program) << 5);
}
/** Physical address of a program's executable. */
export function programStart(program: u32): u64 {
  return load<u64>(PLACES + ((<usize>program) << 4));
}
export function programLength(program: u32): u64 {
  return load<u64>(PLACES + ((<usize>program) << 4) + 8);
}

function entryAddress(index: u32): u64 {
  return archiveStart() + <u64>(ARCHIVE_ENTRIES + index * ARCHIVE_ENTRY_BYTES);
}
function entryWord(index: u32, offset: u32): u32 {
  return loadPhysical32(entryAddress(index) + <u64>offset);
}
function entryStart(index: u32): u64 {
  return loadPhysical64(entryAddress(index) + ARCHIVE_ENTRY_OFFSET);
}
function entryLength(index: u32): u64 {
  return loadPhysical64(entryAddress(index) + ARCHIVE_ENTRY_LENGTH);
}

/**
 * Whether there is an archive and each of its entries lies whole and page-aligned in it. Nothing
 * but its table has been read then.
 */
export function isArchiveSound(): bool {
  const start = archiveStart();
  const bytes = archiveBytes();
  if (start === 0 || (start & 4095) !== 0 || bytes < 4096) return false;
  if (
    loadPhysical32(start) !== <u32>ARCHIVE_MAGIC_LOW ||
    loadPhysical32(start + 4) !== <u32>ARCHIVE_MAGIC_HIGH
  )
    return false;
  if (
    loadPhysical32(start + ARCHIVE_FORMAT) !== FORMAT ||
    loadPhysical64(start + ARCHIVE_BYTES) > bytes
  )
    return false;
  const count = entryCount();
  if (count > <u32>ARCHIVE_ENTRIES_MAX) return false;
  const rounded = (bytes + 4095) & ~(<u64>4095);
  for (let i: u32 = 0; i < count; i++) {
    const offset = entryStart(i);
    const length = entryLength(i);
    if (
      length > bytes ||
      (offset & 4095) !== 0 ||
      offset < 4096 ||
      offset > rounded ||
      ((length + 4095) & ~(<u64>4095)) > rounded - offset
    )
      return false;
  }
  return true;
}

function entryCount(): u32 {
  return loadPhysical32(archiveStart() + ARCHIVE_COUNT);
}

/**
 * Copies the blob into the kernel's window, at BLOB_BASE. Answers its length, 0 if there is none or
 * it is too large.
 */
export function copyBlob(): u32 {
  const count = entryCount();
  for (let i: u32 = 0; i < count; i++) {
    if (entryWord(i, ARCHIVE_ENTRY_KIND) !== <u32>ARCHIVE_KIND_BLOB) continue;
    const length = entryLength(i);
    if (length === 0 || length > <u64>BLOB_BYTES_MAX) return 0;
    const rounded = (<u32>length + 4095) & ~4095;
    if (!backKernelWindow(BLOB_BASE, rounded)) return 0;
    copyIn(BLOB_BASE, archiveStart() + entryStart(i), <u32>length);
    return <u32>length;
  }
  return 0;
}

/**
 * Measures every program: SHA-256 over its file, zero-padded to whole pages. The archive's pages
 * are in nobody's reach, so that the digests stay true. Done at boot, before anything can wait for
 * it. False if the entries are not numbered 0, 1, 2 …
 */
export function measurePrograms(): bool {
  const count = entryCount();
  for (let i: u32 = 0; i < count; i++) {
    if (entryWord(i, ARCHIVE_ENTRY_KIND) !== <u32>ARCHIVE_KIND_PROGRAM) continue;
    if (entryWord(i, ARCHIVE_ENTRY_INDEX) !== programs) return false;
    const start = archiveStart() + entryStart(i);
    const length = entryLength(i);
    store<u64>(PLACES + ((<usize>programs) << 4), start);
    store<u64>(PLACES + ((<usize>programs) << 4) + 8, length);
    measure(start, length, measuredDigest(programs));
    programs += 1;
  }
  return true;
}

/**
 * Notes where the symbols of each measured program lie. They are hints that nobody has signed:
 * handed on, never read here.
 */
export function findSymbols(): void {
  const count = entryCount();
  for (let i: u32 = 0; i < count; i++) {
    const program = entryWord(i, ARCHIVE_ENTRY_INDEX);
    if (entryWord(i, ARCHIVE_ENTRY_KIND) !== <u32>ARCHIVE_KIND_SYMBOLS || program >= programs)
      continue;
    store<u64>(SYMBOLS + ((<usize>program) << 4), archiveStart() + entryStart(i));
    store<u64>(SYMBOLS + ((<usize>program) << 4) + 8, entryLength(i));
  }
}

/**
 * Copies bytes of a program's symbols from `offset` on, at most `max`. Answers how many; 0 beyond
 * their end.
 */
export function copySymbols(program: u32, offset: u32, to: usize, max: u32): u32 {
  if (program >= programs) return 0;
  const place = SYMBOLS + ((<usize>program) << 4);
  const bytes = load<u64>(place, 8);
  if (<u64>offset >= bytes) return 0;
  const left = bytes - <u64>offset;
  const count = left < <u64>max ? <u32>left : max;
  copyIn(to, load<u64>(place) + <u64>offset, count);
  return count;
}

function measure(start: u64, length: u64, digest: usize): void {
  if (SHA256_CONTEXT_BYTES > 112) ERROR("the digest's state is too small");
  sha256Begin(context);
  for (let offset: u64 = 0; offset < length; offset += 4096) {
    // What follows the file in its last page is hashed as it is, and so must be zero to match.
    copyIn(page, start + offset, 4096);
    sha256Update(context, page, 4096);
  }
  sha256End(context, digest);
}
