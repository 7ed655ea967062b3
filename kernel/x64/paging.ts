// Page tables: four levels, 4 KiB pages. Only this file knows the format of a page table. The
// caller decides who pays for a table's frame: it asks how many tables are missing before it maps.

import {
  DOMAIN_REGION_BYTES,
  DOMAIN_REGION_HIGH,
  DOMAIN_REGION_LOW,
  KERNEL_LINEAR_HIGH,
} from "../abi/address-space";
import { SLOTS_MAX } from "../abi/blob";
import { GUARD_NX } from "../base/guards";
import { loadSpace, loadedSpace } from "./assembly";
import { invalidatePage, physicalCopy, physicalLoad64, physicalStore64 } from "./x64";

const PRESENT: u64 = 1;
const WRITABLE: u64 = 2;
const USER: u64 = 4;
const LARGE: u64 = 1 << 7;
/** A write of CR3 keeps the translation; `invalidatePage` removes it for every address space. */
const GLOBAL: u64 = 1 << 8;
/** The processor ignores this bit: the domain owns the frame, which is freed with the mapping. */
const OWNED: u64 = 1 << 9;
const NO_EXECUTE: u64 = 1 << 63;
/**
 * The processor ignores bits 52 to 62 of an entry that leads to a table. Bit 52 + n: some of the 64
 * entries of the table's group n may be present.
 */
const GROUP_FIRST: u64 = 1 << 52;
const GROUP_SHIFT: u32 = 6;
const GROUP_ENTRIES: u32 = 1 << GROUP_SHIFT;
/** Entries of a table. */
const ENTRIES: u32 = 512;
const ADDRESS_MASK: u64 = 0x000ffffffffff000;
/** Of a value written to CR3: the processor keeps the translations of the PCID. */
const NO_FLUSH: u64 = 1 << 63;
/** PCIDs are numbers of 12 bits; 0 is that of the tables that boot made. */
const PCIDS: u32 = 4096;
if (<u32>SLOTS_MAX + 1 > PCIDS) ERROR("there are more slots than PCIDs");

/** How a page of a domain is mapped. There is no mapping that is both writable and executable. */
export enum PageAccess {
  Read = 0,
  Write = 1,
  Execute = 2,
}

/** Physical address of the top table that the boot code made; its upper half is every domain's. */
let kernelRoot: u64 = 0;

/** Takes over the boot code's tables. Must be called before any other function of this file. */
export function initializePaging(): void {
  kernelRoot = loadedSpace() & ADDRESS_MASK;
}

// Address spaces have PCIDs if the image says so and the processor has them. The translations of a
// domain then outlast the time in which others run. Invariant: whenever the processor is resumed in
// a space, all translations that it keeps for the space's PCID, and the global ones, are those of
// the tables. Two things can break it, and each flushes at once: pages of a space are unmapped, and
// a slot gets another space.

/** True once CR4.PCIDE is set. Constant after boot. */
let usesPcid: bool = false;

/** CR4.PCIDE has been set: from now on address spaces have PCIDs. No domain has run. */
export function usePcid(): void {
  usesPcid = true;
}

/** What CR3 is written with to resume a thread of the slot, whose top table is `root`. */
export function spaceOf(root: u64, slot: u32): u64 {
  return usesPcid ? root | pcidOf(slot) | NO_FLUSH : root;
}

function pcidOf(slot: u32): u64 {
  return <u64>slot + 1;
}

/**
 * Removes all translations that the processor keeps for a slot. Without PCIDs it keeps none, except
 * of the space it is in.
 */
function flushSpace(root: u64, slot: u32): void {
  if (!usesPcid) return;
  const current = loadedSpace();
  loadSpace(root | pcidOf(slot));
  loadSpace(current | NO_FLUSH);
}

/**
 * Makes a zeroed frame the top table of a slot's new instance: lower half empty, upper half the
 * kernel's.
 */
export function initializeRoot(root: u64, slot: u32): void {
  physicalCopy(root + 2048, kernelRoot + 2048, 2048);
  flushSpace(root, slot); // The instance before had the same PCID.
}

/** Leaves an address space whose tables are about to be removed. */
export function leaveRoot(root: u64): void {
  if ((loadedSpace() & ADDRESS_MASK) === root) loadSpace(kernelRoot);
}

// Tables are counted by level: 4 is the top, 1 holds the entries of pages.

