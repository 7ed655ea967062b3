// Object tables: which domain each page belongs to, and its free places. A page holds objects of
// one domain only, so that a domain's end gives back every page of objects whatever order they were
// made in.

import { Domain } from "../object/domain";
import { KernelObject } from "../object/kernel-object";
import { SAVE_BYTES } from "../abi/thread-save-area";
import { FrameUse } from "./frames";
import {
  ENDPOINTS_BASE,
  ENDPOINTS_MAX,
  ENDPOINT_SHIFT,
  INBOXES_BASE,
  INBOXES_MAX,
  INBOX_SHIFT,
  MAPPINGS_BASE,
  MAPPINGS_MAX,
  MAPPING_SHIFT,
  MEMORY_OBJECTS_BASE,
  MEMORY_OBJECTS_MAX,
  MEMORY_OBJECT_SHIFT,
  NOTICES_BASE,
  NOTICES_MAX,
  NOTICE_SHIFT,
  TABLE_PAGES_BASE,
  TABLE_PAGES_BYTES,
  THREADS_BASE,
  THREADS_MAX,
  THREAD_SHIFT,
} from "../object/layout";
import { chargePages, unchargeReserved, unchargeShared } from "./quota";
import { backWindowPage, releaseWindowPage } from "./window";

export enum Table {
  Threads = 0,
  Endpoints = 1,
  Inboxes = 2,
  Notices = 3,
  MemoryObjects = 4,
  Mappings = 5,
}
const TABLES: u32 = 6;

// Each page has a u32: its domain's slot + 1 in the low half (0: not backed), the next page of that
// domain, or of the free ones, + 1 in the high half.
const THREAD_PAGES: u32 = THREADS_MAX >> (12 - THREAD_SHIFT);
const ENDPOINT_PAGES: u32 = ENDPOINTS_MAX >> (12 - ENDPOINT_SHIFT);
const INBOX_PAGES: u32 = INBOXES_MAX >> (12 - INBOX_SHIFT);
const NOTICE_PAGES: u32 = NOTICES_MAX >> (12 - NOTICE_SHIFT);
const MEMORY_OBJECT_PAGES: u32 = MEMORY_OBJECTS_MAX >> (12 - MEMORY_OBJECT_SHIFT);
const MAPPING_PAGES: u32 = MAPPINGS_MAX >> (12 - MAPPING_SHIFT);
const FIRST_ENDPOINT_PAGE: u32 = THREAD_PAGES;
const FIRST_INBOX_PAGE: u32 = FIRST_ENDPOINT_PAGE + ENDPOINT_PAGES;
const FIRST_NOTICE_PAGE: u32 = FIRST_INBOX_PAGE + INBOX_PAGES;
const FIRST_MEMORY_OBJECT_PAGE: u32 = FIRST_NOTICE_PAGE + NOTICE_PAGES;
const FIRST_MAPPING_PAGE: u32 = FIRST_MEMORY_OBJECT_PAGE + MEMORY_OBJECT_PAGES;
const PAGES: u32 = FIRST_MAPPING_PAGE + MAPPING_PAGES;
if (PAGES * 4 > TABLE_PAGES_BYTES) ERROR("the table of object pages is too small");

function firstPage(table: u32): u32 {
  switch (table) {
    case Table.Threads:
      return 0;
    case Table.Endpoints:
      return FIRST_ENDPOINT_PAGE;
    case Table.Inboxes:
      return FIRST_INBOX_PAGE;
    case Table.Notices:
      return FIRST_NOTICE_PAGE;
    case Table.MemoryObjects:
      return FIRST_MEMORY_OBJECT_PAGE;
    default:
      return FIRST_MAPPING_PAGE;
  }
}

function pageCount(table: u32): u32 {
  switch (table) {
    case Table.Threads:
      return THREAD_PAGES;
    case Table.Endpoints:
      return ENDPOINT_PAGES;
    case Table.Inboxes:
      return INBOX_PAGES;
    case Table.Notices:
      return NOTICE_PAGES;
    case Table.MemoryObjects:
      return MEMORY_OBJECT_PAGES;
    default:
      return MAPPING_PAGES;
  }
}

