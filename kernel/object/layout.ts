// The kernel's linear window: what lies where. Each object table has a fixed place and objects of a
// power-of-two size, so that an object's address and its number follow from each other; pages of a
// table are backed by frames one by one as domains need them.
//
// All of it lies below WINDOW_BYTES, so that the same layout is an ordinary sparse WebAssembly
// memory when the kernel runs in Node.

import {
  QUOTA_HANDLES_MAX,
  QUOTA_OBJECTS_SUM_MAX,
  QUOTA_PAGES_MAX,
  QUOTA_THREADS_SUM_MAX,
  SLOTS_MAX,
  SLOT_ENDPOINTS_MAX,
} from "../abi/blob";

/**
 * End of what the linker lays out: static data of the kernel and the monitor starts at 64 KiB and
 * must end below.
 */
const STATIC_END: usize = 0x01000000;

/** The blob in force, copied out of the archive. */
export const BLOB_BASE: usize = STATIC_END;

/** Tables that are there from boot on and have one size for all images. */
export const BOOT_TABLES_BASE: usize = 0x02800000;
export const READY_QUEUE_BASE: usize = 0x02800000;
const READY_QUEUE_BYTES: u32 = 0x1000;
export const PROGRAMS_BASE: usize = 0x02801000;
export const PROGRAMS_BYTES: u32 = 0x3000;
export const INTERRUPTS_BASE: usize = 0x02804000;
const INTERRUPTS_BYTES: u32 = 0x2000;
export const BOOT_TABLES_BYTES: u32 = 0x6000;
if (READY_QUEUE_BASE + READY_QUEUE_BYTES > PROGRAMS_BASE) ERROR("the ready queue is too long");
if (PROGRAMS_BASE + PROGRAMS_BYTES > INTERRUPTS_BASE) ERROR("the program table is too long");
if (INTERRUPTS_BASE + INTERRUPTS_BYTES > BOOT_TABLES_BASE + BOOT_TABLES_BYTES)
  ERROR("the boot tables are too short");

// Tables that are backed at boot as far as the quotas of the image's slots reach.

/** u32 for each timer that can run, and for the heap's place 0. */
export const TIMER_HEAP_BASE: usize = 0x02810000;
const TIMER_HEAP_BYTES: u32 = 0x6000;
/** u64 for each thread's place. */
export const THREAD_SEQUENCE_BASE: usize = 0x02820000;
const THREAD_SEQUENCE_BYTES: u32 = 0xa000;
/** A TablePage for each page of the object tables (memory/object-pages.ts). */
export const TABLE_PAGES_BASE: usize = 0x02830000;
export const TABLE_PAGES_BYTES: u32 = 0x27000;
/** The records of the audit log (monitor/audit.ts). */
export const AUDIT_RECORDS_BASE: usize = 0x02880000;
export const AUDIT_RECORDS_BYTES: u32 = 0x7f000;

/** Domains: one for each slot, backed at boot for the slots that the image has. */
export const DOMAINS_BASE: usize = 0x02a00000;
export const DOMAIN_SHIFT: u32 = 11;
/** The slots' own inboxes: they outlive instances. */
export const SLOT_INBOXES_BASE: usize = 0x02c00000;
/** The slots' own endpoints, backed at boot. */
export const SLOT_ENDPOINTS_BASE: usize = 0x02e00000;

// A page of a table is one domain's. Each table has places for the largest sum of quotas that a
// blob may promise and for what stays empty in the last page of each slot, so that no domain can
// take a place that another was promised.

export const THREADS_BASE: usize = 0x03200000;
export const THREAD_SHIFT: u32 = 11;
export const THREADS_MAX: u32 = 5120;

export const ENDPOINTS_BASE: usize = 0x03c00000;
export const ENDPOINT_SHIFT: u32 = 7;
export const ENDPOINTS_MAX: u32 = 39936;

export const NOTICES_BASE: usize = 0x04200000;
export const NOTICE_SHIFT: u32 = 6;
export const NOTICES_MAX: u32 = 72704;

export const MAPPINGS_BASE: usize = 0x04800000;
export const MAPPING_SHIFT: u32 = 7;
export const MAPPINGS_MAX: u32 = 65536;

export const INBOXES_BASE: usize = 0x05000000;
export const INBOX_SHIFT: u32 = 11;
export const INBOXES_MAX: u32 = 9216;

export const TRACE_BASE: usize = 0x06200000;

/** A memory object is a page of the window: its header and the numbers of its frames. */
export const MEMORY_OBJECTS_BASE: usize = 0x06400000;
export const MEMORY_OBJECT_SHIFT: u32 = 12;
export const MEMORY_OBJECTS_MAX: u32 = 8192;

/** I/O permission bitmaps: 8 KiB and the closing byte, at 16 KiB a slot. */
export const PORT_BITMAPS_BASE: usize = 0x08400000;
export const PORT_BITMAP_SHIFT: u32 = 14;
export const PORT_BITMAP_BYTES: u32 = 8192;

/** One u32 for each frame of physical memory (memory/frames.ts), backed where there is memory. */
export const FRAME_DATABASE_BASE: usize = 0x0c000000;
/** 64 GiB of physical memory. What lies above is not used, and the boot says so. */
export const FRAMES_MAX: u32 = QUOTA_PAGES_MAX;

/** Handle tables: 4,096 entries of 64 bytes a slot. The first names no handle. */
export const HANDLES_BASE: usize = 0x10000000;
export const HANDLE_TABLE_SHIFT: u32 = 18;
export const HANDLE_SHIFT: u32 = 6;
export const HANDLES_MAX: u32 = QUOTA_HANDLES_MAX + 1;

