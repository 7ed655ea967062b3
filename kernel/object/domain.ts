import {
  DOMAINS_BASE,
  DOMAIN_SHIFT,
  SLOT_ENDPOINTS_BASE,
  SLOT_INBOXES_BASE,
  ENDPOINT_SHIFT,
  INBOX_SHIFT,
} from "./layout";
import { Endpoint } from "./endpoint";
import { Inbox } from "./inbox";
import { KernelObject } from "./kernel-object";
import { Mapping } from "./mapping";
import { Thread } from "./thread";
import { Timer } from "./timer";

export enum DomainState {
  Empty = 0,
  Running = 1,
  /** A thread stopped by a fault and waits for the fault handler's answer. */
  Faulted = 2,
  /** The kernel is freeing what the instance had. */
  Stopping = 3,
}

/** Why an instance ended. */
export enum EndReason {
  None = 0,
  Exit = 1,
  Fault = 2,
  Stopped = 3,
}

/**
 * A slot of the image and the instance that runs in it. The slot's part is there from boot on, its
 * endpoints and its inbox with it; the instance's part is zero while the slot is empty.
 */
@unmanaged
export class Domain extends KernelObject {
  // The slot.
  slot: u32;
  state: DomainState;
  classId: u32;
  program: u32;
  priority: u32;
  ceiling: u32;
  quotaPages: u32;
  quotaHandles: u32;
  quotaThreads: u32;
  quotaObjects: u32;
  /** Number of the instance that runs or ran last; 0 before the first. */
  instance: u32;
  endReason: EndReason;
  endCode: u32;
  /** Time for which the instance's threads that have ended had run. */
  endedTicks: u64;
  /** The next domain on the list of those that are being reclaimed (ipc/end.ts). */
  nextDying: Domain | null;
  isDying: bool;
  /** It is on the list of slots that the supervisor has not asked for since they changed. */
  isChanged: bool;
  nextChanged: Domain | null;
  /** The slot's endpoints lie one behind the other among those of all slots: the first. */
  firstEndpoint: u32;
  endpointCount: u32;
  /** Address of its handle table. */
  handleTable: usize;

  // The instance.
  /** Physical address of the top page table. */
  root: u64;
  pagesUsed: u32;
  /** Of these, pages of code and constants, which lie in the archive. */
  archivePages: u32;
  handlesUsed: u32;
  threadsUsed: u32;
  objectsUsed: u32;
  /** Places of the handle table that are backed: whole pages. */
  handlePlaces: u32;
  /** The first place that was never used; 0 before the first page is backed. */
  handleHigh: u32;
  /** First and last of the chain of empty places below `handleHigh`, and how many it has. */
  handleFree: u32;
  handleFreeLast: u32;
  handleFreeCount: u32;
  firstThread: Thread | null;
  firstMapping: Mapping | null;
  mappingCount: u32;
  /** Linear memory in pages of 64 KiB: now, and at most. */
  memoryPages: u32;
  memoryPagesMax: u32;
  threadEntry: u64;
  /** Where segments in the domain's region end and stacks may begin. */
  regionEnd: u64;
  stackBytes: u32;
  threadBlockBytes: u32;
  /** Bit n: stack n is in use. */
  stacks: u64;
  segmentCount: u32;
  /** Linear address of the I/O permission bitmap, 0 without ports. */
  ports: u32;
  portPages: u32;
  /** Pages of object tables, chained (memory/object-pages.ts). */
  objectPages: u32;
  /** While its objects are looked for: the page, + 1, behind which the walk goes on. */
  objectCursor: u32;
  timerPlace: u64; // Timer, 16 bytes
  timerRest: u64;
  timerBits: u64;
  timerInbox: Inbox | null;
  timerInboxIdentity: u64;
  /** Phase of reclaiming, and how far the phase has come (domain/reclaim.ts). */
  phase: u32;
  cursor: u32;

