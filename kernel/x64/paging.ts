// Page tables: four levels, 4 KiB pages. A page table is a frame of which only this file knows the
// format; who pays for it is decided by the caller, which asks how many tables are missing before
// it maps.

import {
  DOMAIN_REGION_BYTES,
  DOMAIN_REGION_HIGH,
  DOMAIN_REGION_LOW,
  KERNEL_LINEAR_HIGH,
} from "../abi/address-space";
import { GUARD_NX } from "../base/guards";
import {
  invalidatePage,
  physicalCopy,
  physicalLoad64,
  physicalStore64,
  readCr3,
  writeCr3,
} from "./x64";

const PRESENT: u64 = 1;
const WRITABLE: u64 = 2;
const USER: u64 = 4;
const LARGE: u64 = 1 << 7;
/** Left to software by the CPU: the frame belongs to the domain and goes with the mapping. */
const OWNED: u64 = 1 << 9;
const NO_EXECUTE: u64 = 1 << 63;
const ADDRESS_MASK: u64 = 0x000ffffffffff000;

/** How a page of a domain is mapped. There is no mapping that is both writable and executable. */
export enum PageAccess {
  Read = 0,
  Write = 1,
  Execute = 2,
}

/** Physical address of the top table that the boot code made; its upper half is every domain's. */
let kernelRoot: u64 = 0;

/** Takes over the boot code's tables. Before any other function here. */
export function initializePaging(): void {
  kernelRoot = readCr3() & ADDRESS_MASK;
}

/**
 * Makes an empty, zeroed frame the top table of a domain: nothing in the lower half, the kernel in
 * the upper.
 */
export function initializeRoot(root: u64): void {
  physicalCopy(root + 2048, kernelRoot + 2048, 2048);
}

/** Leaves an address space that is about to be taken apart. */
export function leaveRoot(root: u64): void {
  if ((readCr3() & ADDRESS_MASK) === root) writeCr3(kernelRoot);
}

// Tables are counted by level: 4 is the top, 1 holds the entries of pages.

function entryAddress(table: u64, address: u64, level: u32): u64 {
  return table + (((address >> (3 + 9 * <u64>level)) & 511) << 3);
}

/** Tables that mapping a page at `address` needs beyond those that are there: 0 to 3. */
export function tablesMissing(root: u64, address: u64): u32 {
  let table = root;
  for (let level: u32 = 4; level > 1; level--) {
    const entry = physicalLoad64(entryAddress(table, address, level));
    if ((entry & PRESENT) === 0) return level - 1;
    table = entry & ADDRESS_MASK;
  }
  return 0;
}

/** Hangs a zeroed frame in as the topmost table that is missing for `address`. */
export function addTable(root: u64, address: u64, frameAddress: u64): void {
  let table = root;
  for (let level: u32 = 4; level > 1; level--) {
    const place = entryAddress(table, address, level);
    const entry = physicalLoad64(place);
    if ((entry & PRESENT) === 0) {
      const user: u64 = <i64>address >= 0 ? USER : 0;
      physicalStore64(place, frameAddress | PRESENT | WRITABLE | user);
      return;
    }
    table = entry & ADDRESS_MASK;
  }
  assert(false);
}

/** Physical address of the entry for the page, 0 where a table is missing. */
function pageEntry(root: u64, address: u64): u64 {
  let table = root;
  for (let level: u32 = 4; level > 1; level--) {
    const entry = physicalLoad64(entryAddress(table, address, level));
    if ((entry & PRESENT) === 0) return 0;
    assert((entry & LARGE) === 0);
    table = entry & ADDRESS_MASK;
  }
  return entryAddress(table, address, 1);
}

/**
 * Maps a frame. All tables are there, and nothing is mapped at the address. `owned`: it is given
 * back when the mapping goes.
 */
export function mapPage(
  root: u64,
  address: u64,
  frameAddress: u64,
  access: PageAccess,
  owned: bool,
): void {
  const place = pageEntry(root, address);
  assert(place !== 0);
  assert((physicalLoad64(place) & PRESENT) === 0);
  let entry = frameAddress | PRESENT | USER;
  if (owned) entry |= OWNED;
  if (access === PageAccess.Write) entry |= WRITABLE;
  if (GUARD_NX && access !== PageAccess.Execute) entry |= NO_EXECUTE;
  physicalStore64(place, entry);
}

/** Removes a mapping if there is one. */
export function unmapPage(root: u64, address: u64): void {
  const place = pageEntry(root, address);
  if (place === 0) return;
  physicalStore64(place, 0);
  invalidatePage(address);
}

/**
 * Where the byte at `address` lies physically, if the domain itself may read it, or write it where
 * `write`; 0 otherwise.
 */
export function translate(root: u64, address: u64, write: bool): u64 {
  const place = pageEntry(root, address);
  if (place === 0) return 0;
  const entry = physicalLoad64(place);
  const needed = write ? PRESENT | USER | WRITABLE : PRESENT | USER;
  if ((entry & needed) !== needed) return 0;
  return (entry & ADDRESS_MASK) | (address & 4095);
}

