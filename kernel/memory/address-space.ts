// A domain's address space: what is behind each address, backed when first touched and charged to
// the domain.

import {
  DOMAIN_REGION_BYTES,
  DOMAIN_REGION_HIGH,
  LINEAR_NULL_BYTES,
  STACK_BYTES_MIN,
  STACK_GUARD_BYTES,
} from "../abi/address-space";
import { QUOTA_THREADS_MAX } from "../abi/blob";
import { FaultKind } from "../abi/fault";
import { Domain, Segment } from "../object/domain";
import { Mapping } from "../object/mapping";
import { copyPhysical } from "../x64/physical-memory";
import { PageAccess, addTable, isMapped, mapPage, tablesMissing, translate } from "../x64/paging";
import { FrameUse, allocateReserved, frameAddress } from "./frames";
import { frameOfPage } from "./memory-pages";
import { chargePages } from "./quota";

export const REGION_START: u64 = (<u64>DOMAIN_REGION_HIGH) << 32;
const REGION_END: u64 = REGION_START + <u64>DOMAIN_REGION_BYTES;
const LINEAR_END: u64 = 0x100000000;

/**
 * Maps a frame, adding the tables that are missing, which the domain pays for. False beyond its
 * quota.
 */
export function mapInto(
  domain: Domain,
  address: u64,
  frame: u64,
  access: PageAccess,
  owned: bool,
): bool {
  const missing = tablesMissing(domain.root, address);
  if (missing > 0 && !chargePages(domain, missing)) return false;
  addTables(domain, address, missing);
  mapPage(domain.root, address, frame, access, owned);
  return true;
}

function addTables(domain: Domain, address: u64, missing: u32): void {
  for (let left = missing; left > 0; left--) {
    addTable(domain.root, address, frameAddress(allocateReserved(FrameUse.Table, domain.slot)));
  }
}

/**
 * Backs the page at an address where nothing is mapped yet. FaultKind.None if the page is backed
 * now, else the fault that an access is.
 */
export function backPage(domain: Domain, address: u64): FaultKind {
  const page = address & ~(<u64>4095);
  if (page < LINEAR_END) {
    if (page < <u64>LINEAR_NULL_BYTES) return FaultKind.NullReference;
    if (<u32>page >> 16 < domain.memoryPages) return backOwn(domain, page);
    return backShared(domain, <u32>page);
  }
  if (page < REGION_START || page >= REGION_END) return FaultKind.OutOfBounds;
  if (findSegment(domain, page) !== null) return backOwn(domain, page);
  if (page < domain.regionEnd) return FaultKind.OutOfBounds;
  return isStack(domain, page) ? backOwn(domain, page) : FaultKind.StackExhausted;
}

/** A page of the domain's own: a copy from its executable, or zeroes. */
function backOwn(domain: Domain, page: u64): FaultKind {
  const missing = tablesMissing(domain.root, page);
  if (!chargePages(domain, missing + 1)) return FaultKind.QuotaExhausted;
  addTables(domain, page, missing);
  const frame = frameAddress(allocateReserved(FrameUse.Memory, domain.slot));
  const segment = findSegment(domain, page);
  if (segment !== null) {
    const offset = page - segment.start;
    if (offset < <u64>segment.fileBytes) {
      const left = <u64>segment.fileBytes - offset;
      copyPhysical(frame, segment.source + offset, left < 4096 ? <u32>left : 4096);
    }
  }
  mapPage(domain.root, page, frame, PageAccess.Write, true);
  return FaultKind.None;
}

/** At most 8 steps. */
function findSegment(domain: Domain, page: u64): Segment | null {
  for (let i: u32 = 0; i < domain.segmentCount; i++) {
    const segment = domain.segment(i);
    if (page >= segment.start && page < segment.end) return segment;
  }
  return null;
}

function backShared(domain: Domain, page: u32): FaultKind {
  const mapping = findMapping(domain, page);
  if (mapping === null || mapping.isDying) return FaultKind.OutOfBounds;
  const memory = mapping.memory!;
  const missing = tablesMissing(domain.root, <u64>page);
  if (missing > 0 && !chargePages(domain, missing)) return FaultKind.QuotaExhausted;
  addTables(domain, <u64>page, missing);
  const frame = frameOfPage(memory, mapping.firstPage + ((page - mapping.address) >> 12));
  mapPage(
    domain.root,
    <u64>page,
    frameAddress(frame),
    mapping.writable ? PageAccess.Write : PageAccess.Read,
    false,
  );
  return FaultKind.None;
}

