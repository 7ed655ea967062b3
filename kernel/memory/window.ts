// Pages of the kernel's linear window, backed on demand and given back.

import {
  addKernelTable,
  kernelPage,
  kernelTablesMissing,
  mapKernelPage,
  unmapKernelPage,
} from "../x64/paging";
import {
  FrameUse,
  OWNER_KERNEL,
  allocateFrame,
  availableFrames,
  frameAddress,
  frameAt,
  freeFrame,
  setFrameOwner,
  takeFrame,
  takeReserved,
} from "./frames";

/**
 * Backs the window page at `linear` with zeroes; false if memory is out. The frame itself has been
 * charged to `owner` already; page tables of the window are the kernel's and stay.
 */
export function backWindowPage(linear: usize, use: FrameUse, owner: u32): bool {
  let missing = kernelTablesMissing(linear);
  if (availableFrames() < missing) return false;
  for (; missing > 0; missing--) {
    addKernelTable(linear, frameAddress(allocateFrame(FrameUse.Kernel, OWNER_KERNEL)));
  }
  const frame = owner === OWNER_KERNEL ? takeFrame(use, owner) : takeReserved(use, owner);
  if (frame === 0) return false;
  mapKernelPage(linear, frameAddress(frame));
  memory.fill(linear, 0, 4096);
  return true;
}

/**
 * Makes the page tables of a range at boot, so that backing a page there takes that page and
 * nothing more.
 */
export function prepareWindow(start: usize, end: usize): bool {
  for (let linear = start & ~(TABLE_SPAN - 1); linear < end; linear += TABLE_SPAN) {
    for (let missing = kernelTablesMissing(linear); missing > 0; missing--) {
      const table = allocateFrame(FrameUse.Kernel, OWNER_KERNEL);
      if (table === 0) return false;
      addKernelTable(linear, frameAddress(table));
    }
  }
  return true;
}
/** What one page table maps. */
const TABLE_SPAN: usize = 0x200000;

/** Backs a range at boot for the kernel itself. */
export function backKernelWindow(linear: usize, bytes: u32): bool {
  for (let page = linear; page < linear + bytes; page += 4096) {
    if (!backWindowPage(page, FrameUse.Kernel, OWNER_KERNEL)) return false;
  }
  return true;
}

/** Gives the frame of a window page back. */
export function releaseWindowPage(linear: usize): void {
  freeFrame(frameAt(unmapKernelPage(linear)));
}

/** Gives the frame of a window page another owner. */
export function passWindowPage(linear: usize, owner: u32): void {
  setFrameOwner(frameAt(kernelPage(linear)), owner);
}
