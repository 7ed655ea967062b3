// The part of the structural verifier that looks at slots, their initial handles, programs and
// execute grants.

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
  EXECUTE_BYTES,
  EXECUTE_CLASS,
  EXECUTE_PROGRAM,
  FIRST_PROGRAM_CLASS,
  PROGRAM_BYTES,
  PROGRAM_FLAGS,
  PROGRAM_FLAG_VERIFIED,
  PROGRAM_NAME,
  QUOTA_HANDLES_MAX,
  QUOTA_OBJECTS_SUM_MAX,
  QUOTA_PAGES_MAX,
  QUOTA_THREADS_MAX,
  QUOTA_THREADS_SUM_MAX,
  SLOTS_MAX,
  SLOT_BYTES,
  SLOT_CEILING,
  SLOT_CLASS,
  SLOT_ENDPOINTS_MAX,
  SLOT_FAULT_ENDPOINT,
  SLOT_FAULT_SLOT,
  SLOT_FIRST_HANDLE,
  SLOT_FLAGS,
  SLOT_FLAG_AUTOSTART,
  SLOT_FLAG_REBOOT,
  SLOT_FLAG_REBOOT_ON_PANIC,
  SLOT_HANDLES_MAX,
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
import { isName } from "./name";
import { countOf, interfaceEntryIn, sectionOf } from "./sections";

const PRIORITY_MAX: u32 = 255;
/** Of objects before they are added up: no sum of 256 quotas leaves 32 bits. */
const QUOTA_MAX: u32 = 0xffffff;

export function verifyImage(blob: usize): bool {
  return verifyPrograms(blob) && verifySlots(blob) && verifyHandles(blob) && verifyExecute(blob);
}

function verifyPrograms(blob: usize): bool {
  const count = countOf(blob, BlobSection.Programs);
  if (count === 0 || count > <u32>SLOTS_MAX) return false;
  for (let i: u32 = 0; i < count; i++) {
    const entry = sectionOf(blob, BlobSection.Programs) + i * PROGRAM_BYTES;
    if (!isName(blob, load<u32>(entry + PROGRAM_NAME))) return false;
    if ((load<u32>(entry + PROGRAM_FLAGS) & ~PROGRAM_FLAG_VERIFIED) !== 0) return false;
    if (load<u64>(entry + 40) !== 0 || load<u64>(entry + 48) !== 0 || load<u64>(entry + 56) !== 0)
      return false;
  }
  return true;
}

/** Handles of the slots lie one behind the other. */
function verifySlots(blob: usize): bool {
  const count = countOf(blob, BlobSection.Slots);
  const handleCount = countOf(blob, BlobSection.Handles);
  if (count === 0 || count > <u32>SLOTS_MAX) return false;
  let handles: u32 = 0;
  for (let slot: u32 = 0; slot < count; slot++) {
    const entry = sectionOf(blob, BlobSection.Slots) + slot * SLOT_BYTES;
    if (!isName(blob, load<u32>(entry + SLOT_NAME))) return false;
    const classId = load<u32>(entry + SLOT_CLASS);
    if (classId < <u32>FIRST_PROGRAM_CLASS || !isClass(blob, classId)) return false;
    if (load<u32>(entry + SLOT_PROGRAM) >= countOf(blob, BlobSection.Programs)) return false;
    const priority = load<u32>(entry + SLOT_PRIORITY);
    const ceiling = load<u32>(entry + SLOT_CEILING);
    if (priority === 0 || priority > ceiling || ceiling > PRIORITY_MAX) return false;
    if (
      !isQuota(load<u32>(entry + SLOT_QUOTA_PAGES), QUOTA_PAGES_MAX) ||
      !isQuota(load<u32>(entry + SLOT_QUOTA_HANDLES), QUOTA_HANDLES_MAX)
    )
      return false;
    if (
      !isQuota(load<u32>(entry + SLOT_QUOTA_THREADS), QUOTA_THREADS_MAX) ||
      !isQuota(load<u32>(entry + SLOT_QUOTA_OBJECTS), QUOTA_MAX)
    )
      return false;
    if (load<u32>(entry + SLOT_RESTART) > 2) return false;
    if (
      (load<u32>(entry + SLOT_FLAGS) &
        ~(slot === 0
          ? SLOT_FLAG_AUTOSTART | SLOT_FLAG_REBOOT | SLOT_FLAG_REBOOT_ON_PANIC
          : SLOT_FLAG_AUTOSTART)) !==
      0
    )
      return false;
    const ownHandles = load<u32>(entry + SLOT_HANDLE_COUNT);
    if (load<u32>(entry + SLOT_FIRST_HANDLE) !== handles) return false;
    if (ownHandles > <u32>SLOT_HANDLES_MAX || ownHandles > handleCount - handles) return false;
    if (ownHandles + HANDLE_INDEX_FIRST_NAMED - 1 > load<u32>(entry + SLOT_QUOTA_HANDLES))
      return false;
    handles += ownHandles;
    if (load<u32>(entry + 60) !== 0) return false;
  }
  return handles === handleCount;
}

