// A domain's handle table: places found by number, filled and emptied.

import { ObjectType } from "../abi/object";
import { HANDLE_GENERATION_SHIFT, INITIAL_GENERATION } from "../abi/system-call";
import { GUARD_QUOTA, GUARD_RIGHTS } from "../base/guards";
import { FrameUse } from "../memory/frames";
import { HANDLES_MAX, HANDLE_SHIFT } from "../object/layout";
import { chargePages, unchargeReserved, unchargeShared } from "../memory/quota";
import { backWindowPage, releaseWindowPage } from "../memory/window";
import { Domain, domainOfSlot } from "../object/domain";
import { HandleEntry } from "../object/handle-entry";
import { Inbox } from "../object/inbox";
import { KernelObject } from "../object/kernel-object";
import { MemoryObject } from "../object/memory-object";
import { linkHandle, unlinkHandle } from "./tree";

const ENTRIES_PER_PAGE: u32 = 4096 >> HANDLE_SHIFT;
/** Place 0 names no handle. */
const FIRST_PLACE: u32 = 1;
const GENERATION_LAST: u32 = 0xffff;
/** Bits of a handle's number that name its place. */
const PLACE_BITS: u32 = 12;
if (1 << PLACE_BITS !== HANDLES_MAX) ERROR("PLACE_BITS does not fit HANDLES_MAX");
/** Children moved or handles removed in one step. */
export const TREE_STEP: u32 = 32;

/** Masked, so that speculation cannot reach another domain's table (kernel/base/speculation.ts). */
function entryAt(domain: Domain, index: u32): HandleEntry {
  return changetype<HandleEntry>(
    domain.handleTable + ((<usize>(index & (HANDLES_MAX - 1))) << HANDLE_SHIFT),
  );
}

/** The steps of `findHandle`, for a path that knows which type it wants. */
export class HandleTable {
  /** The place that a number names. */
  @inline
  static place(number: u64): u32 {
    return <u32>number & (HANDLES_MAX - 1);
  }
  /** The entry at a place below `handleHigh`, which may be empty. */
  @inline
  static at(domain: Domain, place: u32): HandleEntry {
    return entryAt(domain, place);
  }
  /**
   * True if the number names the entry at `place`, which is in use and of this type. One
   * comparison: of the generation, the bits that are zero in every number, and the type.
   */
  @inline
  static names(number: u64, place: u32, entry: HandleEntry, type: ObjectType): bool {
    return number - <u64>place + <u64>type === entry.generationAndType;
  }
}

/** The entry that a number names in the domain's table, null if it names none. */
export function findHandle(domain: Domain, number: u32): HandleEntry | null {
  const index = number & (HANDLES_MAX - 1);
  if (index === 0 || index >= domain.handleHigh) return null;
  const entry = entryAt(domain, index);
  // Behind the place: bits that are zero in every number given out, then the generation.
  if (
    entry.type === 0 ||
    (<u32>entry.generation) << (HANDLE_GENERATION_SHIFT - PLACE_BITS) !== number >> PLACE_BITS
  )
    return null;
  return entry;
}

/** The number by which its domain names the handle. */
export function handleNumber(entry: HandleEntry): u32 {
  return entry.index | ((<u32>entry.generation) << HANDLE_GENERATION_SHIFT);
}

export function hasRights(entry: HandleEntry, rights: u32): bool {
  return !GUARD_RIGHTS || (entry.rights & rights) === rights;
}

/** Only handles to memory have mappings. */
export function isMemoryHandle(entry: HandleEntry): bool {
  return entry.type === <u16>ObjectType.Memory;
}

/** True if the handle's memory object is being freed: such an object takes no new references. */
export function isOfDyingMemory(entry: HandleEntry): bool {
  return isMemoryHandle(entry) && changetype<MemoryObject>(entry.object!).isDying;
}

/** The entry in use at an index below `handleHigh`, null if the place is empty. */
export function handleAt(domain: Domain, index: u32): HandleEntry | null {
  const entry = entryAt(domain, index);
  return entry.type === 0 ? null : entry;
}

/**
 * The first entry in use from an index on, null if there is none. At most as many steps as the
 * table has places.
 */
export function handleFrom(domain: Domain, index: u32): HandleEntry | null {
  for (let i: u32 = index === 0 ? 1 : index; i < domain.handleHigh; i++) {
    const entry = entryAt(domain, i);
    if (entry.type !== 0) return entry;
  }
  return null;
}