/** Whether anything is mapped there. */
export function isMapped(root: u64, address: u64): bool {
  const place = pageEntry(root, address);
  return place !== 0 && (physicalLoad64(place) & PRESENT) !== 0;
}

// Taking a domain's tables apart goes from page to page, bottom first, and stops anywhere to go on
// later.

/**
 * Pages up to the end of a domain's region: behind it there is nothing of a domain's. All lie
 * behind the first entry of its top table.
 */
export const DOMAIN_PAGES: u32 =
  ((<u32>DOMAIN_REGION_HIGH) << 20) + (<u32>DOMAIN_REGION_BYTES >> 12);
if (DOMAIN_REGION_LOW !== 0 || DOMAIN_PAGES > 1 << 27)
  ERROR("a domain's region does not lie where its tables are taken apart");
/**
 * Number of the page that is looked at next. No page or table before it is left but the tables that
 * lead to it.
 */
let apart: u32 = 0;
let entriesLeft: u32 = 0;

/** Goes on at a page, to look at so many entries at most. */
export function beginTakingApart(page: u32, entries: u32): void {
  apart = page;
  entriesLeft = entries;
}

/** Where to go on; DOMAIN_PAGES when the lower half is empty. */
export function takenApart(): u32 {
  return apart;
}

/**
 * Takes the next owned frame or table out: its physical address, nothing refers to it any more. 0
 * when all is done, or enough entries have been looked at.
 */
export function takeApart(root: u64): u64 {
  if (apart >= DOMAIN_PAGES) return 0;
  let place = root;
  for (let level: u32 = 3; level > 0; level--) {
    const entry = physicalLoad64(place);
    if ((entry & PRESENT) === 0) {
      apart = DOMAIN_PAGES; // There is no table below the top one.
      return 0;
    }
    const table = entry & ADDRESS_MASK;
    const shift = 9 * (level - 1);
    const end = entriesInUse(shift);
    const first = (apart >> shift) & 511;
    const stop = entriesLeft < end - first ? first + entriesLeft : end;
    let index = first;
    let owned: u64 = 0;
    for (; index < stop; index++) {
      const candidate = table + ((<u64>index) << 3);
      const found = physicalLoad64(candidate);
      if ((found & PRESENT) === 0) continue;
      if (level > 1) break;
      physicalStore64(candidate, 0);
      if ((found & OWNED) === 0) continue;
      owned = found & ADDRESS_MASK;
      break;
    }
    entriesLeft -= index - first;
    const behind = ~((1 << (shift + 9)) - 1);
    if (index === end) {
      // Empty. The page is the first of this table again, so that its entry in the table above is
      // seen to be gone.
      apart &= behind;
      physicalStore64(place, 0);
      return table;
    }
    if (index !== first) apart = (apart & behind) | (index << shift);
    if (owned !== 0) return owned;
    if (entriesLeft === 0) return 0;
    place = table + ((<u64>index) << 3);
  }
  assert(false);
  return 0;
}

/**
 * How many entries of the table that leads to `apart` may be in use, those of its last page's table
 * being the last.
 */
function entriesInUse(shift: u32): u32 {
  const last = DOMAIN_PAGES - 1;
  return apart >> (shift + 9) === last >> (shift + 9) ? ((last >> shift) & 511) + 1 : 512;
}

// The kernel's linear window.

function windowAddress(linear: usize): u64 {
  return ((<u64>(<u32>KERNEL_LINEAR_HIGH)) << 32) | <u64>linear;
}

/** Tables that are missing for a page of the kernel's window. */
export function kernelTablesMissing(linear: usize): u32 {
  return tablesMissing(kernelRoot, windowAddress(linear));
}

export function addKernelTable(linear: usize, frameAddress: u64): void {
  addTable(kernelRoot, windowAddress(linear), frameAddress);
}

/** Whether a page of the window is backed. Tables are there. */
export function isKernelPageMapped(linear: usize): bool {
  return (physicalLoad64(pageEntry(kernelRoot, windowAddress(linear))) & PRESENT) !== 0;
}

/** Backs a page of the kernel's window. Tables are there. */
export function mapKernelPage(linear: usize, frameAddress: u64): void {
  const place = pageEntry(kernelRoot, windowAddress(linear));
  assert(place !== 0);
  assert((physicalLoad64(place) & PRESENT) === 0);
  physicalStore64(place, frameAddress | PRESENT | WRITABLE | (GUARD_NX ? NO_EXECUTE : 0));
}

/** Takes the frame out of the kernel's window; answers its physical address. */
export function unmapKernelPage(linear: usize): u64 {
  const place = pageEntry(kernelRoot, windowAddress(linear));
  assert(place !== 0);
  const entry = physicalLoad64(place);
  assert((entry & PRESENT) !== 0);
  physicalStore64(place, 0);
  invalidatePage(windowAddress(linear));
  return entry & ADDRESS_MASK;
}

/** Physical address of the frame behind a page of the window. */
export function kernelPage(linear: usize): u64 {
  const place = pageEntry(kernelRoot, windowAddress(linear));
  assert(place !== 0);
  return physicalLoad64(place) & ADDRESS_MASK;
}
