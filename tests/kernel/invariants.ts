// Walks every object of the kernel and checks that they hold together: handle trees, queues, lists,
// page accounts. For tests, after each operation.

import { ObjectType, RIGHT_RECEIVE } from "../../kernel/abi/object";
import { TOKEN_THREAD_MASK } from "../../kernel/abi/system-call";
import { findHandle, hasRights } from "../../kernel/handle/table";
import { Result } from "../../kernel/ipc/registers";
import { slotCount } from "../../kernel/monitor/monitor";
import {
  ENDPOINTS_BASE,
  ENDPOINTS_MAX,
  ENDPOINT_SHIFT,
  HANDLES_BASE,
  HANDLES_MAX,
  HANDLE_SHIFT,
  HANDLE_TABLE_SHIFT,
  INBOXES_BASE,
  INBOXES_MAX,
  INBOX_SHIFT,
  MAPPINGS_BASE,
  MAPPINGS_MAX,
  MAPPING_SHIFT,
  MEMORY_OBJECTS_MAX,
  NOTICES_BASE,
  NOTICES_MAX,
  NOTICE_SHIFT,
  READY_QUEUE_BASE,
  THREADS_MAX,
} from "../../kernel/object/layout";
import {
  FrameUse,
  frameUse,
  frameOwner,
  rangeEnd,
  rangeFirst,
  freeFrames,
  reservedFrames,
  totalFrames,
} from "../../kernel/memory/frames";
import { Table, isInUse } from "../../kernel/memory/object-pages";
import { Domain, DomainState, domainOfSlot } from "../../kernel/object/domain";
import { Endpoint } from "../../kernel/object/endpoint";
import { HandleEntry } from "../../kernel/object/handle-entry";
import { Inbox, RECEIVED_WITH_CARE } from "../../kernel/object/inbox";
import { KernelObject } from "../../kernel/object/kernel-object";
import { interruptOfLine } from "../../kernel/object/interrupt";
import { Mapping, TYPE_MAPPING } from "../../kernel/object/mapping";
import { MemoryObject } from "../../kernel/object/memory-object";
import { Thread, ThreadState } from "../../kernel/object/thread";
import { PriorityQueue } from "../../kernel/object/priority-queue";
import { currentThread } from "../../kernel/schedule/scheduler";
import { LINE_COUNT } from "../../kernel/x64/interrupts";
import { memoryRangeCount } from "../../kernel/x64/memory-map";
import { isKernelPageMapped } from "../../kernel/x64/paging";

let detail: u64 = 0;
export function invariantDetail(): u64 {
  return detail;
}

function broken(number: u32, about: u64): u32 {
  detail = about;
  return number;
}

/** Number of the first invariant that does not hold, 0 if all do. */
export function invariantBroken(): u32 {
  const slots = slotCount();
  let result: u32 = 0;
  for (let slot: u32 = 0; slot < slots && result === 0; slot++)
    result = checkDomain(domainOfSlot(slot));
  for (let index: u32 = 0; index < THREADS_MAX && result === 0; index++) {
    if (isInUse(Table.Threads, index)) result = checkThread(Thread.at(index));
  }
  if (result === 0) result = checkReadyQueue();
  if (result === 0) result = checkObjects();
  if (result === 0) result = checkInterrupts();
  if (result === 0) result = checkFrames();
  return result;
}

// 1xx: domains and handles.

function checkDomain(domain: Domain): u32 {
  const about = <u64>domain.slot;
  if (domain.state === DomainState.Empty) {
    if (
      domain.pagesUsed !== 0 ||
      domain.handlesUsed !== 0 ||
      domain.objectsUsed !== 0 ||
      domain.threadsUsed !== 0
    )
      return broken(100, about);
    return domain.inbox.receiver === null ? 0 : broken(101, about);
  }
  let handles: u32 = 0;
  for (let index: u32 = 1; index < domain.handleHigh; index++) {
    const entry = changetype<HandleEntry>(
      HANDLES_BASE +
        ((<usize>domain.slot) << HANDLE_TABLE_SHIFT) +
        ((<usize>index) << HANDLE_SHIFT),
    );
    if (entry.type === 0) continue;
    handles += 1;
    const result = checkHandle(entry);
    if (result !== 0) return result;
  }
  if (handles !== domain.handlesUsed) return broken(102, about);
  // Each place that was ever used lies on a page that is backed, and has a handle or is in the
  // chain of empty ones.
  if (domain.handleHigh > domain.handlePlaces) return broken(107, about);
  if (domain.isAlive && domain.handleHigh !== 1 + handles + domain.handleFreeCount)
    return broken(108, about);
  let threads: u32 = 0;
  let isFaulted = false;
  let thread = domain.firstThread;
  while (thread !== null) {
    threads += 1;
    if (thread.isFaultCall) isFaulted = true;
    if (thread.owner !== domain.slot || threads > THREADS_MAX) return broken(103, about);
    const next = thread.domainNext;
    if (next !== null && next.domainPrevious !== thread) return broken(104, about);
    thread = next;
  }
  if (threads !== domain.threadsUsed) return broken(105, about);
  if (domain.isAlive && isFaulted !== (domain.state === DomainState.Faulted))
    return broken(106, about);
  return checkMappings(domain);
}

