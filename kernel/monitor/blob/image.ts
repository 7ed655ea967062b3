// The part of the structural verifier that checks slots, their initial handles, programs and
// execute grants.

import {
  BlobSection,
  FIRST_PROGRAM_CLASS,
  PROGRAM_FLAG_VERIFIED,
  QUOTA_HANDLES_MAX,
  QUOTA_OBJECTS_SUM_MAX,
  QUOTA_PAGES_MAX,
  QUOTA_THREADS_MAX,
  QUOTA_THREADS_SUM_MAX,
  SLOTS_MAX,
  SLOT_ENDPOINTS_MAX,
  SLOT_FLAG_AUTOSTART,
  SLOT_FLAG_REBOOT,
  SLOT_FLAG_PCID,
  SLOT_FLAG_REBOOT_ON_PANIC,
  SLOT_HANDLES_MAX,
  SLOT_NONE,
} from "../../abi/blob";
import { INTERRUPT_LINES, PORTS } from "../../abi/device";
import {
  FAULT_INTERFACE,
  FIRST_PROGRAM_INTERFACE,
  ObjectType,
  RIGHTS_ALL,
  RIGHT_CALL,
  RIGHT_CONTROL,
  RIGHT_COPY,
  RIGHT_MINT,
  RIGHT_TRANSFER,
} from "../../abi/object";
import { HANDLE_INDEX_FIRST_NAMED } from "../../abi/system-call";
import { isClass } from "./interfaces";
import { Blob, InitialHandle, Slot, executeKey } from "./records";
import { isName } from "./strings";

const PRIORITY_MAX: u32 = 255;
const RESTART_MAX: u32 = 2;
/** Of objects, before quotas are added up: no sum of 1,024 quotas overflows 32 bits. */
const QUOTA_OBJECTS_MAX: u32 = 0x3fffff;

/** After `verifyInterfaces`. */
export function verifyImage(blob: Blob): bool {
  return (
    verifyPrograms(blob) &&
    verifySlots(blob) &&
    verifyHandles(blob) &&
    verifyFaultHandlers(blob) &&
    verifyExecute(blob)
  );
}

function verifyPrograms(blob: Blob): bool {
  const count = blob.count(BlobSection.Programs);
  if (count === 0 || count > <u32>SLOTS_MAX) return false;
  for (let i: u32 = 0; i < count; i++) {
    const program = blob.program(i);
    if (!isName(blob, program.name)) return false;
    if ((program.flags & ~PROGRAM_FLAG_VERIFIED) !== 0) return false;
    if ((program.reserved0 | program.reserved1 | program.reserved2) !== 0) return false;
  }
  return true;
}

/** The handles of the slots follow each other in order of the slots. */
function verifySlots(blob: Blob): bool {
  const count = blob.count(BlobSection.Slots);
  const handleCount = blob.count(BlobSection.Handles);
  if (count === 0 || count > <u32>SLOTS_MAX) return false;
  let handles: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const slot = blob.slot(i);
    if (!isName(blob, slot.name)) return false;
    if (!isProgramClass(blob, slot.classId)) return false;
    if (slot.program >= blob.count(BlobSection.Programs)) return false;
    if (slot.priority === 0 || slot.priority > slot.ceiling) return false;
    if (slot.ceiling > PRIORITY_MAX) return false;
    if (!verifyQuotas(slot)) return false;
    if (slot.restart > RESTART_MAX) return false;
    if ((slot.flags & ~flagsOf(i)) !== 0) return false;
    if (slot.firstHandle !== handles) return false;
    if (slot.handleCount > <u32>SLOT_HANDLES_MAX) return false;
    if (slot.handleCount > handleCount - handles) return false;
    if (slot.handleCount + HANDLE_INDEX_FIRST_NAMED - 1 > slot.quotaHandles) return false;
    if (slot.reserved !== 0) return false;
    handles += slot.handleCount;
  }
  return handles === handleCount;
}

/** The flags that a slot may have: the supervisor's also say what holds for the machine. */
function flagsOf(slot: u32): u32 {
  return slot === 0
    ? SLOT_FLAG_AUTOSTART | SLOT_FLAG_REBOOT | SLOT_FLAG_REBOOT_ON_PANIC | SLOT_FLAG_PCID
    : SLOT_FLAG_AUTOSTART;
}