/** A class so that its functions are compiled inline. */
class TableEntry {
  /** Index of the entry that leads to `address` in a table of that level. */
  @inline static index(address: u64, level: u32): u32 {
    return <u32>(address >> (3 + 9 * <u64>level)) & (ENTRIES - 1);
  }
  /** Physical address of that entry. */
  @inline static place(table: u64, address: u64, level: u32): u64 {
    return table + ((<u64>TableEntry.index(address, level)) << 3);
  }
  /** The entry at `place` leads to a table, of which the entry `index` will be present. */
  @inline static noteGroup(place: u64, index: u32): void {
    const group = <u64>(index >> GROUP_SHIFT);
    physicalStore64(place, physicalLoad64(place) | (GROUP_FIRST << group));
  }
  @inline static hasGroup(entry: u64, group: u32): bool {
    return ((entry >> <u64>group) & GROUP_FIRST) !== 0;
  }
}

/** How many tables are missing to map a page at `address`: 0 to 3. */
export function tablesMissing(root: u64, address: u64): u32 {
  let table = root;
  for (let level: u32 = 4; level > 1; level--) {
    const entry = physicalLoad64(TableEntry.place(table, address, level));
    if ((entry & PRESENT) === 0) return level - 1;
    table = entry & ADDRESS_MASK;
  }
  return 0;
}

/** Makes a zeroed frame the topmost table that is missing for `address`. */
export function addTable(root: u64, address: u64, frameAddress: u64): void {
  let table = root;
  let parent: u64 = 0;
  for (let level: u32 = 4; level > 1; level--) {
    const place = TableEntry.place(table, address, level);
    const entry = physicalLoad64(place);
    if ((entry & PRESENT) === 0) {
      const user: u64 = <i64>address >= 0 ? USER : 0;
      physicalStore64(place, frameAddress | PRESENT | WRITABLE | user);
      if (parent !== 0) TableEntry.noteGroup(parent, TableEntry.index(address, level));
      return;
    }
    parent = place;
    table = entry & ADDRESS_MASK;
  }
  assert(false);
}

/** Physical address of the entry that leads to the page's table, 0 if a table is missing. */
function lastTableEntry(root: u64, address: u64): u64 {
  let place: u64 = 0;
  let table = root;
  for (let level: u32 = 4; level > 1; level--) {
    place = TableEntry.place(table, address, level);
    const entry = physicalLoad64(place);
    if ((entry & PRESENT) === 0) return 0;
    assert((entry & LARGE) === 0);
    table = entry & ADDRESS_MASK;
  }
  return place;
}

/** Physical address of the entry for the page, 0 if a table is missing. */
function pageEntry(root: u64, address: u64): u64 {
  const parent = lastTableEntry(root, address);
  return parent === 0 ? 0 : TableEntry.place(physicalLoad64(parent) & ADDRESS_MASK, address, 1);
}

/**
 * Maps a frame. All tables exist, and nothing is mapped at the address. `owned`: the frame is freed
 * with the mapping.
 */
export function mapPage(
  root: u64,
  address: u64,
  frameAddress: u64,
  access: PageAccess,
  owned: bool,
): void {
  const parent = lastTableEntry(root, address);
  assert(parent !== 0);
  TableEntry.noteGroup(parent, TableEntry.index(address, 1));
  const place = TableEntry.place(physicalLoad64(parent) & ADDRESS_MASK, address, 1);
  assert((physicalLoad64(place) & PRESENT) === 0);
  let entry = frameAddress | PRESENT | USER;
  if (owned) entry |= OWNED;
  if (access === PageAccess.Write) entry |= WRITABLE;
  if (GUARD_NX && access !== PageAccess.Execute) entry |= NO_EXECUTE;
  physicalStore64(place, entry);
}

/** Removes the mappings of so many pages of a slot, those that there are. */
export function unmapPages(root: u64, slot: u32, address: u64, pages: u32): void {
  const isCurrent = (loadedSpace() & ADDRESS_MASK) === root;
  let hasRemoved = false;
  for (let page: u32 = 0; page < pages; page++) {
    const at = address + ((<u64>page) << 12);
    const place = pageEntry(root, at);
    if (place === 0) continue;
    physicalStore64(place, 0);
    hasRemoved = true;
    if (isCurrent) invalidatePage(at);
  }
  if (hasRemoved && !isCurrent) flushSpace(root, slot);
}

/**
 * Physical address of the byte at `address` if the domain itself may read it (with `write`: may
 * write it), else 0.
 */
export function translate(root: u64, address: u64, write: bool): u64 {
  const place = pageEntry(root, address);
  if (place === 0) return 0;
  const entry = physicalLoad64(place);
  const needed = write ? PRESENT | USER | WRITABLE : PRESENT | USER;
  if ((entry & needed) !== needed) return 0;
  return (entry & ADDRESS_MASK) | (address & 4095);
}

/** True if a page is mapped there. */
export function isMapped(root: u64, address: u64): bool {
  const place = pageEntry(root, address);
  return place !== 0 && (physicalLoad64(place) & PRESENT) !== 0;
}

