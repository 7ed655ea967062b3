// What exists for each slot of the image from boot on: the slot's part of the domain, its inbox and
// its endpoints. Also the kernel's own objects: interrupt lines, and services without state.

import { SLOT_ENDPOINTS_MAX } from "../abi/blob";
import { ObjectType } from "../abi/object";
import {
  AUDIT_RECORDS_BASE,
  AUDIT_RECORDS_BYTES,
  BOOT_TABLES_BASE,
  BOOT_TABLES_BYTES,
  DOMAINS_BASE,
  DOMAIN_SHIFT,
  HANDLES_BASE,
  HANDLE_TABLE_SHIFT,
  INBOX_SHIFT,
  PORT_BITMAPS_BASE,
  PORT_BITMAP_SHIFT,
  SLOT_ENDPOINTS_BASE,
  SLOT_INBOXES_BASE,
  THREAD_SEQUENCE_BASE,
  THREAD_SHIFT,
  TIMER_HEAP_BASE,
  ENDPOINT_SHIFT,
  timerHeapBytes,
} from "../object/layout";
import { OWNER_KERNEL, availableFrames } from "../memory/frames";
import { Table, backTables, pagesOfQuota, sizeTable } from "../memory/object-pages";
import { keepForSupervisor } from "../memory/quota";
import { backKernelWindow, prepareWindow } from "../memory/window";
import {
  auditBytes,
  auditReset,
  slotCeiling,
  slotClass,
  slotCount,
  slotEndpointCount,
  slotEndpointInterface,
  slotPriority,
  slotProgram,
  slotQuotaHandles,
  slotQuotaObjects,
  slotQuotaPages,
  slotQuotaThreads,
} from "../monitor/monitor";
import { domainOfSlot } from "../object/domain";
import { initializeInbox } from "../object/inbox";
import { interruptOfLine } from "../object/interrupt";
import { KernelObject, initializeObject } from "../object/kernel-object";
import { MAPPINGS_OF_DOMAIN_MAX } from "../object/mapping";
import { sizeTimerHeap } from "../schedule/timers";
import { LINE_COUNT } from "../x64/interrupts";

/** A KernelObject for each type that has only one object. All port ranges share one. */
const singles: usize = memory.data(16 * 32, 8);
const SINGLE_SHIFT: u32 = 5;
if (offsetof<KernelObject>() > 1 << SINGLE_SHIFT) ERROR("KernelObject is larger than its place");

/** The object behind a handle to Ports, Clock … System. */
export function kernelService(type: u32): KernelObject {
  return changetype<KernelObject>(singles + ((<usize>type) << SINGLE_SHIFT));
}

/** Backs the boot tables and initializes the kernel's own objects. False if memory is too small. */
export function initializeTables(): bool {
  if (!backKernelWindow(BOOT_TABLES_BASE, BOOT_TABLES_BYTES)) return false;
  for (let line: u32 = 0; line < LINE_COUNT; line++) {
    const interrupt = interruptOfLine(line);
    initializeObject(interrupt, ObjectType.Interrupt, OWNER_KERNEL);
    interrupt.line = line;
  }
  for (let type: u32 = ObjectType.Ports; type <= <u32>ObjectType.System; type++)
    initializeObject(kernelService(type), type, OWNER_KERNEL);
  return true;
}

/**
 * Backs the audit log of the blob in force, and starts the log. False if memory is too small. What
 * the monitor records before is forgotten, so this comes before the first measurement.
 */
export function initializeAudit(): bool {
  const bytes = auditBytes(slotCount());
  assert(bytes <= AUDIT_RECORDS_BYTES);
  if (!backKernelWindow(AUDIT_RECORDS_BASE, bytes)) return false;
  auditReset(AUDIT_RECORDS_BASE);
  return true;
}

function pagesFor(count: u32, shift: u32): u32 {
  return ((count << shift) + 4095) & ~4095;
}

/**
 * Initializes all slots of the blob in force. False if memory is too small for them or for the
 * supervisor's quota, or if a slot has too many endpoints.
 */
