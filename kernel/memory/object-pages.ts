// Object tables: which domain each page belongs to, and its free places. A page holds objects of
// one domain only, so that a domain's end gives back every page of objects whatever order they were
// made in.

import { Domain } from "../object/domain";
import { KernelObject } from "../object/kernel-object";
import { MemoryObject } from "../object/memory-object";
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
import { backKernelWindow, backWindowPage, prepareWindow, releaseWindowPage } from "./window";

export enum Table {
  Threads = 0,
  Endpoints = 1,
  Inboxes = 2,
  Notices = 3,
  MemoryObjects = 4,
  Mappings = 5,
}

const THREAD_PAGES: u32 = THREADS_MAX >> (12 - THREAD_SHIFT);
const ENDPOINT_PAGES: u32 = ENDPOINTS_MAX >> (12 - ENDPOINT_SHIFT);
const INBOX_PAGES: u32 = INBOXES_MAX >> (12 - INBOX_SHIFT);
const NOTICE_PAGES: u32 = NOTICES_MAX >> (12 - NOTICE_SHIFT);
const MEMORY_OBJECT_PAGES: u32 = MEMORY_OBJECTS_MAX >> (12 - MEMORY_OBJECT_SHIFT);
const MAPPING_PAGES: u32 = MAPPINGS_MAX >> (12 - MAPPING_SHIFT);
/** A TablePage is 8 bytes. */
const TABLE_PAGE_SHIFT: u32 = 3;
const PAGES_MAX: u32 =
  THREAD_PAGES + ENDPOINT_PAGES + INBOX_PAGES + NOTICE_PAGES + MEMORY_OBJECT_PAGES + MAPPING_PAGES;
if (PAGES_MAX << TABLE_PAGE_SHIFT > TABLE_PAGES_BYTES)
  ERROR("the table of object pages is too small");
if (PAGES_MAX >= <u32>u16.MAX_VALUE) ERROR("a TablePage cannot name every page");
/** In place of a page's number. */
const PAGE_NONE: u32 = u32.MAX_VALUE;

/** One of the object tables: where it lies, and which of all table pages are its own. */
@unmanaged
class ObjectTable {
  base: u32;
  placeShift: u32;
  /** Set at boot, with `pageCount`, and constant from then on. */
  firstPage: u32;
  pageCount: u32;
  /** The first of the pages that were given back, + 1; 0 if there is none. */
  firstFreePage: u32;
  /** How many pages were ever taken. */
  takenPages: u32;

  @inline static of(table: Table): ObjectTable {
    return changetype<ObjectTable>(OBJECT_TABLES + <usize>table * offsetof<ObjectTable>());
  }
  @inline get placeBytes(): usize {
    return 1 << (<usize>this.placeShift);
  }
  @inline objectAt(index: u32): KernelObject {
    return changetype<KernelObject>(<usize>(this.base + (index << this.placeShift)));
  }
  @inline pageAddress(page: u32): usize {
    return <usize>(this.base + ((page - this.firstPage) << 12));
  }
}

/** In the order of `Table`, the fields in the order of `ObjectTable`. */
// biome-ignore format: a table, a row for each table of objects
const OBJECT_TABLES: usize = memory.data<u32>([
  <u32>THREADS_BASE, THREAD_SHIFT, 0, 0, 0, 0,
  <u32>ENDPOINTS_BASE, ENDPOINT_SHIFT, 0, 0, 0, 0,
  <u32>INBOXES_BASE, INBOX_SHIFT, 0, 0, 0, 0,
  <u32>NOTICES_BASE, NOTICE_SHIFT, 0, 0, 0, 0,
  <u32>MEMORY_OBJECTS_BASE, MEMORY_OBJECT_SHIFT, 0, 0, 0, 0,
  <u32>MAPPINGS_BASE, MAPPING_SHIFT, 0, 0, 0, 0,
]);
const TABLES: u32 = 6;

/** Pages of the table that the places of `quota` objects of one slot fill. */
export function pagesOfQuota(table: Table, quota: u32): u32 {
  const shift = 12 - ObjectTable.of(table).placeShift;
  return (quota + (1 << shift) - 1) >> shift;
}