function checkHandle(entry: HandleEntry): u32 {
  const about = <u64>changetype<usize>(entry);
  const object = entry.object;
  if (object === null) return broken(110, about);
  if (object.type !== <u32>entry.type) return broken(111, about);
  const previous = entry.previous;
  const next = entry.next;
  const parent = entry.parent;
  if (
    next !== null &&
    (next.previous !== entry || next.object !== object || next.parent !== parent)
  )
    return broken(112, about);
  if (previous !== null) {
    if (previous.next !== entry) return broken(113, about);
  } else if (parent !== null) {
    if (parent.firstChild !== entry) return broken(114, about);
  } else if (object.firstHandle !== entry) {
    return broken(115, about);
  }
  // Rights only shrink along the tree.
  if (parent !== null && (parent.object !== object || (entry.rights & ~parent.rights) !== 0))
    return broken(116, about);
  if (countHandles(object) !== object.handleCount) return broken(117, about);
  return entry.type === <u16>ObjectType.Memory ? checkMappingsOfHandle(entry) : 0;
}

function checkMappingsOfHandle(entry: HandleEntry): u32 {
  let previous: Mapping | null = null;
  let mapping = entry.firstMapping;
  while (mapping !== null) {
    const about = <u64>changetype<usize>(mapping);
    if (
      mapping.type !== TYPE_MAPPING ||
      mapping.handle !== entry ||
      changetype<usize>(mapping.memory) !== changetype<usize>(entry.object)
    )
      return broken(118, about);
    if (
      mapping.previousOfHandle !== previous ||
      (!mapping.isInherited && mapping.owner !== entry.slot)
    )
      return broken(119, about);
    previous = mapping;
    mapping = mapping.nextOfHandle;
  }
  return 0;
}

/** Walks the object's trees without recursion. */
function countHandles(object: KernelObject): u32 {
  let count: u32 = 0;
  let entry = object.firstHandle;
  while (entry !== null) {
    count += 1;
    if (count > HANDLES_MAX * 256) return count;
    let next: HandleEntry | null = entry.firstChild;
    let up: HandleEntry | null = entry;
    while (next === null && up !== null) {
      next = up.next;
      up = up.parent;
    }
    entry = next;
  }
  return count;
}

function checkMappings(domain: Domain): u32 {
  let count: u32 = 0;
  let end: u64 = (<u64>domain.memoryPagesMax) << 16;
  let mapping: Mapping | null = domain.firstMapping;
  while (mapping !== null) {
    count += 1;
    const about = <u64>changetype<usize>(mapping);
    if (<u64>mapping.address < end) return broken(120, about);
    end = <u64>mapping.address + ((<u64>mapping.pages) << 12);
    const memory = mapping.memory!;
    if (!mapping.isDying && memory.type !== <u32>ObjectType.Memory) return broken(121, about);
    if (mapping.owner !== domain.slot) return broken(122, about);
    const entry = mapping.handle;
    if (entry !== null && (entry.type !== <u16>ObjectType.Memory || !hangsOn(mapping, entry)))
      return broken(124, about);
    mapping = mapping.nextOfDomain;
  }
  return count === domain.mappingCount ? 0 : broken(123, <u64>domain.slot);
}

function hangsOn(mapping: Mapping, entry: HandleEntry): bool {
  let other = entry.firstMapping;
  while (other !== null && other !== mapping) other = other.nextOfHandle;
  return other === mapping;
}

// 2xx: threads, queues, calls.

