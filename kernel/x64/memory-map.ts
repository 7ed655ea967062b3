// What the loader left in memory: the PVH start info with its memory map, the archive, the command
// line.
//
// The ranges are the memory that the kernel may hand out: what the map calls usable and nothing in
// it calls otherwise, in whole pages, above 1 MiB and without the kernel, its first page tables,
// the archive and what describes all this. Firmware maps are neither sorted nor free of overlaps;
// the ranges are both, so that no frame is handed out twice.

import { bootTablesEnd } from "./assembly";
import { physicalLoad32, physicalLoad64, physicalLoad8 } from "./x64";

const PAGE: u64 = 4096;
const FIRST_USABLE: u64 = 0x100000;
const KERNEL_START: u64 = 0x100000;
/** What the direct map covers, and the most memory that boot/page-tables.asm maps. */
const LAST_USABLE: u64 = 1 << 46;

// struct hvm_start_info and its lists.
const START_INFO_BYTES: u64 = 56;
const START_INFO_MODULES: u64 = 12;
const START_INFO_MODULE_LIST: u64 = 16;
const START_INFO_COMMAND_LINE: u64 = 24;
const START_INFO_MEMORY_MAP: u64 = 40;
const START_INFO_MEMORY_MAP_ENTRIES: u64 = 48;
const MODULE_BYTES: u64 = 32;
const MEMORY_BYTES: u64 = 24;
const MEMORY_LENGTH: u64 = 8;
const MEMORY_TYPE: u64 = 16;
const MEMORY_USABLE: u32 = 1;
const COMMAND_LINE_BYTES_MAX: u32 = 256;

/**
 * Firmware maps have up to 40 entries. A longer map than this is not believed at all: what is left
 * out might be what reserves memory.
 */
const ENTRIES_MAX: u32 = 256;
let isTooLong: bool = false;

/** What does not fit is the highest memory: it is not used, and counted. */
const RANGES_MAX: u32 = 64;
const RANGE_BYTES: usize = 16;
const ranges = memory.data(1024);
let rangeCount: u32 = 0;

/** Ranges not to be handed out: start and end of each. */
const RESERVED_MAX: u32 = 6;
const reserved = memory.data(96);
let reservedCount: u32 = 0;

let archiveAddress: u64 = 0;
let archiveLength: u64 = 0;
let commandLineAddress: u64 = 0;
let usableBytes: u64 = 0;
let leftOutBytes: u64 = 0;

/**
 * Whether the firmware's map has more entries than this kernel looks at: then there are no ranges.
 */
export function isMemoryMapTooLong(): bool {
  return isTooLong;
}

export function memoryRangeCount(): u32 {
  return rangeCount;
}

/**
 * Physical address of the first byte of range `index`. Ranges ascend, with something between each
 * two.
 */
export function memoryRangeStart(index: u32): u64 {
  return index < rangeCount ? load<u64>(ranges + <usize>index * RANGE_BYTES) : 0;
}

export function memoryRangeEnd(index: u32): u64 {
  return index < rangeCount ? load<u64>(ranges + <usize>index * RANGE_BYTES, 8) : 0;
}

/** Usable memory in pieces that are none of the ranges, as there are too many. */
export function memoryLeftOutBytes(): u64 {
  return leftOutBytes;
}

/** Sum of all ranges. */
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

/** Reads the start info at that physical address. */
export function initializeMemoryMap(startInfo: u64): void {
  const map = physicalLoad64(startInfo + START_INFO_MEMORY_MAP);
  const entries = physicalLoad32(startInfo + START_INFO_MEMORY_MAP_ENTRIES);
  const modules = physicalLoad32(startInfo + START_INFO_MODULES);
  const moduleList = physicalLoad64(startInfo + START_INFO_MODULE_LIST);
  commandLineAddress = physicalLoad64(startInfo + START_INFO_COMMAND_LINE);

  reserve(KERNEL_START, bootTablesEnd() - KERNEL_START);
  reserve(startInfo, START_INFO_BYTES);
  reserve(map, entries * MEMORY_BYTES);
  if (modules > 0) {
    archiveAddress = physicalLoad64(moduleList);
    archiveLength = physicalLoad64(moduleList + 8);
    reserve(moduleList, modules * MODULE_BYTES);
    reserve(archiveAddress, archiveLength);
  }
  if (commandLineAddress !== 0) reserve(commandLineAddress, COMMAND_LINE_BYTES_MAX);

  isTooLong = entries > ENTRIES_MAX;
  if (!isTooLong) sweep(map, entries);
}

/** Whether the command line that the loader passed has this word. */
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
  const place = reserved + <usize>reservedCount * RANGE_BYTES;
  store<u64>(place, start & ~(PAGE - 1));
  store<u64>(place, reservedEnd(start, bytes), 8);
  reservedCount++;
}

/**
 * Goes from one place where something begins or ends to the next; what lies between two of them is
 * one kind of memory. At most twice as many steps as entries.
 */
function sweep(map: u64, entries: u32): void {
  let from = FIRST_USABLE;
  while (from < LAST_USABLE) {
    next = LAST_USABLE;
    const isFree = look(map, entries, from);
    if (isFree) appendRange(from, next);
    from = next;
  }
}

/** The first address behind the one that `look` was asked about where something begins or ends. */
let next: u64 = 0;

/** Whether the page at `from` may be handed out. Sets `next`. */
function look(map: u64, entries: u32, from: u64): bool {
  let isUsable = false;
  let isReserved = false;
  for (let i: u32 = 0; i < reservedCount; i++) {
    const place = reserved + <usize>i * RANGE_BYTES;
    if (covers(load<u64>(place), load<u64>(place, 8), from)) isReserved = true;
  }
  for (let i: u32 = 0; i < entries; i++) {
    const entry = map + i * MEMORY_BYTES;
    const start = physicalLoad64(entry);
    const bytes = physicalLoad64(entry + MEMORY_LENGTH);
    if (physicalLoad32(entry + MEMORY_TYPE) !== MEMORY_USABLE) {
      if (bytes !== 0 && covers(start & ~(PAGE - 1), reservedEnd(start, bytes), from))
        isReserved = true;
    } else if (start < LAST_USABLE && bytes <= LAST_USABLE - start) {
      if (covers(roundUp(start), (start + bytes) & ~(PAGE - 1), from)) isUsable = true;
    }
  }
  return isUsable && !isReserved;
}

function covers(start: u64, end: u64, from: u64): bool {
  if (start >= end) return false;
  if (start > from && start < next) next = start;
  if (end > from && end < next) next = end;
  return start <= from && from < end;
}

/**
 * End of the pages that are touched by what is reserved; what runs past the last usable address
 * reserves all up to there.
 */
function reservedEnd(start: u64, bytes: u64): u64 {
  return start >= LAST_USABLE || bytes > LAST_USABLE - start ? LAST_USABLE : roundUp(start + bytes);
}

/** Adds a range behind the others, or to the last one where nothing lies between. */
function appendRange(start: u64, end: u64): void {
  if (rangeCount > 0 && memoryRangeEnd(rangeCount - 1) === start) {
    store<u64>(ranges + <usize>(rangeCount - 1) * RANGE_BYTES, end, 8);
  } else {
    if (rangeCount === RANGES_MAX) {
      leftOutBytes += end - start;
      return;
    }
    const place = ranges + <usize>rangeCount * RANGE_BYTES;
    store<u64>(place, start);
    store<u64>(place, end, 8);
    rangeCount++;
  }
  usableBytes += end - start;
}

function roundUp(address: u64): u64 {
  return (address + PAGE - 1) & ~(PAGE - 1);
}