function tableBase(table: u32): usize {
  switch (table) {
    case Table.Threads:
      return THREADS_BASE;
    case Table.Endpoints:
      return ENDPOINTS_BASE;
    case Table.Inboxes:
      return INBOXES_BASE;
    case Table.Notices:
      return NOTICES_BASE;
    case Table.MemoryObjects:
      return MEMORY_OBJECTS_BASE;
    default:
      return MAPPINGS_BASE;
  }
}

function placeShift(table: u32): u32 {
  switch (table) {
    case Table.Threads:
      return THREAD_SHIFT;
    case Table.Endpoints:
      return ENDPOINT_SHIFT;
    case Table.Inboxes:
      return INBOX_SHIFT;
    case Table.Notices:
      return NOTICE_SHIFT;
    case Table.MemoryObjects:
      return MEMORY_OBJECT_SHIFT;
    default:
      return MAPPING_SHIFT;
  }
}

/** Where the header of the object at a place is. */
function headerOf(table: u32, place: usize): KernelObject {
  return changetype<KernelObject>(table === Table.Threads ? place + SAVE_BYTES : place);
}

function tableOfPage(page: u32): u32 {
  if (page >= FIRST_MAPPING_PAGE) return Table.Mappings;
  if (page >= FIRST_MEMORY_OBJECT_PAGE) return Table.MemoryObjects;
  if (page >= FIRST_NOTICE_PAGE) return Table.Notices;
  if (page >= FIRST_INBOX_PAGE) return Table.Inboxes;
  if (page >= FIRST_ENDPOINT_PAGE) return Table.Endpoints;
  return Table.Threads;
}

function pageWord(page: u32): usize {
  return TABLE_PAGES_BASE + ((<usize>page) << 2);
}

function pageAddress(page: u32): usize {
  const table = tableOfPage(page);
  return tableBase(table) + ((<usize>(page - firstPage(table))) << 12);
}

/**
 * A free place of the table in a page of the domain, zeroed but for its free chain; 0 if the quota
 * or the table is exhausted.
 */
export function takePlace(domain: Domain, table: Table): usize {
  let place = load<usize>(domain.freePlaces(table));
  if (place === 0) {
    if (!addPage(domain, table)) return 0;
    place = load<usize>(domain.freePlaces(table));
  }
  const header = headerOf(table, place);
  store<usize>(domain.freePlaces(table), header.nextFree);
  memory.fill(place, 0, 1 << placeShift(table));
  return place;
}

/** Gives the place of a dead object back to its domain. */
export function returnPlace(domain: Domain, table: Table, place: usize): void {
  const header = headerOf(table, place);
  header.type = 0;
  header.nextFree = load<usize>(domain.freePlaces(table));
  store<usize>(domain.freePlaces(table), place);
}

function addPage(domain: Domain, table: Table): bool {
  if (!chargePages(domain, 1)) return false;
  const page = takePage(table);
  if (page === PAGES) {
    unchargeReserved(domain, 1);
    return false;
  }
  const address = pageAddress(page);
  if (!backWindowPage(address, FrameUse.Objects, domain.slot)) {
    returnPage(page);
    unchargeReserved(domain, 1);
    return false;
  }
  store<u32>(pageWord(page), (domain.slot + 1) | (domain.objectPages << 16));
  domain.objectPages = page + 1;

  const bytes: usize = 1 << placeShift(table);
  let chain = load<usize>(domain.freePlaces(table));
  for (let offset: usize = 4096; offset > 0; offset -= bytes) {
    const place = address + offset - bytes;
    headerOf(table, place).nextFree = chain;
    chain = place;
  }
  store<usize>(domain.freePlaces(table), chain);
  return true;
}

/**
 * For each table u32[2]: the first of the chain of pages that were given back, + 1, and how many
 * were ever taken.
 */
const FREE_PAGES: usize = memory.data(8 * 8, 8);
if (TABLES > 8) ERROR("there are more tables than chains of free pages");