export function initializeSlots(): bool {
  const count = slotCount();
  if (!backObjectTables(count)) return false;
  const bitmaps = PORT_BITMAPS_BASE;
  if (!prepareWindow(bitmaps, bitmaps + ((<usize>count) << PORT_BITMAP_SHIFT))) return false;
  if (!prepareWindow(HANDLES_BASE, HANDLES_BASE + ((<usize>count) << HANDLE_TABLE_SHIFT)))
    return false;
  if (!backKernelWindow(DOMAINS_BASE, pagesFor(count, DOMAIN_SHIFT))) return false;
  if (!backKernelWindow(SLOT_INBOXES_BASE, pagesFor(count, INBOX_SHIFT))) return false;
  let endpoints: u32 = 0;
  for (let slot: u32 = 0; slot < count; slot++) {
    if (slotEndpointCount(slot) > <u32>SLOT_ENDPOINTS_MAX) return false;
    endpoints += slotEndpointCount(slot);
  }
  if (!backKernelWindow(SLOT_ENDPOINTS_BASE, pagesFor(endpoints, ENDPOINT_SHIFT))) return false;
  let firstEndpoint: u32 = 0;
  for (let slot: u32 = 0; slot < count; slot++) {
    initializeSlot(slot, firstEndpoint);
    firstEndpoint += slotEndpointCount(slot);
  }
  const supervisor = domainOfSlot(0);
  if (availableFrames() < supervisor.quotaPages) return false;
  keepForSupervisor(supervisor);
  return true;
}

/**
 * Sizes the tables of objects by the quotas of all slots, and backs what must be there from boot
 * on.
 */
function backObjectTables(count: u32): bool {
  let threads: u32 = 0;
  let threadPages: u32 = 0;
  let endpointPages: u32 = 0;
  let inboxPages: u32 = 0;
  let noticePages: u32 = 0;
  let objects: u32 = 0;
  for (let slot: u32 = 0; slot < count; slot++) {
    const quota = slotQuotaObjects(slot);
    threads += slotQuotaThreads(slot);
    threadPages += pagesOfQuota(Table.Threads, slotQuotaThreads(slot));
    endpointPages += pagesOfQuota(Table.Endpoints, quota);
    inboxPages += pagesOfQuota(Table.Inboxes, quota);
    noticePages += pagesOfQuota(Table.Notices, quota);
    objects += quota;
  }
  sizeTable(Table.Threads, threadPages);
  sizeTable(Table.Endpoints, endpointPages);
  sizeTable(Table.Inboxes, inboxPages);
  sizeTable(Table.Notices, noticePages);
  sizeTable(Table.MemoryObjects, objects);
  sizeTable(Table.Mappings, count * pagesOfQuota(Table.Mappings, MAPPINGS_OF_DOMAIN_MAX));
  sizeTimerHeap(threads + count);
  const threadPlaces = threadPages << (12 - THREAD_SHIFT);
  return (
    backTables() &&
    backKernelWindow(THREAD_SEQUENCE_BASE, threadPlaces << 3) &&
    backKernelWindow(TIMER_HEAP_BASE, timerHeapBytes(threads + count))
  );
}

function initializeSlot(slot: u32, firstEndpoint: u32): void {
  const domain = domainOfSlot(slot);
  initializeObject(domain, ObjectType.Domain, slot);
  domain.slot = slot;
  domain.handleTable = HANDLES_BASE + ((<usize>slot) << HANDLE_TABLE_SHIFT);
  domain.classId = slotClass(slot);
  domain.program = slotProgram(slot);
  domain.priority = slotPriority(slot);
  domain.ceiling = slotCeiling(slot);
  domain.quotaPages = slotQuotaPages(slot);
  domain.quotaHandles = slotQuotaHandles(slot);
  domain.quotaThreads = slotQuotaThreads(slot);
  domain.quotaObjects = slotQuotaObjects(slot);

  const inbox = domain.inbox;
  initializeInbox(inbox, slot);
  domain.firstEndpoint = firstEndpoint;
  domain.endpointCount = slotEndpointCount(slot);
  inbox.boundEndpoints = domain.endpointCount;
  for (let i: u32 = 0; i < domain.endpointCount; i++) {
    const endpoint = domain.endpoint(i);
    initializeObject(endpoint, ObjectType.Endpoint, slot);
    endpoint.interfaceId = slotEndpointInterface(slot, i);
    endpoint.inbox = inbox;
    endpoint.isPermanent = true;
  }
}

/** The sum of all slots' quotas of pages. */
export function pagesPromised(): u64 {
  const count = slotCount();
  let pages: u64 = 0;
  for (let slot: u32 = 0; slot < count; slot++) pages += <u64>slotQuotaPages(slot);
  return pages;
}