function isQuota(quota: u32, max: u32): bool {
  return quota > 0 && quota <= max;
}

/**
 * After `verifySlots`: whether the kernel's tables hold what all slots together are promised, so
 * that none is refused for what others have.
 */
export function quotasFit(blob: usize): bool {
  const count = countOf(blob, BlobSection.Slots);
  let threads: u32 = 0;
  let objects: u32 = 0;
  for (let slot: u32 = 0; slot < count; slot++) {
    const entry = sectionOf(blob, BlobSection.Slots) + slot * SLOT_BYTES;
    threads += load<u32>(entry + SLOT_QUOTA_THREADS);
    objects += load<u32>(entry + SLOT_QUOTA_OBJECTS);
  }
  return threads <= <u32>QUOTA_THREADS_SUM_MAX && objects <= <u32>QUOTA_OBJECTS_SUM_MAX;
}

/** After `verifySlots`: every slot's handles, and then whether fault handlers are what they say. */
function verifyHandles(blob: usize): bool {
  const count = countOf(blob, BlobSection.Slots);
  for (let slot: u32 = 0; slot < count; slot++) {
    const entry = sectionOf(blob, BlobSection.Slots) + slot * SLOT_BYTES;
    const first = load<u32>(entry + SLOT_FIRST_HANDLE);
    const handles = load<u32>(entry + SLOT_HANDLE_COUNT);
    let endpoints: u32 = 0;
    for (let i: u32 = 0; i < handles; i++) {
      const handle = handleEntry(blob, first + i);
      if (!isName(blob, load<u32>(handle + CHANNEL_NAME))) return false;
      const rights = load<u32>(handle + CHANNEL_RIGHTS);
      if (rights === 0 || (rights & ~RIGHTS_ALL) !== 0) return false;
      if (load<u32>(handle + 44) !== 0) return false;
      if (load<u32>(handle + CHANNEL_TYPE) !== ObjectType.Endpoint) {
        if (!verifyObject(blob, handle)) return false;
        continue;
      }
      if (load<u64>(handle + CHANNEL_FIRST) !== 0) return false;
      const interfaceId = load<u32>(handle + CHANNEL_INTERFACE);
      if (!isProgramInterface(interfaceId) || interfaceEntryIn(blob, interfaceId) === 0)
        return false;
      const target = load<u32>(handle + CHANNEL_TARGET_SLOT);
      if (target === slot) {
        // An endpoint of its own: they come first, numbered from 0, without a badge.
        if (
          i !== endpoints ||
          load<u32>(handle + CHANNEL_TARGET_ENDPOINT) !== i ||
          load<u64>(handle + CHANNEL_BADGE) !== 0
        )
          return false;
        if (endpoints === <u32>SLOT_ENDPOINTS_MAX) return false;
        endpoints += 1;
      } else if (
        !isEndpointOf(blob, target, load<u32>(handle + CHANNEL_TARGET_ENDPOINT), interfaceId)
      ) {
        return false;
      }
      if (
        load<u32>(handle + CHANNEL_CLASS) !==
        load<u32>(sectionOf(blob, BlobSection.Slots) + target * SLOT_BYTES + SLOT_CLASS)
      )
        return false;
    }
    const faultSlot = load<u32>(entry + SLOT_FAULT_SLOT);
    const faultEndpoint = load<u32>(entry + SLOT_FAULT_ENDPOINT);
    if (
      faultSlot === SLOT_NONE
        ? faultEndpoint !== 0
        : !isEndpointOf(blob, faultSlot, faultEndpoint, FAULT_INTERFACE)
    )
      return false;
  }
  return true;
}

/**
 * After `verifyHandles`: no handle has a right that the image builder never gives one of its kind,
 * so that none goes further than its policy was read.
 */
export function rightsFit(blob: usize): bool {
  const count = countOf(blob, BlobSection.Slots);
  for (let slot: u32 = 0; slot < count; slot++) {
    const entry = sectionOf(blob, BlobSection.Slots) + slot * SLOT_BYTES;
    const first = load<u32>(entry + SLOT_FIRST_HANDLE);
    const handles = load<u32>(entry + SLOT_HANDLE_COUNT);
    for (let i: u32 = 0; i < handles; i++) {
      const handle = handleEntry(blob, first + i);
      if ((load<u32>(handle + CHANNEL_RIGHTS) & ~rightsOf(handle, slot)) !== 0) return false;
    }
  }
  return true;
}

