// Frames of physical memory. The frame database has a word for each: a free one's link to the next,
// a used one's use and owner.
//
// Frames never used lie behind a cursor over the memory map, those given back on a list: nothing is
// proportional to the size of memory but backing the database itself at boot, a page for every 4
// MiB.

import { FRAME_DATABASE_BASE, FRAMES_MAX } from "../object/layout";
import { fillPhysical } from "../x64/physical-memory";
import { memoryRangeCount, memoryRangeEnd, memoryRangeStart } from "../x64/memory-map";
import {
  addKernelTable,
  isKernelPageMapped,
  kernelTablesMissing,
  mapKernelPage,
} from "../x64/paging";

export enum FrameUse {
  Free = 0,
  /** Window pages of the kernel itself, and their page tables. */
  Kernel = 1,
  /** A domain's page tables. */
  Table = 2,
  /** A domain's own memory: linear, stack, globals. */
  Memory = 3,
  /** A window page of objects or handles. */
  Objects = 4,
  /** A page of a memory object, or of its list of frames. */
  MemoryObject = 5,
}

/** Owner of the frames and objects that the kernel uses for itself. */
export const OWNER_KERNEL: u32 = 0xffff;
const USED: u32 = 0x80000000;
const USE_SHIFT: u32 = 16;

let freeHead: u32 = 0;
let cursor: u32 = 0;
let cursorEnd: u32 = 0;
let cursorRange: u32 = 0;
let total: u32 = 0;
let free: u32 = 0;
let reserved: u32 = 0;
let keptBack: u32 = 0;
let kernelFrames: u32 = 0;
let databaseReady: bool = false;

function wordOf(frame: u32): usize {
  return FRAME_DATABASE_BASE + ((<usize>frame) << 2);
}

/** The first whole frame of a range of the memory map. */
export function rangeFirst(range: u32): u32 {
  const first = (memoryRangeStart(range) + 4095) >> 12;
  return first > <u64>FRAMES_MAX ? FRAMES_MAX : <u32>first;
}

/** The frame behind the last whole frame of a range, or FRAMES_MAX. */
export function rangeEnd(range: u32): u32 {
  const end = memoryRangeEnd(range) >> 12;
  return end > <u64>FRAMES_MAX ? FRAMES_MAX : <u32>end;
}

/** Bytes of usable memory that lie above what the database has words for. */
export function memoryAboveFrames(): u64 {
  let bytes: u64 = 0;
  for (let range: u32 = 0; range < memoryRangeCount(); range++) {
    const start = memoryRangeStart(range);
    const end = memoryRangeEnd(range);
    const first = start > FRAMES_END ? start : FRAMES_END;
    if (end > first) bytes += end - first;
  }
  return bytes;
}
const FRAMES_END: u64 = (<u64>FRAMES_MAX) << 12;

/**
 * Takes over all usable memory and backs the frame database. The first thing after paging; false if
 * memory is too small for that.
 */
export function initializeFrames(): bool {
  const ranges = memoryRangeCount();
  for (let range: u32 = 0; range < ranges; range++) {
    const first = rangeFirst(range);
    const end = rangeEnd(range);
    if (end > first) total += end - first;
  }
  free = total;
  cursorRange = 0;
  cursor = 0;
  cursorEnd = 0;

  for (let range: u32 = 0; range < ranges; range++) {
    const first = rangeFirst(range);
    const end = rangeEnd(range);
    if (end <= first) continue;
    for (let page = wordOf(first) & ~4095; page < wordOf(end); page += 4096) {
      if (!backDatabasePage(page)) return false;
    }
  }
  databaseReady = true;
  return true;
}