function checkThread(thread: Thread): u32 {
  const about = <u64>changetype<usize>(thread);
  const state = thread.state;
  if (thread.priority < thread.basePriority) return broken(200, about);
  if (state === ThreadState.Calling) {
    const endpoint = thread.endpoint;
    const inbox = thread.inbox;
    if (endpoint === null || inbox === null || !thread.isQueued) return broken(201, about);
    if (thread.queuePriority !== thread.priority) return broken(202, about);
    const receiver = inbox.receiver;
    if (receiver !== null && domainOfSlot(receiver.owner).isAlive) return broken(203, about);
    const previous = thread.callerPrevious;
    if (previous === null ? endpoint.firstCaller !== thread : previous.callerNext !== thread)
      return broken(204, about);
  } else if (thread.endpoint !== null) {
    return broken(205, about);
  }
  if (state === ThreadState.AwaitingReply) {
    const server = thread.server;
    if (server === null || thread.isQueued) return broken(206, about);
    const previous = thread.servedPrevious;
    if (previous === null ? server.firstServed !== thread : previous.servedNext !== thread)
      return broken(207, about);
  }
  if (state === ThreadState.Receiving) {
    const inbox = thread.ownInbox;
    if (inbox === null || inbox.receiver !== thread || inbox.thread !== thread)
      return broken(209, about);
    // Who may be given a message with nothing else to do.
    const isPlain =
      thread.firstServed === null && thread.timeoutTimer.heapIndex === 0 && !thread.suspended;
    if (inbox.receiving !== RECEIVED_WITH_CARE && (inbox.receiving !== thread.instance || !isPlain))
      return broken(219, about);
    if (inbox.bits !== 0 || (inbox.pendingCalls !== 0 && domainOfSlot(thread.owner).isAlive))
      return broken(210, about);
  }
  if (state === ThreadState.Ready) {
    const runs = !thread.suspended && domainOfSlot(thread.owner).isAlive;
    if (runs && thread !== currentThread && !thread.isQueued) return broken(211, about);
    if (thread === currentThread && thread.isQueued) return broken(212, about);
    if (thread.timeoutTimer.heapIndex !== 0) return broken(213, about);
  }
  const domain = domainOfSlot(thread.owner);
  if (
    thread.domain !== domain ||
    thread.instance !== domain.instance ||
    thread.ceiling !== domain.ceiling ||
    thread.identityShown !== Result.callerIdentity(domain.classId, domain.slot) ||
    (<u32>thread.token & TOKEN_THREAD_MASK) !== thread.index
  )
    return broken(224, about);
  if (state === ThreadState.AwaitingReply && thread.callEpoch !== 0 && thread.callShape === null)
    return broken(225, about);
  if (
    state !== ThreadState.AwaitingReply &&
    (thread.servedNext !== null || thread.servedPrevious !== null)
  )
    return broken(226, about);
  if (thread.ownInboxNumber !== 0) {
    const entry = findHandle(domain, thread.ownInboxNumber);
    if (
      entry === null ||
      changetype<usize>(entry.object) !== changetype<usize>(thread.ownInbox) ||
      !hasRights(entry, RIGHT_RECEIVE)
    )
      return broken(227, about);
  }
  // Only who waits for the processor has something left of a turn.
  if (thread.sliceLeft !== 0 && (state !== ThreadState.Ready || thread === currentThread))
    return broken(218, about);
  return checkLending(thread);
}

/** What callers lend, and the longest chain that they make, counted one by one. */
function checkLending(thread: Thread): u32 {
  const about = <u64>changetype<usize>(thread);
  let wanted = thread.basePriority;
  let chain: u32 = 0;
  let served = thread.firstServed;
  while (served !== null) {
    if (served.priority > wanted) wanted = served.priority;
    if (served.chainBehind >= chain) chain = served.chainBehind + 1;
    if (served.server !== thread) return broken(214, about);
    served = served.servedNext;
  }
  const inbox = thread.ownInbox;
  if (inbox !== null) {
    if (inbox.thread !== thread || inbox.type !== <u32>ObjectType.Inbox) return broken(216, about);
    for (let index: u32 = 0; inbox.pendingCalls > 0 && index < THREADS_MAX; index++) {
      if (!isInUse(Table.Threads, index)) continue;
      const caller = Thread.at(index);
      if (caller.state !== ThreadState.Calling || caller.inbox !== inbox) continue;
      if (caller.priority > wanted) wanted = caller.priority;
      if (caller.chainBehind >= chain) chain = caller.chainBehind + 1;
    }
  }
  const ceiling = domainOfSlot(thread.owner).ceiling;
  if (wanted > ceiling) wanted = ceiling;
  if (wanted < thread.basePriority) wanted = thread.basePriority;
  if (thread.priority !== wanted) return broken(215, about);
  return thread.chainBehind === chain ? 0 : broken(217, about);
}

