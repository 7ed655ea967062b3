// Mappings of memory objects: made whole, taken apart step by step.

import { Status } from "../abi/status";
import { Domain, domainOfSlot } from "../object/domain";
import { HandleEntry } from "../object/handle-entry";
import { revokeObjectStep } from "../handle/handle-table";
import { initializeObject } from "../object/kernel-object";
import { MAPPINGS_OF_DOMAIN_MAX, Mapping, TYPE_MAPPING } from "../object/mapping";
import { MemoryObject } from "../object/memory-object";
import { unmapPage } from "../x64/paging";
import { MEMORY_OBJECTS_BASE, MEMORY_OBJECT_SHIFT } from "../object/layout";
import { freeMemoryStep, isLastStep } from "./memory-pages";
import { Table, isInUse, passPage, returnPlace, takePlace } from "./object-pages";
import { chargeShared, mayHaveObject, unchargeShared } from "./quota";
import { passWindowPage } from "./window";

/** Between two mappings nothing is mapped, so that running past the end of one faults. */
const GAP_BYTES: u64 = 0x10000;
const LINEAR_END: u64 = 0x100000000;
/** Pages unmapped in one step, which may free as many frames on top of it. */
const UNMAP_STEP: u32 = 32;

/** The address of the mapping that `createMapping` has made. */
let madeAt: u32 = 0;
export function mappedAddress(): u32 {
  return madeAt;
}

/**
 * Maps pages of an object that may be mapped so, at the lowest address above the program's own
 * memory that has room. Pages are backed when touched. Who does not pay for the object already is
 * charged for all of it. The mapping hangs on the domain's handle `entry`.
 */
export function createMapping(
  domain: Domain,
  entry: HandleEntry,
  firstPage: u32,
  pages: u32,
  writable: bool,
): Status {
  const memory = changetype<MemoryObject>(entry.object!);
  if (domain.mappingCount === MAPPINGS_OF_DOMAIN_MAX) return Status.NoSpace;
  const bytes = (<u64>pages) << 12;
  let address = ((<u64>domain.memoryPagesMax) << 16) + GAP_BYTES;
  let previous: Mapping | null = null;
  let next = domain.firstMapping;
  while (next !== null && <u64>next.address < address + bytes + GAP_BYTES) {
    address = (<u64>next.address + ((<u64>next.pages) << 12) + GAP_BYTES + 0xffff) & ~(<u64>0xffff);
    previous = next;
    next = next.nextOfDomain;
  }
  if (address + bytes + GAP_BYTES > LINEAR_END) return Status.NoSpace;

  // The page of the object itself counts with it, and so does the object: were its maker gone, it
  // would be this domain's.
  const charged: u32 = memory.owner === domain.slot ? 0 : memory.chargedPages + 1;
  if (charged !== 0 && !mayHaveObject(domain)) return Status.NoSpace;
  if (!chargeShared(domain, charged)) return Status.NoMemory;
  const place = takePlace(domain, Table.Mappings);
  if (place === 0) {
    unchargeShared(domain, charged);
    return Status.NoMemory;
  }

  // Commit point.
  const mapping = changetype<Mapping>(place);
  initializeObject(mapping, TYPE_MAPPING, domain.slot);
  mapping.memory = memory;
  mapping.memoryIdentity = memory.identity;
  mapping.address = <u32>address;
  mapping.pages = pages;
  mapping.firstPage = firstPage;
  mapping.writable = writable;
  mapping.chargedPages = charged;
  mapping.nextOfDomain = next;
  if (previous === null) domain.firstMapping = mapping;
  else previous.nextOfDomain = mapping;
  domain.mappingCount += 1;
  if (charged !== 0) domain.objectsUsed += 1;

  const first = memory.firstMapping;
  mapping.nextOfObject = first;
  if (first !== null) first.previousOfObject = mapping;
  memory.firstMapping = mapping;
  if (writable) memory.writableMappings += 1;
  joinHandle(mapping, entry);
  madeAt = <u32>address;
  return Status.Ok;
}

/**
 * Takes a mapping apart, and its object if nothing else refers to it. One step; true when it is
 * gone.
 */
export function unmapStep(domain: Domain, mapping: Mapping): bool {
  const memory = mapping.memory!; // It may be gone already: see isThere.
  if (!mapping.isDying || mapping.cursor < mapping.pages) {
    mapping.isDying = true;
    const left = mapping.pages - mapping.cursor;
    const stop = mapping.cursor + (left > UNMAP_STEP ? UNMAP_STEP : left);
    domain.forgetReached();
    for (let page = mapping.cursor; page < stop; page++)
      unmapPage(domain.root, <u64>mapping.address + ((<u64>page) << 12));
    mapping.cursor = stop;
    if (stop < mapping.pages) return false;
  }
  if (!mapping.hasLeft) {
    // Memory that goes with this mapping is freed before: whoever revokes finds the mapping as long
    // as there are steps to take.
    if (isLastOfAdopted(domain, mapping, memory)) {
      memory.isDying = true;
      if (!isLastStep(memory)) {
        freeMemoryStep(memory);
        return false;
      }
    }
    mapping.hasLeft = true;
    leaveHandle(mapping);
    leaveObject(mapping, memory);
  }
  if (isThere(memory, mapping.memoryIdentity) && !leftStep(domain, memory)) return false;
  unchargeShared(domain, mapping.chargedPages);
  if (mapping.chargedPages !== 0) domain.objectsUsed -= 1;
  leaveDomain(domain, mapping);
  returnPlace(domain, Table.Mappings, changetype<usize>(mapping));
  return true;
}

