// Frames of physical memory. The frame database has a word for each frame: the link of a free frame
// to the next, use and owner of a used frame.
//
// Frames that were never used lie behind a cursor over the memory map; frames that were given back
// are on a list. So only backing the database at boot, a page for every 4 MiB, takes time in
// proportion to the size of memory.

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
  /** A page of a memory object, or of its list of frames. The owner is the object's index. */
  MemoryObject = 5,
}

/** Owner of the frames and objects that the kernel uses for itself. */
export const OWNER_KERNEL: u32 = 0xffff;

/**
 * A frame's word in the database. Free: number of the next frame on the list, 0 at its end. Used:
 *
 *   bits  0..15  owner
 *   bits 16..30  FrameUse
 *   bit  31      1
 */
@unmanaged
class Frame {
  private word: u32;

  @inline static of(frame: u32): Frame {
    return changetype<Frame>(FRAME_DATABASE_BASE + ((<usize>frame) << 2));
  }
  @inline get isUsed(): bool {
    return (this.word & FRAME_USED) !== 0;
  }
  @inline get use(): FrameUse {
    return this.isUsed ? <FrameUse>((this.word & ~FRAME_USED) >> FRAME_USE_SHIFT) : FrameUse.Free;
  }
  @inline get owner(): u32 {
    return this.word & FRAME_OWNER_MASK;
  }
  @inline get nextFree(): u32 {
    assert(!this.isUsed);
    return this.word;
  }
  @inline setUsed(use: FrameUse, owner: u32): void {
    this.word = FRAME_USED | ((<u32>use) << FRAME_USE_SHIFT) | owner;
  }
  @inline setFree(next: u32): void {
    this.word = next;
  }
}

const FRAME_USED: u32 = 0x80000000;
const FRAME_USE_SHIFT: u32 = 16;
const FRAME_OWNER_MASK: u32 = 0xffff;

// The machine has one memory, so its state is this module's. Counts are of frames.

/** The first frame on the list of those given back, 0 if there is none. */
let freeHead: u32 = 0;
/** The next frame that was never used, the end of its range, and the range that comes next. */
let cursor: u32 = 0;
let cursorEnd: u32 = 0;
let cursorRange: u32 = 0;
let total: u32 = 0;
let free: u32 = 0;
/** Free, but set aside for pages that are backed later. */
let reserved: u32 = 0;
/** Free, and only for the supervisor (memory/quota.ts). */
let keptBack: u32 = 0;
let kernelFrames: u32 = 0;
/** The database is backed. Frames taken before have no word; all of them are the kernel's. */
let databaseReady: bool = false;

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
    const databaseEnd = changetype<usize>(Frame.of(end));
    for (let page = changetype<usize>(Frame.of(first)) & ~4095; page < databaseEnd; page += 4096) {
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

/** A frame of zeroes, 0 if there is none. The caller has reserved or charged the frame. */
export function allocateFrame(use: FrameUse, owner: u32): u32 {
  const frame = takeFrame(use, owner);
  if (frame !== 0) fillPhysical(frameAddress(frame), 0, 4096);
  return frame;
}

/** As `allocateFrame`, but the frame holds what its last owner left: the caller fills it. */
export function takeFrame(use: FrameUse, owner: u32): u32 {
  let frame = freeHead;
  if (frame !== 0) {
    freeHead = Frame.of(frame).nextFree;
  } else {
    frame = neverUsed();
    if (frame === 0) return 0;
  }
  free -= 1;
  if (use === FrameUse.Kernel) kernelFrames += 1;
  if (databaseReady) Frame.of(frame).setUsed(use, owner);
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
  const record = Frame.of(frame);
  assert(record.isUsed);
  if (record.use === FrameUse.Kernel) kernelFrames -= 1;
  record.setFree(freeHead);
  freeHead = frame;
  free += 1;
}

/** Passes a frame on to another owner. */
export function setFrameOwner(frame: u32, owner: u32): void {
  const record = Frame.of(frame);
  assert(record.isUsed);
  record.setUsed(record.use, owner);
}

/** Keeps this number of frames, in all, for the supervisor (memory/quota.ts). */
export function keepBack(count: u32): void {
  keptBack = count;
}

/**
 * Sets frames aside for pages that are backed later. False, with nothing done, if there are too few
 * frames. `mayTakeKept`: the frames kept back count too.
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

/** A frame of zeroes that was set aside before: cannot fail. */
export function allocateReserved(use: FrameUse, owner: u32): u32 {
  const frame = takeReserved(use, owner);
  fillPhysical(frameAddress(frame), 0, 4096);
  return frame;
}

/** As `allocateReserved`, but the frame holds what its last owner left: the caller fills it. */
export function takeReserved(use: FrameUse, owner: u32): u32 {
  assert(reserved > 0);
  reserved -= 1;
  const frame = takeFrame(use, owner);
  assert(frame !== 0);
  return frame;
}

/** Free frames that are neither set aside nor kept back. */
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

/** What a frame is used for. Frames that were never used are free. */
export function frameUse(frame: u32): FrameUse {
  return Frame.of(frame).use;
}
export function frameOwner(frame: u32): u32 {
  return Frame.of(frame).owner;
}