function checkReadyQueue(): u32 {
  for (let priority: u32 = 0; priority < 256; priority++) {
    const first = changetype<Thread | null>(
      load<usize>(changetype<PriorityQueue>(READY_QUEUE_BASE).headAt(priority)),
    );
    const bit =
      (load<u64>(READY_QUEUE_BASE + ((<usize>priority >> 6) << 3)) >> <u64>(priority & 63)) & 1;
    if ((first !== null) !== (bit !== 0)) return broken(220, <u64>priority);
    let thread = first;
    for (let count: u32 = 0; thread !== null; count++) {
      if (
        thread.state !== ThreadState.Ready ||
        thread.queuePriority !== priority ||
        !thread.isQueued
      )
        return broken(221, <u64>changetype<usize>(thread));
      if (count > THREADS_MAX) return broken(222, <u64>priority);
      thread = thread.queueNext;
      if (thread === first) break;
    }
  }
  return 0;
}

// 24x: every object can still be reached. The kernel has freed each object that nothing refers to
// any more.

/** Objects of each slot that its quota counts. */
const objectCounts: usize = memory.data(256 * 4, 8);
/**
 * Of each inbox, first the slots' own, then the others: endpoints bound to it, callers in its
 * queue.
 */
const boundCounts: usize = memory.data((256 + INBOXES_MAX) * 4, 8);
const callerCounts: usize = memory.data((256 + INBOXES_MAX) * 4, 8);

function addOne(counts: usize, index: u32): void {
  store<u32>(counts + ((<usize>index) << 2), load<u32>(counts + ((<usize>index) << 2)) + 1);
}

function inboxNumber(inbox: Inbox): u32 {
  const address = changetype<usize>(inbox);
  if (address < INBOXES_BASE) return inbox.owner;
  return 256 + <u32>((address - INBOXES_BASE) >> INBOX_SHIFT);
}

function checkObjects(): u32 {
  const slots = slotCount();
  memory.fill(objectCounts, 0, 256 * 4);
  memory.fill(boundCounts, 0, (256 + INBOXES_MAX) * 4);
  memory.fill(callerCounts, 0, (256 + INBOXES_MAX) * 4);
  for (let index: u32 = 0; index < THREADS_MAX; index++) {
    if (!isInUse(Table.Threads, index)) continue;
    const thread = Thread.at(index);
    if (thread.state === ThreadState.Calling) addOne(callerCounts, inboxNumber(thread.inbox!));
  }
  for (let slot: u32 = 0; slot < slots; slot++) {
    const domain = domainOfSlot(slot);
    for (let i: u32 = 0; i < domain.endpointCount; i++) {
      const inbox = domain.endpoint(i).inbox!;
      if (inbox.type !== <u32>ObjectType.Inbox) return broken(240, <u64>slot);
      addOne(boundCounts, inboxNumber(inbox));
    }
  }
  let result = checkEndpoints();
  if (result === 0) result = checkInboxes();
  if (result === 0) result = checkNotices();
  if (result === 0) result = checkMemoryObjects();
  if (result !== 0) return result;
  for (let slot: u32 = 0; slot < slots; slot++) {
    const domain = domainOfSlot(slot);
    if (!isBoundAsCounted(domain.inbox)) return broken(241, <u64>slot);
    if (load<u32>(objectCounts + ((<usize>slot) << 2)) !== domain.objectsUsed)
      return broken(242, <u64>slot);
  }
  return 0;
}

function isBoundAsCounted(inbox: Inbox): bool {
  const place = (<usize>inboxNumber(inbox)) << 2;
  return (
    inbox.boundEndpoints === load<u32>(boundCounts + place) &&
    inbox.pendingCalls === load<u32>(callerCounts + place)
  );
}

function checkEndpoints(): u32 {
  for (let index: u32 = 0; index < ENDPOINTS_MAX; index++) {
    if (!isInUse(Table.Endpoints, index)) continue;
    const endpoint = changetype<Endpoint>(ENDPOINTS_BASE + ((<usize>index) << ENDPOINT_SHIFT));
    addOne(objectCounts, endpoint.owner);
    const inbox = endpoint.inbox;
    if (inbox === null || inbox.type !== <u32>ObjectType.Inbox) return broken(243, <u64>index);
    addOne(boundCounts, inboxNumber(inbox));
    if (endpoint.handleCount === 0 && endpoint.firstCaller === null && !isEnding(endpoint))
      return broken(244, <u64>index);
  }
  return 0;
}

/** What belongs to an instance that is being taken apart goes with it, in its turn. */
function isEnding(object: KernelObject): bool {
  return domainOfSlot(object.owner).state === DomainState.Stopping;
}