/** A page of the database may be shared by two ranges: it is backed once. */
function backDatabasePage(page: usize): bool {
  if (kernelTablesMissing(page) === 0 && isKernelPageMapped(page)) return true;
  while (kernelTablesMissing(page) > 0) {
    const table = allocateFrame(FrameUse.Kernel, OWNER_KERNEL);
    if (table === 0) return false;
    addKernelTable(page, frameAddress(table));
  }
  const frame = allocateFrame(FrameUse.Kernel, OWNER_KERNEL);
  if (frame === 0) return false;
  mapKernelPage(page, frameAddress(frame));
  memory.fill(page, 0, 4096);
  return true;
}

export function frameAddress(frame: u32): u64 {
  return (<u64>frame) << 12;
}

export function frameAt(address: u64): u32 {
  return <u32>(address >> 12);
}

/** A frame of zeroes, 0 if there is none. Whoever calls has reserved or charged it. */
export function allocateFrame(use: FrameUse, owner: u32): u32 {
  let frame = freeHead;
  if (frame !== 0) {
    freeHead = load<u32>(wordOf(frame));
  } else {
    frame = neverUsed();
    if (frame === 0) return 0;
  }
  free -= 1;
  if (use === FrameUse.Kernel) kernelFrames += 1;
  if (databaseReady) store<u32>(wordOf(frame), USED | ((<u32>use) << USE_SHIFT) | owner);
  fillPhysical(frameAddress(frame), 0, 4096);
  return frame;
}

/** At most as many steps as the memory map has ranges. */
function neverUsed(): u32 {
  while (cursor >= cursorEnd) {
    if (cursorRange >= memoryRangeCount()) return 0;
    cursor = rangeFirst(cursorRange);
    cursorEnd = rangeEnd(cursorRange);
    cursorRange += 1;
  }
  const frame = cursor;
  cursor += 1;
  return frame;
}

export function freeFrame(frame: u32): void {
  const word = load<u32>(wordOf(frame));
  assert((word & USED) !== 0);
  if ((word & ~USED) >> USE_SHIFT === <u32>FrameUse.Kernel) kernelFrames -= 1;
  store<u32>(wordOf(frame), freeHead);
  freeHead = frame;
  free += 1;
}

/** Passes a frame on to another owner. */
export function setFrameOwner(frame: u32, owner: u32): void {
  const word = load<u32>(wordOf(frame));
  assert((word & USED) !== 0);
  store<u32>(wordOf(frame), (word & 0xffff0000) | owner);
}

/** Keeps so many frames, in all, for whoever may take them (memory/quota.ts). */
export function keepBack(count: u32): void {
  keptBack = count;
}

/**
 * Sets frames aside for pages that are backed later. False, with nothing done, if there are not so
 * many. `mayTakeKept`: among those kept back too.
 */
export function reserveFrames(count: u32, mayTakeKept: bool): bool {
  if ((mayTakeKept ? free - reserved : availableFrames()) < count) return false;
  reserved += count;
  return true;
}

export function releaseReserved(count: u32): void {
  assert(reserved >= count);
  reserved -= count;
}

/** A frame that was set aside before: cannot fail. */
export function allocateReserved(use: FrameUse, owner: u32): u32 {
  assert(reserved > 0);
  reserved -= 1;
  const frame = allocateFrame(use, owner);
  assert(frame !== 0);
  return frame;
}

/** Frames that neither anybody has nor anything is set aside for. */
export function availableFrames(): u32 {
  const left = free - reserved;
  return left > keptBack ? left - keptBack : 0;
}
export function totalFrames(): u32 {
  return total;
}
export function usedByKernel(): u32 {
  return kernelFrames;
}
export function freeFrames(): u32 {
  return free;
}
export function reservedFrames(): u32 {
  return reserved;
}

/** What a frame is used for. Frames never used are free. */
export function frameUse(frame: u32): FrameUse {
  const word = load<u32>(wordOf(frame));
  return (word & USED) === 0 ? FrameUse.Free : <FrameUse>((word & ~USED) >> USE_SHIFT);
}
export function frameOwner(frame: u32): u32 {
  return load<u32>(wordOf(frame)) & 0xffff;
}