/** The mapping in which an address lies, or null. At most MAPPINGS_OF_DOMAIN_MAX steps. */
export function findMapping(domain: Domain, address: u32): Mapping | null {
  let mapping = domain.firstMapping;
  while (mapping !== null) {
    if (address >= mapping.address && address - mapping.address < mapping.pages << 12)
      return mapping;
    mapping = mapping.nextOfDomain;
  }
  return null;
}

// Native stacks lie at the end of the region, each with its thread block above it and a guard
// below.

/** Bytes of a stack and its thread block, whole pages. */
function stackSpan(domain: Domain): u64 {
  return spanOf(domain.stackBytes, domain.threadBlockBytes);
}

function spanOf(stackBytes: u32, threadBlockBytes: u32): u64 {
  return (<u64>stackBytes + <u64>threadBlockBytes + 4095) & ~(<u64>4095);
}

/** End of a stack's pages. */
export function stackTop(domain: Domain, stack: u32): u64 {
  return (
    REGION_END - <u64>STACK_GUARD_BYTES - <u64>stack * (stackSpan(domain) + <u64>STACK_GUARD_BYTES)
  );
}

/** True if the stack with this number and its guard fit above the code. */
export function stackFits(domain: Domain, stack: u32): bool {
  return stacksFit(stack + 1, domain.stackBytes, domain.threadBlockBytes, domain.regionEnd);
}

/**
 * True if `count` stacks, each with a guard below it, and a guard above them all, fit above what is
 * loaded up to `regionEnd`.
 */
export function stacksFit(
  count: u32,
  stackBytes: u32,
  threadBlockBytes: u32,
  regionEnd: u64,
): bool {
  const needed =
    <u64>count * (spanOf(stackBytes, threadBlockBytes) + <u64>STACK_GUARD_BYTES) +
    <u64>STACK_GUARD_BYTES;
  return needed <= REGION_END - regionEnd;
}
const LEAST_CODE_BYTES: u32 = 4096;
if (
  (<u32>DOMAIN_REGION_BYTES - LEAST_CODE_BYTES - STACK_GUARD_BYTES) /
    (STACK_BYTES_MIN + STACK_GUARD_BYTES) !==
  QUOTA_THREADS_MAX
)
  ERROR("QUOTA_THREADS_MAX is not what a region has room for");

function isStack(domain: Domain, page: u64): bool {
  const top = stackTop(domain, 0);
  if (page >= top) return false;
  const distance = top - 1 - page;
  const pitch = stackSpan(domain) + <u64>STACK_GUARD_BYTES;
  const stack = distance / pitch;
  if (stack > 63 || distance % pitch >= stackSpan(domain)) return false;
  return ((domain.stacks >> stack) & 1) !== 0;
}

/** `reach` where a call would cost more than the code. */
export class LinearMemory {
  /**
   * Physical address of a byte of linear memory, which is backed now if it was not; 0 if the
   * program itself could not read the byte or, with `write`, could not write it. The kernel reaches
   * a program's memory only through this function.
   */
  @inline
  static reach(domain: Domain, address: u32, write: bool): u64 {
    const reached = domain.reached(address);
    return reached.lastOf(write) === (address | 4095)
      ? reached.frame | <u64>(address & 4095)
      : reachAnew(domain, address, write);
  }
}

/** As `LinearMemory.reach`. */
export function reach(domain: Domain, address: u32, write: bool): u64 {
  return LinearMemory.reach(domain, address, write);
}

/** As `reach`, for a page that is not among those reached last. */
function reachAnew(domain: Domain, address: u32, write: bool): u64 {
  const place = find(domain, address, write);
  if (place === 0 || !domain.isAlive) return place;
  const reached = domain.reached(address);
  reached.last = address | 4095;
  reached.lastWritable = write ? address | 4095 : 0;
  reached.frame = place & ~(<u64>4095);
  return place;
}

function find(domain: Domain, address: u32, write: bool): u64 {
  const place = translate(domain.root, <u64>address, write);
  if (place !== 0) return place;
  if (isMapped(domain.root, <u64>address)) return 0;
  if (backPage(domain, <u64>address) !== FaultKind.None) return 0;
  return translate(domain.root, <u64>address, write);
}