function verifyQuotas(slot: Slot): bool {
  return (
    isQuota(slot.quotaPages, QUOTA_PAGES_MAX) &&
    isQuota(slot.quotaHandles, QUOTA_HANDLES_MAX) &&
    isQuota(slot.quotaThreads, QUOTA_THREADS_MAX) &&
    isQuota(slot.quotaObjects, QUOTA_OBJECTS_MAX)
  );
}

function isQuota(quota: u32, max: u32): bool {
  return quota > 0 && quota <= max;
}

/** A class of programs, as opposed to one of kernel objects. */
function isProgramClass(blob: Blob, classId: u32): bool {
  return classId >= <u32>FIRST_PROGRAM_CLASS && isClass(blob, classId);
}

/**
 * After `verifySlots`: true if the kernel's tables have room for the quotas of all slots together,
 * so that no slot is refused what its quota allows because of what others have.
 */
export function quotasFit(blob: Blob): bool {
  const count = blob.count(BlobSection.Slots);
  let threads: u32 = 0;
  let objects: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const slot = blob.slot(i);
    threads += slot.quotaThreads;
    objects += slot.quotaObjects;
  }
  return threads <= <u32>QUOTA_THREADS_SUM_MAX && objects <= <u32>QUOTA_OBJECTS_SUM_MAX;
}

/** After `verifySlots`. */
function verifyHandles(blob: Blob): bool {
  const count = blob.count(BlobSection.Slots);
  for (let slot: u32 = 0; slot < count; slot++) {
    if (!verifyHandlesOf(blob, slot)) return false;
  }
  return true;
}

/**
 * The handles of one slot: first its own endpoints, numbered from 0, then endpoints of other slots
 * and kernel objects.
 */
function verifyHandlesOf(blob: Blob, slotNumber: u32): bool {
  const slot = blob.slot(slotNumber);
  let ownEndpoints: u32 = 0;
  for (let i: u32 = 0; i < slot.handleCount; i++) {
    const handle = blob.handle(slot.firstHandle + i);
    if (!isName(blob, handle.name)) return false;
    if (handle.rights === 0 || (handle.rights & ~RIGHTS_ALL) !== 0) return false;
    if (handle.reserved !== 0) return false;
    if (handle.type !== ObjectType.Endpoint) {
      if (!verifyKernelObject(blob, handle)) return false;
    } else if (handle.targetSlot === slotNumber) {
      if (ownEndpoints !== i || !verifyOwnEndpoint(blob, handle, i)) return false;
      ownEndpoints += 1;
    } else {
      if (!verifyForeignEndpoint(blob, handle)) return false;
    }
  }
  return true;
}

/** An endpoint that the slot owns: number `i` of them, and without a badge. */
function verifyOwnEndpoint(blob: Blob, handle: InitialHandle, i: u32): bool {
  return (
    i < <u32>SLOT_ENDPOINTS_MAX &&
    handle.targetEndpoint === i &&
    handle.badge === 0 &&
    verifyEndpoint(blob, handle)
  );
}

/** An endpoint that another slot owns. */
function verifyForeignEndpoint(blob: Blob, handle: InitialHandle): bool {
  return (
    isEndpointOf(blob, handle.targetSlot, handle.targetEndpoint, handle.interfaceId) &&
    verifyEndpoint(blob, handle)
  );
}

/** What holds of every endpoint. The target slot exists. */
function verifyEndpoint(blob: Blob, handle: InitialHandle): bool {
  return (
    handle.first === 0 &&
    handle.count === 0 &&
    isProgramInterface(handle.interfaceId) &&
    blob.interfaceOf(handle.interfaceId) !== null &&
    handle.classId === blob.slot(handle.targetSlot).classId
  );
}

/**
 * A kernel object that an image may hand out: one of the kernel's services, a port range or an
 * interrupt line.
 */
function verifyKernelObject(blob: Blob, handle: InitialHandle): bool {
  const type = handle.type;
  if (handle.classId !== type || handle.interfaceId !== type) return false;
  if (blob.interfaceOf(type) === null) return false;
  if (handle.targetSlot !== SLOT_NONE || handle.targetEndpoint !== 0) return false;
  if (handle.badge !== 0) return false;
  const first = handle.first;
  const count = handle.count;
  if (type === ObjectType.Ports)
    return count > 0 && first < <u32>PORTS && count <= <u32>PORTS - first;
  if (type === ObjectType.Interrupt) return first < <u32>INTERRUPT_LINES && count === 0;
  return (
    type >= <u32>ObjectType.Clock && type <= <u32>ObjectType.System && first === 0 && count === 0
  );
}