function checkInboxes(): u32 {
  for (let index: u32 = 0; index < INBOXES_MAX; index++) {
    if (!isInUse(Table.Inboxes, index)) continue;
    const inbox = changetype<Inbox>(INBOXES_BASE + ((<usize>index) << INBOX_SHIFT));
    addOne(objectCounts, inbox.owner);
    if (!isBoundAsCounted(inbox)) return broken(245, <u64>index);
    if (
      inbox.handleCount !== 0 ||
      inbox.boundEndpoints !== 0 ||
      inbox.pendingCalls !== 0 ||
      inbox.receiver !== null
    )
      continue;
    if (!isEnding(inbox)) return broken(246, <u64>index);
  }
  return 0;
}

function checkNotices(): u32 {
  for (let index: u32 = 0; index < NOTICES_MAX; index++) {
    if (!isInUse(Table.Notices, index)) continue;
    const notice = changetype<KernelObject>(NOTICES_BASE + ((<usize>index) << NOTICE_SHIFT));
    addOne(objectCounts, notice.owner);
    if (notice.handleCount === 0 && !isEnding(notice)) return broken(247, <u64>index);
  }
  return 0;
}

/** Whether a mapping that is being taken apart, step by step, takes the object along. */
function isBeingLeft(object: MemoryObject): bool {
  for (let index: u32 = 0; index < MAPPINGS_MAX; index++) {
    if (!isInUse(Table.Mappings, index)) continue;
    const mapping = changetype<Mapping>(MAPPINGS_BASE + ((<usize>index) << MAPPING_SHIFT));
    if (mapping.isDying && mapping.memory === object && mapping.memoryIdentity === object.identity)
      return true;
  }
  return false;
}

function checkMemoryObjects(): u32 {
  for (let index: u32 = 0; index < MEMORY_OBJECTS_MAX; index++) {
    if (!isInUse(Table.MemoryObjects, index)) continue;
    const object = MemoryObject.at(index);
    addOne(objectCounts, object.owner);
    if (
      object.handleCount === 0 &&
      object.firstMapping === null &&
      !isEnding(object) &&
      !isBeingLeft(object)
    )
      return broken(248, <u64>index);
  }
  for (let index: u32 = 0; index < MAPPINGS_MAX; index++) {
    if (!isInUse(Table.Mappings, index)) continue;
    const mapping = changetype<Mapping>(MAPPINGS_BASE + ((<usize>index) << MAPPING_SHIFT));
    if (mapping.chargedPages !== 0) addOne(objectCounts, mapping.owner);
  }
  return 0;
}

/** An interrupt comes at any time, so that its inbox, be it dead, lies in a page that is there. */
function checkInterrupts(): u32 {
  for (let line: u32 = 0; line < LINE_COUNT; line++) {
    const inbox = interruptOfLine(line).inbox;
    if (inbox !== null && !isKernelPageMapped(changetype<usize>(inbox)))
      return broken(230, <u64>line);
  }
  return 0;
}

// 3xx: frames.

function checkFrames(): u32 {
  const slots = slotCount();
  let free: u32 = 0;
  const counts: usize = memory.data(256 * 4, 8);
  memory.fill(counts, 0, 256 * 4);
  for (let range: u32 = 0; range < memoryRangeCount(); range++) {
    for (let frame = rangeFirst(range); frame < rangeEnd(range); frame++) {
      const use = frameUse(frame);
      if (use === FrameUse.Free || use === FrameUse.Kernel) continue;
      let owner = frameOwner(frame);
      if (use === FrameUse.MemoryObject) {
        if (owner >= MEMORY_OBJECTS_MAX || !isInUse(Table.MemoryObjects, owner))
          return broken(300, <u64>frame);
        owner = MemoryObject.at(owner).owner;
      }
      if (owner >= slots) return broken(301, <u64>frame);
      addOne(counts, owner);
    }
  }
  free = freeFrames();
  if (reservedFrames() > free) return broken(302, <u64>free);
  if (free > totalFrames()) return broken(303, <u64>free);
  // What a domain has been given is never more than what it is charged for.
  let charged: u32 = 0;
  let given: u32 = 0;
  for (let slot: u32 = 0; slot < slots; slot++) {
    const domain = domainOfSlot(slot);
    const has = load<u32>(counts + ((<usize>slot) << 2));
    const shared = domain.archivePages + mappingCharges(domain);
    if (has + shared > domain.pagesUsed) return broken(304, <u64>slot);
    charged += domain.pagesUsed - shared;
    given += has;
  }
  // What is charged and not given is exactly what is reserved.
  return charged - given === reservedFrames() ? 0 : broken(305, <u64>(charged - given));
}

function mappingCharges(domain: Domain): u32 {
  let pages: u32 = 0;
  let mapping = domain.firstMapping;
  while (mapping !== null) {
    pages += mapping.chargedPages;
    mapping = mapping.nextOfDomain;
  }
  return pages;
}
