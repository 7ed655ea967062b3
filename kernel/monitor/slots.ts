// The image description of the blob in force: slots, their initial handles, programs. The
// supervisor decides when a slot starts, the blob what it then gets. Indices beyond the counts are
// the caller's broken invariant.

import {
  BlobSection,
  CHANNEL_BADGE,
  CHANNEL_BYTES,
  CHANNEL_CLASS,
  CHANNEL_COUNT,
  CHANNEL_FIRST,
  CHANNEL_INTERFACE,
  CHANNEL_NAME,
  CHANNEL_RIGHTS,
  CHANNEL_TARGET_ENDPOINT,
  CHANNEL_TARGET_SLOT,
  CHANNEL_TYPE,
  PROGRAM_BYTES,
  PROGRAM_DIGEST,
  PROGRAM_FLAGS,
  PROGRAM_FLAG_VERIFIED,
  PROGRAM_NAME,
  SLOT_BYTES,
  SLOT_CEILING,
  SLOT_CLASS,
  SLOT_FAULT_ENDPOINT,
  SLOT_FAULT_SLOT,
  SLOT_FIRST_HANDLE,
  SLOT_FLAGS,
  SLOT_FLAG_AUTOSTART,
  SLOT_FLAG_REBOOT,
  SLOT_FLAG_REBOOT_ON_PANIC,
  SLOT_HANDLE_COUNT,
  SLOT_NAME,
  SLOT_NONE,
  SLOT_PRIORITY,
  SLOT_PROGRAM,
  SLOT_QUOTA_HANDLES,
  SLOT_QUOTA_OBJECTS,
  SLOT_QUOTA_PAGES,
  SLOT_QUOTA_THREADS,
  SLOT_RESTART,
} from "../abi/blob";
import { ObjectType } from "../abi/object";
import { sectionCount, sectionStart, stringAt, stringEquals } from "./blob/sections";

export function slotCount(): u32 {
  return sectionCount(BlobSection.Slots);
}

function slotWord(slot: u32, offset: u32): u32 {
  assert(slot < slotCount());
  return load<u32>(sectionStart(BlobSection.Slots) + slot * SLOT_BYTES + offset);
}

/** Address of the zero-terminated name. */
export function slotName(slot: u32): usize {
  return stringAt(slotWord(slot, SLOT_NAME));
}
export function slotClass(slot: u32): u32 {
  return slotWord(slot, SLOT_CLASS);
}
export function slotProgram(slot: u32): u32 {
  return slotWord(slot, SLOT_PROGRAM);
}
export function slotPriority(slot: u32): u32 {
  return slotWord(slot, SLOT_PRIORITY);
}
export function slotCeiling(slot: u32): u32 {
  return slotWord(slot, SLOT_CEILING);
}
export function slotQuotaPages(slot: u32): u32 {
  return slotWord(slot, SLOT_QUOTA_PAGES);
}
export function slotQuotaHandles(slot: u32): u32 {
  return slotWord(slot, SLOT_QUOTA_HANDLES);
}
export function slotQuotaThreads(slot: u32): u32 {
  return slotWord(slot, SLOT_QUOTA_THREADS);
}
export function slotQuotaObjects(slot: u32): u32 {
  return slotWord(slot, SLOT_QUOTA_OBJECTS);
}
/** 0 never, 1 on a fault, 2 always. */
export function slotRestart(slot: u32): u32 {
  return slotWord(slot, SLOT_RESTART);
}
export function slotStartsWithSystem(slot: u32): bool {
  return (slotWord(slot, SLOT_FLAGS) & SLOT_FLAG_AUTOSTART) !== 0;
}
/** Whether the machine is started again, not stopped, where the supervisor dies too often. */
export function rebootsOnLoop(): bool {
  return (slotWord(0, SLOT_FLAGS) & SLOT_FLAG_REBOOT) !== 0;
}
/** Likewise after a panic of the kernel. */
export function rebootsOnPanic(): bool {
  return (slotWord(0, SLOT_FLAGS) & SLOT_FLAG_REBOOT_ON_PANIC) !== 0;
}
/** The slot that is told of faults, SLOT_NONE for none. */
export function slotFaultSlot(slot: u32): u32 {
  return slotWord(slot, SLOT_FAULT_SLOT);
}
/** Which of that slot's endpoints. It serves the interface Fault. */
export function slotFaultEndpoint(slot: u32): u32 {
  return slotWord(slot, SLOT_FAULT_ENDPOINT);
}
/**
 * Initial handle n of the slot, for n below `slotHandleCount`, gets index HANDLE_INDEX_FIRST_NAMED
 * + n. Pass it to `handle…` below as slotFirstHandle + n.
 */
