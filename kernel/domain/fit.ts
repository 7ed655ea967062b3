// Whether each slot's quotas let its program start. Checked once, at boot: a slot that could never
// start is a mistake of the image.

import { BlobError } from "../abi/blob-error";
import { Status } from "../abi/status";
import { HANDLE_INDEX_FIRST_NAMED } from "../abi/system-call";
import { REGION_START, stacksFit } from "../memory/address-space";
import { HANDLE_SHIFT, PORT_BITMAP_BYTES } from "../object/layout";
import { slotHandleCount, slotProgram, slotQuotaPages, slotQuotaThreads } from "../monitor/monitor";
import { archivePrograms, archivedProgram } from "./archive";
import { note, programHeader, programHeaderCount, readExecutable } from "./elf";
import { hasPorts } from "./port-bitmap";

/** The domain's top page table, and the three below it that its region takes. */
const TABLE_PAGES: u32 = 4;
/** The first thread, and the first page of its stack. */
const THREAD_PAGES: u32 = 2;

/**
 * UnreadableProgram if this kernel cannot load the slot's executable, UnfitProgram if the slot's
 * quotas are too small for it, None if the slot can start. The programs are those of the blob. An
 * executable that only this machine cannot run passes; `startSlot` reports it.
 */
export function checkFit(slot: u32): BlobError {
  const number = slotProgram(slot);
  if (number >= archivePrograms()) return BlobError.UnreadableProgram;
  const program = archivedProgram(number);
  const status = readExecutable(program.start, program.bytes);
  if (status !== Status.Ok) return BlobError.UnreadableProgram;
  return fits(slot) ? BlobError.None : BlobError.UnfitProgram;
}

/** True if the slot's quotas suffice for the executable that was read last. */
function fits(slot: u32): bool {
  let regionEnd = REGION_START;
  const handleBytes = (HANDLE_INDEX_FIRST_NAMED + slotHandleCount(slot)) << HANDLE_SHIFT;
  let pages = TABLE_PAGES + THREAD_PAGES + ((handleBytes + 4095) >> 12);
  if (hasPorts(slot)) pages += PORT_BITMAP_BYTES >> 12;
  const headers = programHeaderCount();
  for (let i: u32 = 0; i < headers; i++) {
    const segment = programHeader(i);
    if (!segment.isLoaded) continue;
    if (segment.pageEnd > regionEnd) regionEnd = segment.pageEnd;
    if (!segment.isWritable) pages += <u32>((segment.pageEnd - segment.start) >> 12);
  }
  return (
    pages <= slotQuotaPages(slot) &&
    stacksFit(slotQuotaThreads(slot), note().stackBytes, note().threadBlockBytes, regionEnd)
  );
}
