// What the loader left in memory: the PVH start info with its memory map, the archive, the command
// line.
//
// The ranges are the memory that the kernel may hand out: whole pages above 1 MiB that an entry of
// the map calls usable and no entry calls otherwise, without the kernel, its first page tables, the
// archive and the records that describe all this. The entries of a firmware's map may be unsorted
// and overlap. The ranges are sorted and apart, so that no frame is handed out twice.

import { bootTablesEnd } from "./assembly";
import { BootModule, MemoryMapEntry, StartInfo } from "./start-info";
import { physicalLoad8 } from "./x64";

const PAGE: u64 = 4096;
const FIRST_USABLE: u64 = 0x100000;
const KERNEL_START: u64 = 0x100000;
/** What the direct map covers, and the most memory that boot/page-tables.asm maps. */
const LAST_USABLE: u64 = 1 << 46;

const COMMAND_LINE_BYTES_MAX: u32 = 256;

/**
 * Firmware maps have up to 40 entries. A map with more than ENTRIES_MAX is not used at all: an
 * entry that the kernel does not read might reserve memory.
 */
const ENTRIES_MAX: u32 = 256;
let isTooLong: bool = false;

/** Physical memory from `start` to `end`, whole pages. */
@unmanaged
@final
class Range {
  start: u64;
  end: u64;

  static at(table: usize, index: u32): Range {
    return changetype<Range>(table + <usize>index * offsetof<Range>());
  }
}

/** Further ranges, the highest in memory, are not used; their bytes are counted. */
const RANGES_MAX: u32 = 64;
const ranges: usize = memory.data(64 * 16, 8);
let rangeCount: u32 = 0;

/** Ranges that the kernel must not hand out. */
const RESERVED_MAX: u32 = 6;
const reserved: usize = memory.data(6 * 16, 8);
let reservedCount: u32 = 0;
if (RANGES_MAX * offsetof<Range>() !== 64 * 16 || RESERVED_MAX * offsetof<Range>() !== 6 * 16)
  ERROR("the tables of ranges do not have the sizes of their data");

let archiveAddress: u64 = 0;
let archiveLength: u64 = 0;
let commandLineAddress: u64 = 0;
let usableBytes: u64 = 0;
let leftOutBytes: u64 = 0;

/** True if the map has more than ENTRIES_MAX entries: then there are no ranges. */
export function isMemoryMapTooLong(): bool {
  return isTooLong;
}

export function memoryRangeCount(): u32 {
  return rangeCount;
}

/**
 * Physical address of the first byte of range `index`. The ranges ascend, with a gap between each
 * two.
 */
export function memoryRangeStart(index: u32): u64 {
  return index < rangeCount ? Range.at(ranges, index).start : 0;
}

export function memoryRangeEnd(index: u32): u64 {
  return index < rangeCount ? Range.at(ranges, index).end : 0;
}

/** Bytes of usable memory that lie in no range, because there are more than RANGES_MAX. */
export function memoryLeftOutBytes(): u64 {
  return leftOutBytes;
}

/** Bytes of all ranges. */
export function memoryUsableBytes(): u64 {
  return usableBytes;
}

/** Physical address of the archive, 0 if there is none. It is page-aligned. */
export function archiveStart(): u64 {
  return archiveAddress;
}

export function archiveBytes(): u64 {
  return archiveLength;
}

/** Reads the start info at a physical address. */
export function initializeMemoryMap(startInfo: u64): void {
  const map = StartInfo.memoryMap(startInfo);
  const entries = StartInfo.memoryMapEntries(startInfo);
  const modules = StartInfo.moduleCount(startInfo);
  const moduleList = StartInfo.moduleList(startInfo);
  commandLineAddress = StartInfo.commandLine(startInfo);

  reserve(KERNEL_START, bootTablesEnd() - KERNEL_START);
  reserve(startInfo, StartInfo.BYTES);
  reserve(map, entries * MemoryMapEntry.BYTES);
  if (modules > 0) {
    archiveAddress = BootModule.address(moduleList);
    archiveLength = BootModule.length(moduleList);
    reserve(moduleList, modules * BootModule.BYTES);
    reserve(archiveAddress, archiveLength);
  }
  if (commandLineAddress !== 0) reserve(commandLineAddress, COMMAND_LINE_BYTES_MAX);

  isTooLong = entries > ENTRIES_MAX;
  if (!isTooLong) sweep(map, entries);
}