/** At boot: gives the table room for pages. The tables are sized in the order of `Table`. */
export function sizeTable(table: Table, pages: u32): void {
  const objects = ObjectTable.of(table);
  objects.pageCount = pages;
  if (table === Table.Threads) return;
  const before = ObjectTable.of(<Table>(<u32>table - 1));
  objects.firstPage = before.firstPage + before.pageCount;
}

/**
 * At boot, when all tables have their sizes: backs what is known of their pages, and makes the page
 * tables of their window, so that backing a page there takes that page and nothing more.
 */
export function backTables(): bool {
  const last = ObjectTable.of(Table.Mappings);
  const pages = last.firstPage + last.pageCount;
  assert(pages <= PAGES_MAX);
  if (!backKernelWindow(TABLE_PAGES_BASE, pages << TABLE_PAGE_SHIFT)) return false;
  for (let table: u32 = 0; table < TABLES; table++) {
    const objects = ObjectTable.of(<Table>table);
    const start = <usize>objects.base;
    if (!prepareWindow(start, start + ((<usize>objects.pageCount) << 12))) return false;
  }
  return true;
}

/** What is known of a page of a table. */
@unmanaged
class TablePage {
  /** The owner's slot + 1; 0 while the page is not backed. */
  ownerNumber: u16;
  /** The owner's next page, or the next free page, + 1; 0 if this page is the last. */
  next: u16;
  /** The owner's page before, + 1; 0 if this page is the first. */
  previous: u16;
  spare: u16;

  @inline static of(page: u32): TablePage {
    return changetype<TablePage>(TABLE_PAGES_BASE + ((<usize>page) << TABLE_PAGE_SHIFT));
  }
}
if (offsetof<TablePage>() !== 1 << TABLE_PAGE_SHIFT) ERROR("TablePage is not 8 bytes");

/** At most as many steps as there are tables. */
function tableOfPage(page: u32): Table {
  let table: u32 = Table.Mappings;
  while (ObjectTable.of(<Table>table).firstPage > page) table -= 1;
  return <Table>table;
}

/** Puts a page before the other pages of a domain. */
function linkPage(domain: Domain, page: u32): void {
  const entry = TablePage.of(page);
  const next = domain.objectPages;
  entry.ownerNumber = <u16>(domain.slot + 1);
  entry.next = <u16>next;
  entry.previous = 0;
  if (next !== 0) TablePage.of(next - 1).previous = <u16>(page + 1);
  domain.objectPages = page + 1;
}

/** Takes a page out of the pages of its domain. A walk over them goes on where the page was. */
function unlinkPage(domain: Domain, page: u32): void {
  const entry = TablePage.of(page);
  assert(<u32>entry.ownerNumber === domain.slot + 1);
  const next = <u32>entry.next;
  const previous = <u32>entry.previous;
  if (next !== 0) TablePage.of(next - 1).previous = <u16>previous;
  if (previous !== 0) TablePage.of(previous - 1).next = <u16>next;
  else domain.objectPages = next;
  if (domain.objectCursor === page + 1) domain.objectCursor = previous;
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
  store<usize>(domain.freePlaces(table), changetype<KernelObject>(place).nextFree);
  memory.fill(place, 0, ObjectTable.of(table).placeBytes);
  return place;
}

/** Gives the place of a dead object that is no memory object back to its domain. */
export function returnPlace(domain: Domain, table: Table, place: usize): void {
  const object = changetype<KernelObject>(place);
  assert(object.type !== 0);
  assert(table !== Table.MemoryObjects);
  object.type = 0;
  object.nextFree = load<usize>(domain.freePlaces(table));
  store<usize>(domain.freePlaces(table), place);
}

function addPage(domain: Domain, table: Table): bool {
  if (!chargePages(domain, 1)) return false;
  const page = takePage(table);
  if (page === PAGE_NONE) {
    unchargeReserved(domain, 1);
    return false;
  }
  const address = ObjectTable.of(table).pageAddress(page);
  if (!backWindowPage(address, FrameUse.Objects, domain.slot)) {
    returnPage(page);
    unchargeReserved(domain, 1);
    return false;
  }
  linkPage(domain, page);

  const bytes = ObjectTable.of(table).placeBytes;
  let chain = load<usize>(domain.freePlaces(table));
  for (let offset: usize = 4096; offset > 0; offset -= bytes) {
    const place = address + offset - bytes;
    changetype<KernelObject>(place).nextFree = chain;
    chain = place;
  }
  store<usize>(domain.freePlaces(table), chain);
  return true;
}