/**
 * Makes sure that the next `count` (at most 64) handles find a place. False beyond the quota of
 * handles or pages.
 */
export function prepareHandles(domain: Domain, count: u32): bool {
  if (GUARD_QUOTA && domain.handlesUsed + count > domain.quotaHandles) return false;
  const freePlaces = domain.handleFreeCount + domain.handlePlaces - domain.handleHigh;
  if (freePlaces >= count) return true;
  return addPage(domain);
}

/** Backs the page behind the last one. */
function addPage(domain: Domain): bool {
  const places = domain.handlePlaces;
  if (places === HANDLES_MAX) return false;
  if (!chargePages(domain, 1)) return false;
  if (!backWindowPage(changetype<usize>(entryAt(domain, places)), FrameUse.Objects, domain.slot)) {
    unchargeReserved(domain, 1);
    return false;
  }
  domain.handlePlaces = places + ENTRIES_PER_PAGE;
  if (places === 0) domain.handleHigh = FIRST_PLACE;
  return true;
}

/** Appends a free entry to the free list, so that it is reused as late as possible. */
function appendFree(domain: Domain, entry: HandleEntry): void {
  entry.nextFree = 0;
  if (domain.handleFreeCount === 0) domain.handleFree = entry.index;
  else entryAt(domain, domain.handleFreeLast).nextFree = entry.index;
  domain.handleFreeLast = entry.index;
  domain.handleFreeCount += 1;
}

/**
 * Makes a handle. Cannot fail, as the caller has prepared the place. `parent` is null for a root
 * handle.
 */
export function addHandle(
  domain: Domain,
  object: KernelObject,
  type: u32,
  rights: u32,
  badge: u64,
  interfaceId: u32,
  classId: u32,
  parent: HandleEntry | null,
): HandleEntry {
  let entry: HandleEntry;
  // Places that were never used come first, in order and without a gap: the build has counted the
  // numbers of an instance's initial handles. Used places rest as long as possible.
  if (domain.handleHigh < domain.handlePlaces) {
    entry = entryAt(domain, domain.handleHigh);
    domain.handleHigh += 1;
  } else {
    assert(domain.handleFreeCount > 0);
    entry = entryAt(domain, domain.handleFree);
    domain.handleFree = entry.nextFree;
    domain.handleFreeCount -= 1;
  }
  assert(entry.type === 0);
  if (entry.generation === 0) entry.generation = <u16>INITIAL_GENERATION;
  entry.type = <u16>type;
  entry.rights = rights;
  entry.object = object;
  entry.epoch = 0;
  entry.verdicts = 0;
  entry.badge = badge;
  entry.interfaceId = interfaceId;
  entry.classId = classId;
  entry.firstChild = null;
  entry.seenInstance = 0;
  linkHandle(entry, object, parent);
  object.handleCount += 1;
  domain.handlesUsed += 1;
  return entry;
}

/**
 * Empties the place of a handle without children and mappings. The caller checks whether the object
 * has other handles.
 */
export function removeHandle(entry: HandleEntry): void {
  assert(entry.firstChild === null);
  assert(!isMemoryHandle(entry) || entry.firstMapping === null);
  const domain = domainOfSlot(entry.slot);
  const object = entry.object!;
  if (entry.type === <u16>ObjectType.Inbox) changetype<Inbox>(object).forgetNumber();
  unlinkHandle(entry);
  object.handleCount -= 1;
  domain.handlesUsed -= 1;
  entry.type = 0;
  entry.object = null;
  entry.rights = 0;
  entry.epoch = 0;
  entry.verdicts = 0;
  entry.generation =
    <u32>entry.generation === GENERATION_LAST ? <u16>INITIAL_GENERATION : entry.generation + 1;
  appendFree(domain, entry);
}

/** Gives back the last page of an empty table; false if none is left. */
export function releaseHandlePage(domain: Domain): bool {
  assert(domain.handlesUsed === 0);
  const places = domain.handlePlaces;
  if (places === 0) return false;
  domain.handlePlaces = places - ENTRIES_PER_PAGE;
  domain.handleHigh = domain.handlePlaces;
  releaseWindowPage(changetype<usize>(entryAt(domain, domain.handlePlaces)));
  unchargeShared(domain, 1);
  return true;
}