  @inline get timer(): Timer {
    return changetype<Timer>(changetype<usize>(this) + offsetof<Domain>("timerPlace"));
  }
  @inline static ofTimer(timer: Timer): Domain {
    return changetype<Domain>(changetype<usize>(timer) - offsetof<Domain>("timerPlace"));
  }
  @inline get isAlive(): bool {
    return this.state === DomainState.Running || this.state === DomainState.Faulted;
  }
  /** The inbox to which its endpoints are bound at first. */
  @inline get inbox(): Inbox {
    return changetype<Inbox>(SLOT_INBOXES_BASE + ((<usize>this.slot) << INBOX_SHIFT));
  }
  /** The n-th endpoint that the image gives the slot. */
  endpoint(index: u32): Endpoint {
    assert(index < this.endpointCount);
    return changetype<Endpoint>(
      SLOT_ENDPOINTS_BASE + ((<usize>(this.firstEndpoint + index)) << ENDPOINT_SHIFT),
    );
  }
  /** Address of the chain of free places in an object table. */
  @inline freePlaces(table: u32): usize {
    return changetype<usize>(this) + FREE_PLACES_OFFSET + ((<usize>table) << 2);
  }
  @inline reached(page: u32): ReachedPage {
    return changetype<ReachedPage>(
      changetype<usize>(this) + REACHED_OFFSET + <usize>(((page >> 12) & (REACHED_PAGES - 1)) << 4),
    );
  }
  /** Call when a page of the domain is unmapped, or before all of them are. */
  forgetReached(): void {
    for (let i: u32 = 0; i < REACHED_PAGES; i++) this.reached(i << 12).forget();
  }
  @inline segment(index: u32): Segment {
    return changetype<Segment>(
      changetype<usize>(this) + SEGMENTS_OFFSET + <usize>index * SEGMENT_BYTES,
    );
  }
}

/**
 * A writable segment of the executable: its pages are copied from the archive when first touched.
 */
@unmanaged
export class Segment {
  start: u64;
  end: u64;
  /** Physical address of its bytes in the archive. */
  source: u64;
  fileBytes: u32;
  spare: u32;
}

/**
 * Pages of linear memory that the kernel reached last, by a few bits of their address: zero, or one
 * that is mapped in the domain now.
 */
@unmanaged
class ReachedPage {
  /** Address of its last byte, so that a hit is one comparison; 0 for none. */
  last: u32;
  /** The same if the program may write the page, else 0. */
  lastWritable: u32;
  /** Physical address. */
  frame: u64;

  /** Address of its last byte if the program may read or, with `write`, write it; else 0. */
  @inline lastOf(write: bool): u32 {
    return load<u32>(
      changetype<usize>(this) +
        (write ? offsetof<ReachedPage>("lastWritable") : offsetof<ReachedPage>("last")),
    );
  }
  @inline forget(): void {
    this.last = 0;
    this.lastWritable = 0;
  }
}

const REACHED_OFFSET: usize = 1536;
const REACHED_PAGES: u32 = 8;
if (offsetof<ReachedPage>() !== 16) ERROR("ReachedPage is not 16 bytes");
if (REACHED_OFFSET + <usize>REACHED_PAGES * 16 > 1 << DOMAIN_SHIFT)
  ERROR("reached pages do not fit");

const SEGMENT_BYTES: usize = 32;
const FREE_PLACES_OFFSET: usize = 960;
const SEGMENTS_OFFSET: usize = 1024;
export const SEGMENTS_MAX: u32 = 8;

if (offsetof<Segment>() !== SEGMENT_BYTES) ERROR("Segment is not 32 bytes");
if (offsetof<Domain>() > FREE_PLACES_OFFSET) ERROR("Domain overlaps its arrays");

export function domainOfSlot(slot: u32): Domain {
  return changetype<Domain>(DOMAINS_BASE + ((<usize>slot) << DOMAIN_SHIFT));
}

/** Zeroes the instance's part. Nothing may be left in it. */
export function clearInstance(domain: Domain): void {
  const start = offsetof<Domain>("root");
  memory.fill(changetype<usize>(domain) + start, 0, (1 << DOMAIN_SHIFT) - start);
}
