// The image description of the blob in force: slots, their initial handles, programs. The
// supervisor decides when a slot starts, the blob what it then gets. Indices beyond the counts are
// the caller's broken invariant.

import {
  BlobSection,
  PROGRAM_FLAG_VERIFIED,
  SLOT_FLAG_AUTOSTART,
  SLOT_FLAG_REBOOT,
  SLOT_FLAG_PCID,
  SLOT_FLAG_REBOOT_ON_PANIC,
  SLOT_NONE,
} from "../abi/blob";
import { BlobError } from "../abi/blob-error";
import { ObjectType } from "../abi/object";
import { policyBlob, sectionCount, stringAt } from "./blob/in-force";
import { InitialHandle, Program, Slot } from "./blob/records";
import { stringEquals } from "./blob/strings";
import { equals32 } from "./crypto/sha256";

export function slotCount(): u32 {
  return sectionCount(BlobSection.Slots);
}

function slotEntry(slot: u32): Slot {
  assert(slot < slotCount());
  return policyBlob().slot(slot);
}

/** Address of the zero-terminated name. */
export function slotName(slot: u32): usize {
  return stringAt(slotEntry(slot).name);
}
export function slotClass(slot: u32): u32 {
  return slotEntry(slot).classId;
}
export function slotProgram(slot: u32): u32 {
  return slotEntry(slot).program;
}
export function slotPriority(slot: u32): u32 {
  return slotEntry(slot).priority;
}
export function slotCeiling(slot: u32): u32 {
  return slotEntry(slot).ceiling;
}
export function slotQuotaPages(slot: u32): u32 {
  return slotEntry(slot).quotaPages;
}
export function slotQuotaHandles(slot: u32): u32 {
  return slotEntry(slot).quotaHandles;
}
export function slotQuotaThreads(slot: u32): u32 {
  return slotEntry(slot).quotaThreads;
}
export function slotQuotaObjects(slot: u32): u32 {
  return slotEntry(slot).quotaObjects;
}
/** 0 never, 1 on a fault, 2 always. */
export function slotRestart(slot: u32): u32 {
  return slotEntry(slot).restart;
}
export function slotStartsWithSystem(slot: u32): bool {
  return (slotEntry(slot).flags & SLOT_FLAG_AUTOSTART) !== 0;
}
/** True if the machine restarts, instead of stopping, when the supervisor dies too often. */
export function rebootsOnLoop(): bool {
  return (slotEntry(0).flags & SLOT_FLAG_REBOOT) !== 0;
}
/** True if the machine restarts, instead of stopping, after a panic of the kernel. */
export function rebootsOnPanic(): bool {
  return (slotEntry(0).flags & SLOT_FLAG_REBOOT_ON_PANIC) !== 0;
}
/** True if address spaces have PCIDs where the processor has them. */
export function wantsPcid(): bool {
  return (slotEntry(0).flags & SLOT_FLAG_PCID) !== 0;
}
/** The slot that handles faults of this slot; SLOT_NONE if there is none. */
export function slotFaultSlot(slot: u32): u32 {
  return slotEntry(slot).faultSlot;
}
/** Which of that slot's endpoints. It serves the interface Fault. */
export function slotFaultEndpoint(slot: u32): u32 {
  return slotEntry(slot).faultEndpoint;
}
/**
 * Initial handle n of the slot, for n below `slotHandleCount`, gets index HANDLE_INDEX_FIRST_NAMED
 * + n. Pass it to `handle…` below as slotFirstHandle + n.
 */
export function slotFirstHandle(slot: u32): u32 {
  return slotEntry(slot).firstHandle;
}
export function slotHandleCount(slot: u32): u32 {
  return slotEntry(slot).handleCount;
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

/** The slot of that name; SLOT_NONE if there is none. */
export function findSlot(name: usize, bytes: u32): u32 {
  const count = slotCount();
  for (let slot: u32 = 0; slot < count; slot++) {
    if (stringEquals(slotName(slot), name, bytes)) return slot;
  }
  return SLOT_NONE;
}

function handleEntry(index: u32): InitialHandle {
  assert(index < sectionCount(BlobSection.Handles));
  return policyBlob().handle(index);
}

/** ObjectType: Endpoint, Interrupt, Ports or Clock … System. */
export function handleType(index: u32): u32 {
  return handleEntry(index).type;
}
export function handleRights(index: u32): u32 {
  return handleEntry(index).rights;
}
export function handleInterface(index: u32): u32 {
  return handleEntry(index).interfaceId;
}
/** Endpoints: the slot that owns it. */
export function handleTargetSlot(index: u32): u32 {
  return handleEntry(index).targetSlot;
}
/** Endpoints: which of the owner's. */
export function handleTargetEndpoint(index: u32): u32 {
  return handleEntry(index).targetEndpoint;
}
export function handleName(index: u32): usize {
  return stringAt(handleEntry(index).name);
}
export function handleBadge(index: u32): u64 {
  return handleEntry(index).badge;
}
/** First port, or interrupt line. */
export function handleFirst(index: u32): u32 {
  return handleEntry(index).first;
}
/** Number of ports. */
export function handleCount(index: u32): u32 {
  return handleEntry(index).count;
}
/** Class of the object. */
export function handleClass(index: u32): u32 {
  return handleEntry(index).classId;
}

function programCount(): u32 {
  return sectionCount(BlobSection.Programs);
}
function programEntry(program: u32): Program {
  assert(program < programCount());
  return policyBlob().program(program);
}
export function programName(program: u32): usize {
  return stringAt(programEntry(program).name);
}
/** Address of the 32 bytes that the program's executable must measure to. */
export function programDigest(program: u32): usize {
  return programEntry(program).digest;
}
/** Whether the machine-code verifier passed it when the image was built. */
export function programIsVerified(program: u32): bool {
  return (programEntry(program).flags & PROGRAM_FLAG_VERIFIED) !== 0;
}

/**
 * Compares the booted programs with those of the blob in force. `digests` are the measured SHA-256
 * digests, 32 bytes each, in the archive's order. Returns BlobError.WrongImage or None. A system
 * that does not pass must not start a program.
 */
export function checkImage(digests: usize, count: u32): u32 {
  if (count !== programCount()) return BlobError.WrongImage;
  for (let i: u32 = 0; i < count; i++) {
    if (!equals32(programDigest(i), digests + i * 32)) return BlobError.WrongImage;
  }
  return BlobError.None;
}