/**
 * What becomes of an object that a mapping has left. It goes where nothing refers to it any more.
 * One whose maker is dead also has a owner who never asked for it: when he has left, the next who
 * maps it pays, and where nobody does the object goes, whoever has handles to it. One step; true
 * when it is settled.
 */
function leftStep(domain: Domain, memory: MemoryObject): bool {
  const next = memory.firstMapping;
  if (memory.isAdopted && memory.owner === domain.slot) {
    if (next === null) {
      memory.isDying = true;
      return revokeObjectStep(memory) && freeMemoryStep(memory);
    }
    if (!isMappedBy(domain, memory)) adopt(domain, memory, next);
    return true;
  }
  return next !== null || memory.handleCount !== 0 || freeMemoryStep(memory);
}

/**
 * Nobody but the domain maps the object, by no other mapping, and it pays for it because the maker
 * is dead.
 */
function isLastOfAdopted(domain: Domain, mapping: Mapping, memory: MemoryObject): bool {
  return (
    memory.isAdopted &&
    memory.owner === domain.slot &&
    memory.firstMapping === mapping &&
    mapping.nextOfObject === null
  );
}

/**
 * At most MAPPINGS_OF_DOMAIN_MAX steps. While the object has mappings at all, none of the domain's
 * has left it and is still listed but the one that leaves.
 */
function isMappedBy(domain: Domain, memory: MemoryObject): bool {
  let mapping = domain.firstMapping;
  while (mapping !== null) {
    if (mapping.memory === memory && !mapping.hasLeft) return true;
    mapping = mapping.nextOfDomain;
  }
  return false;
}

/**
 * Who has the mapping pays for the object instead of `from`: what he was charged for his mapping is
 * the object's charge now.
 */
export function adopt(from: Domain, memory: MemoryObject, mapping: Mapping): void {
  const to = domainOfSlot(mapping.owner);
  unchargeShared(from, memory.chargedPages + 1);
  from.objectsUsed -= 1;
  mapping.chargedPages = 0;
  memory.owner = to.slot;
  memory.isAdopted = true;
  passPage(from, to, changetype<usize>(memory));
  passWindowPage(changetype<usize>(memory), to.slot);
}

/** Whether an object is still at its place: its maker's end may have freed it between two steps. */
function isThere(memory: MemoryObject, identity: u64): bool {
  return (
    isInUse(
      Table.MemoryObjects,
      <u32>((changetype<usize>(memory) - MEMORY_OBJECTS_BASE) >> MEMORY_OBJECT_SHIFT),
    ) && memory.identity === identity
  );
}

/**
 * Hands mappings that hang on a handle on to the one that it came from, at most `max` of them; true
 * when it has none left. What hangs on a first handle hangs on none then, and nobody can revoke it
 * any more.
 */
export function passMappings(entry: HandleEntry, max: u32): bool {
  const parent = entry.parent;
  for (let moved: u32 = 0; moved < max; moved++) {
    const mapping = entry.firstMapping;
    if (mapping === null) return true;
    leaveHandle(mapping);
    mapping.isInherited = true;
    if (parent !== null) joinHandle(mapping, parent);
  }
  return entry.firstMapping === null;
}

/**
 * A mapping made by a handle that descended from this one. Past at most MAPPINGS_OF_DOMAIN_MAX that
 * the handle's own domain made by it.
 */
export function inheritedMapping(entry: HandleEntry): Mapping | null {
  let mapping = entry.firstMapping;
  while (mapping !== null && !mapping.isInherited) mapping = mapping.nextOfHandle;
  return mapping;
}

function joinHandle(mapping: Mapping, entry: HandleEntry): void {
  const first = entry.firstMapping;
  mapping.handle = entry;
  mapping.nextOfHandle = first;
  mapping.previousOfHandle = null;
  if (first !== null) first.previousOfHandle = mapping;
  entry.firstMapping = mapping;
}

function leaveHandle(mapping: Mapping): void {
  const entry = mapping.handle;
  if (entry === null) return;
  const next = mapping.nextOfHandle;
  const previous = mapping.previousOfHandle;
  if (next !== null) next.previousOfHandle = previous;
  if (previous !== null) previous.nextOfHandle = next;
  else entry.firstMapping = next;
  mapping.handle = null;
}

function leaveObject(mapping: Mapping, memory: MemoryObject): void {
  const next = mapping.nextOfObject;
  const previous = mapping.previousOfObject;
  if (next !== null) next.previousOfObject = previous;
  if (previous !== null) previous.nextOfObject = next;
  else memory.firstMapping = next;
  if (mapping.writable) memory.writableMappings -= 1;
}

/** At most MAPPINGS_OF_DOMAIN_MAX steps. */
function leaveDomain(domain: Domain, mapping: Mapping): void {
  const next = mapping.nextOfDomain;
  if (domain.firstMapping === mapping) {
    domain.firstMapping = next;
  } else {
    let previous = domain.firstMapping!;
    while (previous.nextOfDomain !== mapping) previous = previous.nextOfDomain!;
    previous.nextOfDomain = next;
  }
  domain.mappingCount -= 1;
}