/** Pages behind the first entry of a domain's top table; a domain maps nothing beyond them. */
const DOMAIN_PAGES: u32 = 1 << 27;
if (
  DOMAIN_REGION_LOW !== 0 ||
  ((<u64>DOMAIN_REGION_HIGH) << 20) + (<u64>DOMAIN_REGION_BYTES >> 12) > <u64>DOMAIN_PAGES
)
  ERROR("a domain's region does not lie behind the first entry of its top table");

/** An entry of the table behind the first entry of a domain's top table leads to 2^18 pages. */
const TEARDOWN_SHIFT: u32 = 18;

/**
 * Removes a domain's mappings in the order of their pages, and each page table after its entries.
 * The removal can stop after any entry and be resumed at `page` later.
 *
 * Invariant: before `page` there are no mappings, and no tables but those that lead to `page`.
 */
@unmanaged
@final
export class Teardown {
  /** Number of the page that is looked at next. */
  page: u32;
  /** Entries that this step has looked at, and groups that it has passed over. */
  looked: u32;

  /** Begins a step at `page`. Each call returns the same record. */
  static resume(page: u32): Teardown {
    const teardown = changetype<Teardown>(teardownRecord);
    teardown.page = page;
    teardown.looked = 0;
    return teardown;
  }

  /** True when the lower half is empty. */
  @inline get isDone(): bool {
    return this.page >= DOMAIN_PAGES;
  }

  /**
   * Removes the next owned frame or empty table and returns its physical address: nothing refers to
   * it any more. Returns 0 when all is done, or when the step has looked at `entriesMax` entries or
   * some more, up to a group.
   */
  nextFrame(root: u64, entriesMax: u32): u64 {
    if (this.isDone) return 0;
    let place = root;
    let shift = TEARDOWN_SHIFT;
    while (this.looked < entriesMax) {
      const entry = physicalLoad64(place);
      if ((entry & PRESENT) === 0) {
        // A table below is only looked for behind an entry that was found present.
        assert(shift === TEARDOWN_SHIFT);
        this.page = DOMAIN_PAGES;
        return 0;
      }
      const table = entry & ADDRESS_MASK;
      const firstPage = this.page & ~((ENTRIES << shift) - 1);
      const from = (this.page >> shift) & (ENTRIES - 1);
      const index = this.nextPresent(entry, from, entriesMax);
      if (index === ENTRIES) {
        // The table is empty. Back to its first page: the next call finds the parent's entry absent
        // there and goes on behind it.
        this.page = firstPage;
        physicalStore64(place, 0);
        return table;
      }
      if (index !== from) this.page = firstPage | (index << shift);
      const found = table + ((<u64>index) << 3);
      if (shift > 0) {
        place = found;
        shift -= 9;
        continue;
      }
      const mapping = physicalLoad64(found);
      physicalStore64(found, 0);
      if ((mapping & OWNED) !== 0) return mapping & ADDRESS_MASK;
    }
    return 0;
  }

  /**
   * Index, from `from` on, of the first present entry of the table that `entry` leads to, or of the
   * first that the step did not look at; ENTRIES behind the last. Groups that were never used are
   * passed over.
   */
  private nextPresent(entry: u64, from: u32, entriesMax: u32): u32 {
    const table = entry & ADDRESS_MASK;
    let index = from;
    while (index < ENTRIES && this.looked < entriesMax) {
      const end = (index | (GROUP_ENTRIES - 1)) + 1;
      this.looked += 1;
      if (TableEntry.hasGroup(entry, index >> GROUP_SHIFT)) {
        const first = table + ((<u64>index) << 3);
        const last = table + ((<u64>end) << 3);
        let place = first;
        while (place < last && (physicalLoad64(place) & PRESENT) === 0) place += 8;
        this.looked += <u32>(place - first) >> 3;
        if (place < last) return <u32>(place - table) >> 3;
      }
      index = end;
    }
    return index;
  }
}

/** The record of `Teardown.resume`: one domain's tables are removed at a time. */
const teardownRecord: usize = memory.data(offsetof<Teardown>(), 8);

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

/** True if a page of the window is backed. All tables exist. */
export function isKernelPageMapped(linear: usize): bool {
  return (physicalLoad64(pageEntry(kernelRoot, windowAddress(linear))) & PRESENT) !== 0;
}

/**
 * Backs a page of the kernel's window. All tables exist. The page is global: else the processor
 * would keep one translation for each PCID, and `unmapKernelPage` would remove one of them.
 */
export function mapKernelPage(linear: usize, frameAddress: u64): void {
  const place = pageEntry(kernelRoot, windowAddress(linear));
  assert(place !== 0);
  assert((physicalLoad64(place) & PRESENT) === 0);
  physicalStore64(place, frameAddress | PRESENT | WRITABLE | GLOBAL | (GUARD_NX ? NO_EXECUTE : 0));
}

/** Removes a page of the kernel's window and returns the physical address of its frame. */
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