/** A page that nobody has; PAGES if there is none. */
function takePage(table: Table): u32 {
  const chain = FREE_PAGES + ((<usize>table) << 3);
  const first = load<u32>(chain);
  if (first !== 0) {
    store<u32>(chain, load<u32>(pageWord(first - 1)) >> 16);
    return first - 1;
  }
  const taken = load<u32>(chain, 4);
  if (taken === pageCount(table)) return PAGES;
  store<u32>(chain, taken + 1, 4);
  return firstPage(table) + taken;
}

function returnPage(page: u32): void {
  const chain = FREE_PAGES + ((<usize>tableOfPage(page)) << 3);
  store<u32>(pageWord(page), load<u32>(chain) << 16);
  store<u32>(chain, page + 1);
}

/** Whether the place with that number is backed and holds an object. */
export function isInUse(table: Table, index: u32): bool {
  const page = index >> (12 - placeShift(table));
  if (page >= pageCount(table)) return false;
  if ((load<u32>(pageWord(firstPage(table) + page)) & 0xffff) === 0) return false;
  return headerOf(table, tableBase(table) + ((<usize>index) << placeShift(table))).type !== 0;
}

// Walking a dying domain's objects. Its cursor holds the page, + 1, behind which to look next, 0
// for the first: what lies before holds none.

/** Pages looked at in one step, of at most 64 places each. */
const LOOK_STEP: u32 = 12;
/** The domain has no object of the table left. */
export const OBJECT_NONE: usize = 0;
/** None has been found yet, and there are more pages. */
export const OBJECT_LATER: usize = 1;

/**
 * An object of the table in one of the domain's pages, found again as long as it is there;
 * OBJECT_NONE, or OBJECT_LATER.
 */
export function nextObject(domain: Domain, table: Table): usize {
  for (let looked: u32 = 0; looked < LOOK_STEP; looked++) {
    const before = domain.cursor;
    const next = before === 0 ? domain.objectPages : load<u32>(pageWord(before - 1)) >> 16;
    if (next === 0) return OBJECT_NONE;
    if (tableOfPage(next - 1) === table) {
      const address = pageAddress(next - 1);
      const bytes: usize = 1 << placeShift(table);
      for (let offset: usize = 0; offset < 4096; offset += bytes) {
        if (headerOf(table, address + offset).type !== 0) return address + offset;
      }
    }
    domain.cursor = next;
  }
  return OBJECT_LATER;
}

/** Gives back one page, with no object left in it; false if the domain has none. */
export function releasePage(domain: Domain): bool {
  const next = domain.objectPages;
  if (next === 0) return false;
  const page = next - 1;
  domain.objectPages = load<u32>(pageWord(page)) >> 16;
  returnPage(page);
  releaseWindowPage(pageAddress(page));
  unchargeShared(domain, 1);
  return true;
}

/**
 * Passes the page of a memory object, which has one to itself, to another domain. That one has been
 * charged for it. At once for the object that `nextObject` has found; else in at most as many steps
 * as the first domain has pages, which its quota bounds.
 */
export function passPage(from: Domain, to: Domain, place: usize): void {
  const page = firstPage(Table.MemoryObjects) + <u32>((place - MEMORY_OBJECTS_BASE) >> 12);
  const next = load<u32>(pageWord(page)) & 0xffff0000;
  const before = pageBefore(from, page);
  if (before === 0) {
    from.objectPages = next >> 16;
  } else {
    store<u32>(pageWord(before - 1), (load<u32>(pageWord(before - 1)) & 0xffff) | next);
  }
  // Whoever walks the chain does not leave it with the page.
  if (from.cursor === page + 1) from.cursor = before;
  store<u32>(pageWord(page), (to.slot + 1) | (to.objectPages << 16));
  to.objectPages = page + 1;
}

/** The page + 1 before that one in the chain of its domain, 0 if it is the first. */
function pageBefore(domain: Domain, page: u32): u32 {
  if (domain.objectPages === page + 1) return 0;
  if (!domain.isAlive && domain.cursor !== 0 && pageBehind(domain.cursor) === page + 1)
    return domain.cursor;
  let before = domain.objectPages;
  while (pageBehind(before) !== page + 1) before = pageBehind(before);
  return before;
}

function pageBehind(page: u32): u32 {
  return load<u32>(pageWord(page - 1)) >> 16;
}