export function slotFirstHandle(slot: u32): u32 {
  return slotWord(slot, SLOT_FIRST_HANDLE);
}
export function slotHandleCount(slot: u32): u32 {
  return slotWord(slot, SLOT_HANDLE_COUNT);
}

/**
 * Endpoints that the slot owns: the first of its handles, those whose target is the slot itself;
 * endpoint n is handle n.
 */
export function slotEndpointCount(slot: u32): u32 {
  const first = slotFirstHandle(slot);
  const count = slotHandleCount(slot);
  let endpoints: u32 = 0;
  while (
    endpoints < count &&
    handleType(first + endpoints) === ObjectType.Endpoint &&
    handleTargetSlot(first + endpoints) === slot
  )
    endpoints++;
  return endpoints;
}

export function slotEndpointInterface(slot: u32, endpoint: u32): u32 {
  return handleInterface(slotFirstHandle(slot) + endpoint);
}

/** The slot of that name, SLOT_NONE where there is none. */
export function findSlot(name: usize, bytes: u32): u32 {
  const count = slotCount();
  for (let slot: u32 = 0; slot < count; slot++) {
    if (stringEquals(slotName(slot), name, bytes)) return slot;
  }
  return SLOT_NONE;
}

function handleWord(index: u32, offset: u32): u32 {
  assert(index < sectionCount(BlobSection.Handles));
  return load<u32>(sectionStart(BlobSection.Handles) + index * CHANNEL_BYTES + offset);
}

/** ObjectType: Endpoint, Interrupt, Ports or Clock … System. */
export function handleType(index: u32): u32 {
  return handleWord(index, CHANNEL_TYPE);
}
export function handleRights(index: u32): u32 {
  return handleWord(index, CHANNEL_RIGHTS);
}
export function handleInterface(index: u32): u32 {
  return handleWord(index, CHANNEL_INTERFACE);
}
/** Endpoints: the slot that owns it. */
export function handleTargetSlot(index: u32): u32 {
  return handleWord(index, CHANNEL_TARGET_SLOT);
}
/** Endpoints: which of the owner's. */
export function handleTargetEndpoint(index: u32): u32 {
  return handleWord(index, CHANNEL_TARGET_ENDPOINT);
}
export function handleName(index: u32): usize {
  return stringAt(handleWord(index, CHANNEL_NAME));
}
export function handleBadge(index: u32): u64 {
  assert(index < sectionCount(BlobSection.Handles));
  return load<u64>(sectionStart(BlobSection.Handles) + index * CHANNEL_BYTES + CHANNEL_BADGE);
}
/** First port, or interrupt line. */
export function handleFirst(index: u32): u32 {
  return handleWord(index, CHANNEL_FIRST);
}
/** Number of ports. */
export function handleCount(index: u32): u32 {
  return handleWord(index, CHANNEL_COUNT);
}
/** Class of the object. */
export function handleClass(index: u32): u32 {
  return handleWord(index, CHANNEL_CLASS);
}

export function programCount(): u32 {
  return sectionCount(BlobSection.Programs);
}
function programEntry(program: u32): usize {
  assert(program < programCount());
  return sectionStart(BlobSection.Programs) + program * PROGRAM_BYTES;
}
export function programName(program: u32): usize {
  return stringAt(load<u32>(programEntry(program) + PROGRAM_NAME));
}
/** Address of the 32 bytes that the program's executable must measure to. */
export function programDigest(program: u32): usize {
  return programEntry(program) + PROGRAM_DIGEST;
}
/** Whether the machine-code verifier passed it when the image was built. */
export function programIsVerified(program: u32): bool {
  return (load<u32>(programEntry(program) + PROGRAM_FLAGS) & PROGRAM_FLAG_VERIFIED) !== 0;
}
