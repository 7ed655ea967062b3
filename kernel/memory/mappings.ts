// Mappings of memory objects: made whole, linked to domain, handle and object, passed on.
// handle/unmap.ts ends them.

import { Status } from "../abi/status";
import { Domain, domainOfSlot } from "../object/domain";
import { HandleEntry } from "../object/handle-entry";
import { initializeObject } from "../object/kernel-object";
import { MAPPINGS_OF_DOMAIN_MAX, Mapping, TYPE_MAPPING } from "../object/mapping";
import { MemoryObject } from "../object/memory-object";
import { Table, movePage, takePlace } from "./object-pages";
import { chargeShared, mayHaveObject, unchargeShared } from "./quota";
import { passWindowPage } from "./window";

/** Between two mappings nothing is mapped, so that running past the end of one faults. */
const GAP_BYTES: u64 = 0x10000;
const LINEAR_END: u64 = 0x100000000;

/**
 * Maps pages of an object at the lowest free address above the program's memory, by the domain's
 * handle `entry`; the caller has checked the rights. Pages are backed when touched. A domain that
 * does not own the object is charged for all of it. On Status.Ok the new mapping is
 * `entry.firstMapping`.
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

  // The page of the object itself is charged too, and so is one object: if the creator goes, this
  // domain may become the owner.
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
  linkToHandle(mapping, entry);
  return Status.Ok;
}

/**
 * Passes an object from its owner `from` to the domain of the mapping. What that domain was charged
 * for the mapping becomes the charge for the object.
 */
export function adopt(from: Domain, memory: MemoryObject, mapping: Mapping): void {
  const to = domainOfSlot(mapping.owner);
  unchargeShared(from, memory.chargedPages + 1);
  from.objectsUsed -= 1;
  mapping.chargedPages = 0;
  memory.owner = to.slot;
  memory.isAdopted = true;
  movePage(from, to, memory);
  passWindowPage(changetype<usize>(memory), to.slot);
}

/**
 * Moves up to `max` mappings from a handle to its parent; true when none are left. Mappings of a
 * root handle become detached and can no longer be revoked.
 */
export function passMappings(entry: HandleEntry, max: u32): bool {
  const parent = entry.parent;
  for (let moved: u32 = 0; moved < max; moved++) {
    const mapping = entry.firstMapping;
    if (mapping === null) return true;
    unlinkFromHandle(mapping);
    mapping.isInherited = true;
    if (parent !== null) linkToHandle(mapping, parent);
  }
  return entry.firstMapping === null;
}

/**
 * A mapping that the handle inherited from a dropped descendant, null if there is none. Steps over
 * at most MAPPINGS_OF_DOMAIN_MAX mappings that the handle's own domain made by it.
 */
export function inheritedMapping(entry: HandleEntry): Mapping | null {
  let mapping = entry.firstMapping;
  while (mapping !== null && !mapping.isInherited) mapping = mapping.nextOfHandle;
  return mapping;
}

function linkToHandle(mapping: Mapping, entry: HandleEntry): void {
  const first = entry.firstMapping;
  mapping.handle = entry;
  mapping.nextOfHandle = first;
  mapping.previousOfHandle = null;
  if (first !== null) first.previousOfHandle = mapping;
  entry.firstMapping = mapping;
}

export function unlinkFromHandle(mapping: Mapping): void {
  const entry = mapping.handle;
  if (entry === null) return;
  const next = mapping.nextOfHandle;
  const previous = mapping.previousOfHandle;
  if (next !== null) next.previousOfHandle = previous;
  if (previous !== null) previous.nextOfHandle = next;
  else entry.firstMapping = next;
  mapping.handle = null;
}

export function unlinkFromObject(mapping: Mapping, memory: MemoryObject): void {
  const next = mapping.nextOfObject;
  const previous = mapping.previousOfObject;
  if (next !== null) next.previousOfObject = previous;
  if (previous !== null) previous.nextOfObject = next;
  else memory.firstMapping = next;
  if (mapping.writable) memory.writableMappings -= 1;
}

/** At most MAPPINGS_OF_DOMAIN_MAX steps. */
export function unlinkFromDomain(domain: Domain, mapping: Mapping): void {
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