/** A page without owner; PAGE_NONE if there is none. */
function takePage(table: Table): u32 {
  const objects = ObjectTable.of(table);
  const first = objects.firstFreePage;
  if (first !== 0) {
    objects.firstFreePage = <u32>TablePage.of(first - 1).next;
    return first - 1;
  }
  const taken = objects.takenPages;
  if (taken === objects.pageCount) return PAGE_NONE;
  objects.takenPages = taken + 1;
  return objects.firstPage + taken;
}

function returnPage(page: u32): void {
  const objects = ObjectTable.of(tableOfPage(page));
  const entry = TablePage.of(page);
  entry.ownerNumber = 0;
  entry.next = <u16>objects.firstFreePage;
  objects.firstFreePage = page + 1;
}

/** True if the place with this number is backed and holds an object. */
export function isInUse(table: Table, index: u32): bool {
  const objects = ObjectTable.of(table);
  const page = index >> (12 - objects.placeShift);
  if (page >= objects.pageCount) return false;
  if (TablePage.of(objects.firstPage + page).ownerNumber === 0) return false;
  return objects.objectAt(index).type !== 0;
}

// Walking a dying domain's objects. The domain's `objectCursor` is the page, + 1, behind which the
// walk goes on, 0 at the beginning: the pages up to it hold no object of the table.

/** Pages looked at in one step, of at most 64 places each. */
const LOOK_STEP: u32 = 12;
/** The domain has no object of the table left. */
export const OBJECT_NONE: usize = 0;
/** The step limit was reached before an object was found. */
export const OBJECT_LATER: usize = 1;

/**
 * The domain's next object in this table, the same object until it is destroyed. OBJECT_NONE: there
 * is none. OBJECT_LATER: the step limit was reached first.
 */
export function nextObject(domain: Domain, table: Table): usize {
  const objects = ObjectTable.of(table);
  for (let looked: u32 = 0; looked < LOOK_STEP; looked++) {
    const next = pageBehind(domain, domain.objectCursor);
    if (next === 0) return OBJECT_NONE;
    if (tableOfPage(next - 1) === table) {
      const address = objects.pageAddress(next - 1);
      const bytes = objects.placeBytes;
      for (let offset: usize = 0; offset < 4096; offset += bytes) {
        if (changetype<KernelObject>(address + offset).type !== 0) return address + offset;
      }
    }
    domain.objectCursor = next;
  }
  return OBJECT_LATER;
}

/** Gives back one page without objects; false if the domain has none left. */
export function releasePage(domain: Domain): bool {
  const next = domain.objectPages;
  if (next === 0) return false;
  giveBackPage(domain, next - 1);
  return true;
}

function giveBackPage(domain: Domain, page: u32): void {
  unlinkPage(domain, page);
  returnPage(page);
  releaseWindowPage(ObjectTable.of(tableOfPage(page)).pageAddress(page));
  unchargeShared(domain, 1);
}

/**
 * Gives back the page of a dead memory object. Its domain must not keep the page: an object that it
 * adopts brings another, and the table has no more places than quotas promise.
 */
export function releaseMemoryObject(domain: Domain, object: MemoryObject): void {
  giveBackPage(domain, pageOf(object));
}

function pageOf(object: MemoryObject): u32 {
  return ObjectTable.of(Table.MemoryObjects).firstPage + object.index;
}

/** Moves a memory object's page to another domain, already charged for it. */
export function movePage(from: Domain, to: Domain, object: MemoryObject): void {
  const page = pageOf(object);
  unlinkPage(from, page);
  linkPage(to, page);
}

/** The page, + 1, behind another page, + 1, of the domain, or its first behind 0; 0 at the end. */
function pageBehind(domain: Domain, before: u32): u32 {
  return before === 0 ? domain.objectPages : <u32>TablePage.of(before - 1).next;
}