/** True if the command line that the loader passed has this word. */
export function commandLineHas(word: string): bool {
  if (commandLineAddress === 0) return false;
  const length = <u32>word.length;
  let matched: u32 = 0;
  let mayMatch = true;
  for (let i: u32 = 0; i <= COMMAND_LINE_BYTES_MAX; i++) {
    const byte = i < COMMAND_LINE_BYTES_MAX ? physicalLoad8(commandLineAddress + i) : 0;
    if (byte === 0 || byte === 0x20) {
      if (mayMatch && matched === length) return true;
      if (byte === 0) return false;
      matched = 0;
      mayMatch = true;
    } else if (
      mayMatch &&
      matched < length &&
      byte === <u32>load<u16>(changetype<usize>(word) + ((<usize>matched) << 1))
    ) {
      matched++;
    } else {
      mayMatch = false;
    }
  }
  return false;
}

function reserve(start: u64, bytes: u64): void {
  assert(reservedCount < RESERVED_MAX);
  const range = Range.at(reserved, reservedCount);
  range.start = roundDown(start);
  range.end = reservedEnd(start, bytes);
  reservedCount++;
}

/**
 * Goes from edge to edge. An edge is an address at which an entry or a reserved range begins or
 * ends, so the memory between two edges is all of one kind. Each entry and each reserved range has
 * two edges, which bounds the number of steps.
 */
function sweep(map: u64, entries: u32): void {
  for (let from = FIRST_USABLE; from < LAST_USABLE; ) {
    const next = nextEdge(map, entries, from);
    assert(next > from);
    if (isFree(map, entries, from)) appendRange(from, next);
    from = next;
  }
}

/** True if the page at this address may be handed out. */
function isFree(map: u64, entries: u32, page: u64): bool {
  for (let i: u32 = 0; i < reservedCount; i++) {
    const range = Range.at(reserved, i);
    if (range.start <= page && page < range.end) return false;
  }
  let isUsable = false;
  for (let i: u32 = 0; i < entries; i++) {
    const entry = map + i * MemoryMapEntry.BYTES;
    if (page < pagesStart(entry) || page >= pagesEnd(entry)) continue;
    if (!MemoryMapEntry.isUsable(entry)) return false;
    isUsable = true;
  }
  return isUsable;
}

/** The first address behind `from` at which a range begins or ends. */
function nextEdge(map: u64, entries: u32, from: u64): u64 {
  let next = LAST_USABLE;
  for (let i: u32 = 0; i < reservedCount; i++) {
    const range = Range.at(reserved, i);
    next = nearerEdge(range.start, range.end, from, next);
  }
  for (let i: u32 = 0; i < entries; i++) {
    const entry = map + i * MemoryMapEntry.BYTES;
    next = nearerEdge(pagesStart(entry), pagesEnd(entry), from, next);
  }
  return next;
}

/** The first edge of a range behind `from`, if it lies before `next`; else `next`. */
function nearerEdge(start: u64, end: u64, from: u64, next: u64): u64 {
  if (start >= end) return next;
  const edge = start > from ? start : end;
  return edge > from && edge < next ? edge : next;
}

/** Start of an entry's whole pages: pages that are usable in part are not usable. */
function pagesStart(entry: u64): u64 {
  const start = MemoryMapEntry.address(entry);
  return MemoryMapEntry.isUsable(entry) ? roundUp(start) : roundDown(start);
}

/**
 * End of an entry's whole pages. 0 if the entry has none: it is empty, or it is usable and reaches
 * beyond LAST_USABLE.
 */
function pagesEnd(entry: u64): u64 {
  const start = MemoryMapEntry.address(entry);
  const bytes = MemoryMapEntry.length(entry);
  if (!MemoryMapEntry.isUsable(entry)) return bytes === 0 ? 0 : reservedEnd(start, bytes);
  if (start >= LAST_USABLE || bytes > LAST_USABLE - start) return 0;
  return roundDown(start + bytes);
}

/**
 * End of the pages that reserved memory touches. Memory that runs past LAST_USABLE is reserved up
 * to that address.
 */
function reservedEnd(start: u64, bytes: u64): u64 {
  return start >= LAST_USABLE || bytes > LAST_USABLE - start ? LAST_USABLE : roundUp(start + bytes);
}

/** Appends a range, or extends the last range if nothing lies between. */
function appendRange(start: u64, end: u64): void {
  if (rangeCount > 0 && memoryRangeEnd(rangeCount - 1) === start) {
    Range.at(ranges, rangeCount - 1).end = end;
  } else if (rangeCount === RANGES_MAX) {
    leftOutBytes += end - start;
    return;
  } else {
    const range = Range.at(ranges, rangeCount);
    range.start = start;
    range.end = end;
    rangeCount++;
  }
  usableBytes += end - start;
}

function roundUp(address: u64): u64 {
  return (address + PAGE - 1) & ~(PAGE - 1);
}

function roundDown(address: u64): u64 {
  return address & ~(PAGE - 1);
}