/**
 * All rights that a slot's initial handle may have. Only an endpoint's owner makes handles with
 * badges.
 */
function rightsOf(handle: usize, slot: u32): u32 {
  const type = load<u32>(handle + CHANNEL_TYPE);
  if (type === ObjectType.Slots) return RIGHT_CALL | RIGHT_CONTROL;
  if (type !== ObjectType.Endpoint) return RIGHT_CALL;
  const channel = RIGHT_CALL | RIGHT_TRANSFER | RIGHT_COPY;
  return load<u32>(handle + CHANNEL_TARGET_SLOT) === slot ? channel | RIGHT_MINT : channel;
}

function handleEntry(blob: usize, index: u32): usize {
  return sectionOf(blob, BlobSection.Handles) + index * CHANNEL_BYTES;
}

/**
 * A kernel object that an image may hand out: one of the kernel's services, a port range or an
 * interrupt line.
 */
function verifyObject(blob: usize, handle: usize): bool {
  const type = load<u32>(handle + CHANNEL_TYPE);
  if (load<u32>(handle + CHANNEL_CLASS) !== type) return false;
  if (load<u32>(handle + CHANNEL_INTERFACE) !== type || interfaceEntryIn(blob, type) === 0)
    return false;
  if (
    load<u32>(handle + CHANNEL_TARGET_SLOT) !== SLOT_NONE ||
    load<u32>(handle + CHANNEL_TARGET_ENDPOINT) !== 0 ||
    load<u64>(handle + CHANNEL_BADGE) !== 0
  )
    return false;
  const first = load<u32>(handle + CHANNEL_FIRST);
  const count = load<u32>(handle + CHANNEL_COUNT);
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

/**
 * Whether slot `slot` owns an endpoint of that number and interface. Its handles have been or will
 * be verified themselves.
 */
function isEndpointOf(blob: usize, slot: u32, endpoint: u32, interfaceId: u32): bool {
  if (slot >= countOf(blob, BlobSection.Slots)) return false;
  const entry = sectionOf(blob, BlobSection.Slots) + slot * SLOT_BYTES;
  if (endpoint >= load<u32>(entry + SLOT_HANDLE_COUNT)) return false;
  const handle = handleEntry(blob, load<u32>(entry + SLOT_FIRST_HANDLE) + endpoint);
  return (
    load<u32>(handle + CHANNEL_TYPE) === ObjectType.Endpoint &&
    load<u32>(handle + CHANNEL_TARGET_SLOT) === slot &&
    load<u32>(handle + CHANNEL_TARGET_ENDPOINT) === endpoint &&
    load<u32>(handle + CHANNEL_INTERFACE) === interfaceId
  );
}

/** Ascending by class and program, no grant twice. Its rule is looked at with the rules. */
function verifyExecute(blob: usize): bool {
  const count = countOf(blob, BlobSection.Execute);
  let previous: u64 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const entry = sectionOf(blob, BlobSection.Execute) + i * EXECUTE_BYTES;
    const classId = load<u32>(entry + EXECUTE_CLASS);
    const program = load<u32>(entry + EXECUTE_PROGRAM);
    if (classId < <u32>FIRST_PROGRAM_CLASS || !isClass(blob, classId)) return false;
    if (program >= countOf(blob, BlobSection.Programs)) return false;
    const key = ((<u64>classId) << 32) | <u64>program;
    if (key <= previous) return false;
    previous = key;
    if (load<u32>(entry + 12) !== 0) return false;
  }
  return true;
}

/**
 * After `verifyExecute` and `verifyRules`: every slot's class may run its program. A slot of which
 * that is not so could never start.
 */
export function slotsMayStart(blob: usize): bool {
  const count = countOf(blob, BlobSection.Slots);
  for (let slot: u32 = 0; slot < count; slot++) {
    const entry = sectionOf(blob, BlobSection.Slots) + slot * SLOT_BYTES;
    if (
      !mayExecute(
        blob,
        ((<u64>load<u32>(entry + SLOT_CLASS)) << 32) | <u64>load<u32>(entry + SLOT_PROGRAM),
      )
    )
      return false;
  }
  return true;
}

/** Grants ascend by class and program. */
function mayExecute(blob: usize, key: u64): bool {
  let low: u32 = 0;
  let high = countOf(blob, BlobSection.Execute);
  while (low < high) {
    const middle = (low + high) >> 1;
    const entry = sectionOf(blob, BlobSection.Execute) + middle * EXECUTE_BYTES;
    const found =
      ((<u64>load<u32>(entry + EXECUTE_CLASS)) << 32) | <u64>load<u32>(entry + EXECUTE_PROGRAM);
    if (found === key) return true;
    if (found < key) low = middle + 1;
    else high = middle;
  }
  return false;
}
