// The end of a mapping, step by step, and what it means for the memory object.

import { adopt, unlinkFromDomain, unlinkFromHandle, unlinkFromObject } from "../memory/mappings";
import { freeBeforeLastStep, freeMemoryStep } from "../memory/memory-pages";
import { Table, isInUse, returnPlace } from "../memory/object-pages";
import { unchargeShared } from "../memory/quota";
import { Domain } from "../object/domain";
import { Mapping } from "../object/mapping";
import { MemoryObject } from "../object/memory-object";
import { unmapPages } from "../x64/paging";
import { revokeObjectStep } from "./revoke-object";

/** Pages unmapped in one step, which may free as many frames on top of it. */
const UNMAP_STEP: u32 = 32;

/**
 * Ends a mapping of the domain, and the memory object with it if nothing else refers to the object.
 * One step; true when the mapping is gone.
 */
export function unmapStep(domain: Domain, mapping: Mapping): bool {
  assert(mapping.owner === domain.slot);
  if (!unmapPagesStep(domain, mapping)) return false;
  const memory = mapping.memory!; // Once unlinked, the object may be gone: see `isStillAlive`.
  if (!mapping.isUnlinked) {
    // Memory that goes with the mapping goes first, so that a revoker finds the mapping meanwhile.
    if (isLastOfAdopted(domain, mapping, memory) && !freeBeforeLastStep(memory)) return false;
    mapping.isUnlinked = true;
    unlinkFromHandle(mapping);
    unlinkFromObject(mapping, memory);
  }
  if (isStillAlive(memory, mapping.memoryIdentity) && !settleMemoryStep(domain, memory))
    return false;

  unchargeShared(domain, mapping.chargedPages);
  if (mapping.chargedPages !== 0) domain.objectsUsed -= 1;
  unlinkFromDomain(domain, mapping);
  returnPlace(domain, Table.Mappings, changetype<usize>(mapping));
  return true;
}

/** Unmaps some pages; true when none are left. */
function unmapPagesStep(domain: Domain, mapping: Mapping): bool {
  if (mapping.isDying && mapping.cursor === mapping.pages) return true;
  mapping.isDying = true;
  const left = mapping.pages - mapping.cursor;
  const stop = mapping.cursor + (left > UNMAP_STEP ? UNMAP_STEP : left);
  domain.forgetReached();
  unmapPages(
    domain.root,
    domain.slot,
    <u64>mapping.address + ((<u64>mapping.cursor) << 12),
    stop - mapping.cursor,
  );
  mapping.cursor = stop;
  return stop === mapping.pages;
}

/**
 * Settles an object after one of its mappings ended. An unreferenced object is freed. If its
 * creator is dead and this domain owned it, the domain of another mapping becomes its owner, or, if
 * there is none, the object and all handles to it go. One step; true when done.
 */
function settleMemoryStep(domain: Domain, memory: MemoryObject): bool {
  const other = memory.firstMapping;
  if (memory.isAdopted && memory.owner === domain.slot) {
    if (other === null) {
      memory.isDying = true;
      return revokeObjectStep(memory) && freeMemoryStep(memory);
    }
    if (!isMappedBy(domain, memory)) adopt(domain, memory, other);
    return true;
  }
  return other !== null || memory.handleCount !== 0 || freeMemoryStep(memory);
}

/**
 * True if `mapping` is the object's only mapping and the domain owns it as a dead creator's heir.
 */
function isLastOfAdopted(domain: Domain, mapping: Mapping, memory: MemoryObject): bool {
  return (
    memory.isAdopted &&
    memory.owner === domain.slot &&
    memory.firstMapping === mapping &&
    mapping.nextOfObject === null
  );
}

/** True if a linked mapping of the domain maps the object. At most MAPPINGS_OF_DOMAIN_MAX steps. */
function isMappedBy(domain: Domain, memory: MemoryObject): bool {
  let mapping = domain.firstMapping;
  while (mapping !== null) {
    if (mapping.memory === memory && !mapping.isUnlinked) return true;
    mapping = mapping.nextOfDomain;
  }
  return false;
}

/** False if the object was freed since, as by the end of its creator between two steps. */
function isStillAlive(memory: MemoryObject, identity: u64): bool {
  return isInUse(Table.MemoryObjects, memory.index) && memory.identity === identity;
}