export const WINDOW_BYTES: usize = 0x20000000;

/** Each thread and each domain has a timer; the heap counts its places from 1. */
export function timerHeapBytes(timers: u32): u32 {
  return (timers + 1) << 2;
}

if (<u64>BOOT_TABLES_BASE + BOOT_TABLES_BYTES > <u64>TIMER_HEAP_BASE)
  ERROR("the boot tables overlap the timer heap");
if (<u64>TIMER_HEAP_BASE + TIMER_HEAP_BYTES > <u64>THREAD_SEQUENCE_BASE)
  ERROR("the timer heap overlaps the call sequences");
if (<u32>((QUOTA_THREADS_SUM_MAX + SLOTS_MAX + 1) << 2) > TIMER_HEAP_BYTES)
  ERROR("the timer heap is too short");
if (<u64>THREAD_SEQUENCE_BASE + THREAD_SEQUENCE_BYTES > <u64>TABLE_PAGES_BASE)
  ERROR("the call sequences overlap the table of object pages");
if (<u64>TABLE_PAGES_BASE + TABLE_PAGES_BYTES > <u64>AUDIT_RECORDS_BASE)
  ERROR("the table of object pages overlaps the audit records");
if (<u64>AUDIT_RECORDS_BASE + AUDIT_RECORDS_BYTES > <u64>DOMAINS_BASE)
  ERROR("the audit records overlap the domains");
if (THREADS_MAX * 8 > THREAD_SEQUENCE_BYTES) ERROR("the table of call sequences is too small");
if (<u64>DOMAINS_BASE + ((<u64>SLOTS_MAX) << DOMAIN_SHIFT) > <u64>SLOT_INBOXES_BASE)
  ERROR("domains overlap the inboxes");
if (<u64>SLOT_INBOXES_BASE + ((<u64>SLOTS_MAX) << INBOX_SHIFT) > <u64>SLOT_ENDPOINTS_BASE)
  ERROR("the slots' inboxes overlap their endpoints");
if (
  <u64>SLOT_ENDPOINTS_BASE + ((<u64>(SLOTS_MAX * SLOT_ENDPOINTS_MAX)) << ENDPOINT_SHIFT) >
  <u64>THREADS_BASE
)
  ERROR("the slots' endpoints overlap the threads");
if (<u64>THREADS_BASE + ((<u64>THREADS_MAX) << THREAD_SHIFT) > <u64>ENDPOINTS_BASE)
  ERROR("threads overlap the endpoints");
if (<u64>ENDPOINTS_BASE + ((<u64>ENDPOINTS_MAX) << ENDPOINT_SHIFT) > <u64>NOTICES_BASE)
  ERROR("endpoints overlap the notices");
if (<u64>NOTICES_BASE + ((<u64>NOTICES_MAX) << NOTICE_SHIFT) > <u64>MAPPINGS_BASE)
  ERROR("notices overlap the mappings");
if (<u64>MAPPINGS_BASE + ((<u64>MAPPINGS_MAX) << MAPPING_SHIFT) > <u64>INBOXES_BASE)
  ERROR("mappings overlap the inboxes");
if (<u64>INBOXES_BASE + ((<u64>INBOXES_MAX) << INBOX_SHIFT) > <u64>TRACE_BASE)
  ERROR("inboxes overlap the trace");
if (
  <u64>MEMORY_OBJECTS_BASE + ((<u64>MEMORY_OBJECTS_MAX) << MEMORY_OBJECT_SHIFT) >
  <u64>PORT_BITMAPS_BASE
)
  ERROR("memory objects overlap the port bitmaps");
if (<u64>PORT_BITMAPS_BASE + ((<u64>SLOTS_MAX) << PORT_BITMAP_SHIFT) > <u64>FRAME_DATABASE_BASE)
  ERROR("port bitmaps overlap the frame database");
if (<u64>FRAME_DATABASE_BASE + ((<u64>FRAMES_MAX) << 2) > <u64>HANDLES_BASE)
  ERROR("the frame database overlaps the handle tables");
if (<u64>HANDLES_BASE + ((<u64>SLOTS_MAX) << HANDLE_TABLE_SHIFT) > <u64>WINDOW_BYTES)
  ERROR("handle tables overrun the window");

if (THREADS_MAX < <u32>(QUOTA_THREADS_SUM_MAX + SLOTS_MAX * ((4096 >> THREAD_SHIFT) - 1)))
  ERROR("there are fewer threads than quotas promise");
if (ENDPOINTS_MAX < <u32>(QUOTA_OBJECTS_SUM_MAX + SLOTS_MAX * ((4096 >> ENDPOINT_SHIFT) - 1)))
  ERROR("there are fewer endpoints than quotas promise");
if (NOTICES_MAX < <u32>(QUOTA_OBJECTS_SUM_MAX + SLOTS_MAX * ((4096 >> NOTICE_SHIFT) - 1)))
  ERROR("there are fewer notices than quotas promise");
if (INBOXES_MAX < <u32>(QUOTA_OBJECTS_SUM_MAX + SLOTS_MAX * ((4096 >> INBOX_SHIFT) - 1)))
  ERROR("there are fewer inboxes than quotas promise");
if (MEMORY_OBJECTS_MAX < <u32>QUOTA_OBJECTS_SUM_MAX)
  ERROR("there are fewer memory objects than quotas promise");
