// The frames of memory objects: found, backed when first touched, given back step by step.

import {
  FRAME_NUMBERS_LEAF,
  FRAME_NUMBERS_MAX,
  FRAME_NUMBERS_OFFSET,
  MEMORY_PAGES_MAX,
  MemoryObject,
} from "../object/memory-object";
import { initializeObject } from "../object/kernel-object";
import { ObjectType } from "../abi/object";
import { Domain, domainOfSlot } from "../object/domain";
import { loadPhysical32, storePhysical32 } from "../x64/physical-memory";
import { FrameUse, allocateReserved, frameAddress, freeFrame, releaseReserved } from "./frames";
import { Table, releaseMemoryObject, takePlace } from "./object-pages";
import { clamped } from "../base/speculation";
import { chargePages, mayHaveObject, unchargeShared } from "./quota";

/** Frames freed in one step. */
const FREE_STEP: u32 = 64;

/**
 * Makes an object of zeroes, charged whole to the domain; null beyond its quota. `pages` is 1 …
 * MEMORY_PAGES_MAX.
 */
export function createMemoryObject(domain: Domain, pages: u32): MemoryObject | null {
  assert(pages > 0 && pages <= MEMORY_PAGES_MAX);
  if (!mayHaveObject(domain)) return null;
  const isLarge = pages > FRAME_NUMBERS_MAX;
  const charged = isLarge ? pages + leavesOf(pages) : pages;
  if (!chargePages(domain, charged)) return null;
  const place = takePlace(domain, Table.MemoryObjects);
  if (place === 0) {
    unchargeShared(domain, charged);
    releaseReserved(charged);
    return null;
  }
  const object = changetype<MemoryObject>(place);
  initializeObject(object, ObjectType.Memory, domain.slot);
  object.pages = pages;
  object.isLarge = isLarge;
  object.chargedPages = charged;
  domain.objectsUsed += 1;
  return object;
}

/** Frames that list the frames of a large object. */
function leavesOf(pages: u32): u32 {
  return (pages + FRAME_NUMBERS_LEAF - 1) / FRAME_NUMBERS_LEAF;
}

function wordAddress(object: MemoryObject, index: u32): usize {
  return changetype<usize>(object) + FRAME_NUMBERS_OFFSET + ((<usize>index) << 2);
}

/**
 * The frame of a page, which is backed now if it was never touched. Cannot fail: all pages are
 * reserved.
 */
export function frameOfPage(object: MemoryObject, touched: u32): u32 {
  assert(touched < object.pages);
  const page = clamped(touched, object.pages);
  if (!object.isLarge) {
    const place = wordAddress(object, page);
    let frame = load<u32>(place);
    if (frame === 0) {
      frame = allocateReserved(FrameUse.MemoryObject, object.index);
      store<u32>(place, frame);
    }
    return frame;
  }
  const leafPlace = wordAddress(object, page / FRAME_NUMBERS_LEAF);
  let leaf = load<u32>(leafPlace);
  if (leaf === 0) {
    leaf = allocateReserved(FrameUse.MemoryObject, object.index);
    store<u32>(leafPlace, leaf);
  }
  const place = frameAddress(leaf) + ((<u64>(page % FRAME_NUMBERS_LEAF)) << 2);
  let frame = loadPhysical32(place);
  if (frame === 0) {
    frame = allocateReserved(FrameUse.MemoryObject, object.index);
    storePhysical32(place, frame);
  }
  return frame;
}

/**
 * Frees an object without mappings; the reference that is being dropped is its last. One step; true
 * when its pages, its place and its charge are given back.
 */
export function freeMemoryStep(object: MemoryObject): bool {
  assert(object.firstMapping === null || object.isDying);
  object.isDying = true;
  const end =
    object.chargedPages > FREE_STEP
      ? object.freeCursor + FREE_STEP
      : object.freeCursor + object.chargedPages;
  for (let page = object.freeCursor; page < end; page++) {
    if (page < object.pages) freePage(object, page);
    else giveBack(object, load<u32>(wordAddress(object, page - object.pages))); // A list of frames.
  }
  object.freeCursor = end;
  if (object.chargedPages > 0) return false;

  const domain = domainOfSlot(object.owner);
  domain.objectsUsed -= 1;
  releaseMemoryObject(domain, object);
  return true;
}

/**
 * Takes a step of freeing an object, but not the last one; true when only the last step is left,
 * which `freeMemoryStep` takes. Until then the object's last reference stays, so that the object is
 * found for the next step.
 */
export function freeBeforeLastStep(object: MemoryObject): bool {
  object.isDying = true;
  if (object.chargedPages <= FREE_STEP) return true;
  freeMemoryStep(object);
  return false;
}

function freePage(object: MemoryObject, page: u32): void {
  if (!object.isLarge) {
    giveBack(object, load<u32>(wordAddress(object, page)));
    return;
  }
  const leaf = load<u32>(wordAddress(object, page / FRAME_NUMBERS_LEAF));
  giveBack(
    object,
    leaf === 0 ? 0 : loadPhysical32(frameAddress(leaf) + ((<u64>(page % FRAME_NUMBERS_LEAF)) << 2)),
  );
}

/** Gives a page back: its frame, or, if the page was never touched, its reservation. */
function giveBack(object: MemoryObject, frame: u32): void {
  object.chargedPages -= 1;
  unchargeShared(domainOfSlot(object.owner), 1);
  if (frame === 0) releaseReserved(1);
  else freeFrame(frame);
}
