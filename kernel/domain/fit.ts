// Whether each slot's quotas let its program start, looked at once, at boot: a slot that could
// never start is a mistake of the image.

import { BlobError } from "../abi/blob-error";
import { ObjectType } from "../abi/object";
import { Status } from "../abi/status";
import { HANDLE_INDEX_FIRST_NAMED } from "../abi/system-call";
import { REGION_START, stacksFit } from "../memory/address-space";
import { HANDLE_SHIFT, PORT_BITMAP_BYTES } from "../object/layout";
import {
  handleType,
  slotCount,
  slotFirstHandle,
  slotHandleCount,
  slotProgram,
  slotQuotaPages,
  slotQuotaThreads,
} from "../monitor/monitor";
import { programLength, programStart } from "./archive";
import {
  isLoaded,
  isWritable,
  readExecutable,
  segmentCount,
  segmentEnd,
  segmentStart,
  stackBytes,
  threadBlockBytes,
} from "./elf";

/** The domain's top page table, and the three below it that its region takes. */
const TABLE_PAGES: u32 = 4;
/** The first thread, and the first page of its stack. */
const THREAD_PAGES: u32 = 2;

let unfit: u32 = 0;

/** The slot that `slotsFitPrograms` has found. */
export function unfitSlot(): u32 {
  return unfit;
}

/**
 * BlobError.UnreadableProgram if a slot's executable is none for this kernel, UnfitProgram if the
 * slot's quotas are too small for it, None if all slots can start. The programs are those of the
 * blob. An executable that only this machine cannot run is told when it starts.
 */
export function slotsFitPrograms(): BlobError {
  const slots = slotCount();
  for (unfit = 0; unfit < slots; unfit++) {
    const program = slotProgram(unfit);
    const read = readExecutable(programStart(program), programLength(program));
    if (read === Status.Malformed || read === Status.BadVersion) return BlobError.UnreadableProgram;
    if (read === Status.Ok && !fits(unfit)) return BlobError.UnfitProgram;
  }
  return BlobError.None;
}

/** Of the executable that was read last. */
function fits(slot: u32): bool {
  const handles = slotHandleCount(slot);
  let regionEnd = REGION_START;
  let pages =
    TABLE_PAGES +
    THREAD_PAGES +
    ((((HANDLE_INDEX_FIRST_NAMED + handles) << HANDLE_SHIFT) + 4095) >> 12);
  if (hasPorts(slotFirstHandle(slot), handles)) pages += PORT_BITMAP_BYTES >> 12;
  const segments = segmentCount();
  for (let i: u32 = 0; i < segments; i++) {
    if (!isLoaded(i)) continue;
    const end = (segmentEnd(i) + 4095) & ~(<u64>4095);
    if (end > regionEnd) regionEnd = end;
    if (!isWritable(i)) pages += <u32>((end - segmentStart(i)) >> 12);
  }
  return (
    pages <= slotQuotaPages(slot) &&
    stacksFit(slotQuotaThreads(slot), stackBytes(), threadBlockBytes(), regionEnd)
  );
}

function hasPorts(first: u32, count: u32): bool {
  for (let i = first; i < first + count; i++) {
    if (handleType(i) === <u32>ObjectType.Ports) return true;
  }
  return false;
}