function isProgramInterface(interfaceId: u32): bool {
  return interfaceId >= <u32>FIRST_PROGRAM_INTERFACE || interfaceId === FAULT_INTERFACE;
}

/** After `verifyHandles`: every fault handler is an endpoint that serves the interface Fault. */
function verifyFaultHandlers(blob: Blob): bool {
  const count = blob.count(BlobSection.Slots);
  for (let i: u32 = 0; i < count; i++) {
    const slot = blob.slot(i);
    const isValid =
      slot.faultSlot === SLOT_NONE
        ? slot.faultEndpoint === 0
        : isEndpointOf(blob, slot.faultSlot, slot.faultEndpoint, FAULT_INTERFACE);
    if (!isValid) return false;
  }
  return true;
}

/**
 * True if the slot exists and owns an endpoint of that number and interface. May be called before
 * the slot's own handles have been verified.
 */
function isEndpointOf(blob: Blob, slotNumber: u32, endpoint: u32, interfaceId: u32): bool {
  if (slotNumber >= blob.count(BlobSection.Slots)) return false;
  const slot = blob.slot(slotNumber);
  if (endpoint >= slot.handleCount) return false;
  const handle = blob.handle(slot.firstHandle + endpoint);
  return (
    handle.type === ObjectType.Endpoint &&
    handle.targetSlot === slotNumber &&
    handle.targetEndpoint === endpoint &&
    handle.interfaceId === interfaceId
  );
}

/**
 * After `verifyHandles`: true if no handle has a right that the image builder never gives one of
 * its kind. The policy compiler relies on this when it says what an image allows.
 */
export function rightsFit(blob: Blob): bool {
  const count = blob.count(BlobSection.Slots);
  for (let i: u32 = 0; i < count; i++) {
    const slot = blob.slot(i);
    for (let n: u32 = 0; n < slot.handleCount; n++) {
      const handle = blob.handle(slot.firstHandle + n);
      if ((handle.rights & ~rightsOf(handle, i)) !== 0) return false;
    }
  }
  return true;
}

/** All rights that a slot's initial handle may have. Only an endpoint's owner makes badges. */
function rightsOf(handle: InitialHandle, slot: u32): u32 {
  if (handle.type === ObjectType.Slots) return RIGHT_CALL | RIGHT_CONTROL;
  if (handle.type !== ObjectType.Endpoint) return RIGHT_CALL;
  const rights = RIGHT_CALL | RIGHT_TRANSFER | RIGHT_COPY;
  return handle.targetSlot === slot ? rights | RIGHT_MINT : rights;
}

/** Ascending by class and program, no grant twice. `verifyRules` checks the grants' rules. */
function verifyExecute(blob: Blob): bool {
  const count = blob.count(BlobSection.Execute);
  let previous: u64 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const grant = blob.executeGrant(i);
    if (!isProgramClass(blob, grant.classId)) return false;
    if (grant.program >= blob.count(BlobSection.Programs)) return false;
    if (grant.key <= previous) return false;
    previous = grant.key;
    if (grant.reserved !== 0) return false;
  }
  return true;
}

/**
 * After `verifyExecute` and `verifyRules`: true if every slot's class may run the slot's program;
 * any other slot could never start.
 */
export function slotsMayStart(blob: Blob): bool {
  const count = blob.count(BlobSection.Slots);
  for (let i: u32 = 0; i < count; i++) {
    const slot = blob.slot(i);
    if (!mayExecute(blob, executeKey(slot.classId, slot.program))) return false;
  }
  return true;
}

/** Grants ascend by their key. */
function mayExecute(blob: Blob, key: u64): bool {
  let low: u32 = 0;
  let high = blob.count(BlobSection.Execute);
  while (low < high) {
    const middle = (low + high) >> 1;
    const found = blob.executeGrant(middle).key;
    if (found === key) return true;
    if (found < key) low = middle + 1;
    else high = middle;
  }
  return false;
}
