// Frees an ended instance: a sequence of phases, each of some parts, until everything that the
// instance had is freed. A step is as many parts as fit. `Slots.stop` takes steps, and each kernel
// entry takes one while an instance is being freed.

import { ObjectType } from "../abi/object";
import { Status } from "../abi/status";
import { forgetReceiver, moveCaller } from "../ipc/inbox-queue";
import { endWait } from "../ipc/wait";
import { boundInbox } from "../ipc/notify";
import { frameAt } from "../memory/frames";
import { unmapStep } from "../handle/unmap";
import { adopt } from "../memory/mappings";
import { freeMemoryStep } from "../memory/memory-pages";
import { OBJECT_LATER, OBJECT_NONE, Table, nextObject, releasePage } from "../memory/object-pages";
import { freeCharged, unchargeShared } from "../memory/quota";
import { Domain, DomainState, domainOfSlot } from "../object/domain";
import { Endpoint } from "../object/endpoint";
import { revokeObjectStep } from "../handle/revoke-object";
import { handleAt, releaseHandlePage } from "../handle/table";
import { Inbox } from "../object/inbox";
import { interruptOfLine } from "../object/interrupt";
import { KernelObject } from "../object/kernel-object";
import {
  destroyEndpointIfUnused,
  destroyIfUnused,
  destroyInboxIfUnused,
  dropStep,
  forgetMasked,
  rebindEndpoint,
} from "../handle/lifetime";
import { MemoryObject } from "../object/memory-object";
import { firstQueued } from "../schedule/priority-queue";
import { clearTimer } from "../schedule/timers";
import { LINE_COUNT, maskLine } from "../x64/interrupts";
import { Teardown, leaveRoot } from "../x64/paging";
import { removeDying } from "../ipc/end";
import { freePortPage } from "./port-bitmap";
import { instanceGone } from "./supervisor";
import { killThread } from "./threads";

enum Phase {
  Devices = 0,
  Threads = 1,
  SlotEndpoints = 2,
  Endpoints = 3,
  Inboxes = 4,
  Notices = 5,
  SlotInbox = 6,
  Mappings = 7,
  Handles = 8,
  Memory = 9,
  AddressSpace = 10,
  Pages = 11,
  Gone = 12,
}

// What the parts of a step cost at most, in instructions. A step that has cost GO_ON_COST or less
// goes on with the next part, so that it costs GO_ON_COST more than its dearest part: below 8,000.

const GO_ON_COST: u32 = 2000;
/** Of a part whose cost depends on other domains, or is not counted. */
const WHOLE_COST: u32 = GO_ON_COST + 1;
const PHASE_COST: u32 = 60;
const THREAD_COST: u32 = 700;
const HANDLE_COST: u32 = 250;
/** Of a place of the handle table, an interrupt line, an entry of a page table. */
const PLACE_COST: u32 = 8;
/** Of freeing a frame of the address space, and a page of the kernel's window. */
const FRAME_COST: u32 = 250;

/** Frames of the address space freed in one part. */
const FREE_STEP: u32 = 12;
/** Entries of page tables read in one part. */
const ENTRIES_STEP: u32 = 320;
/** Places of the handle table read in one part. */
const LOOK_STEP: u32 = 128;

/** What the step that is being taken has cost so far. */
let cost: u32 = 0;

/** Takes one step of freeing a slot's instance. True when the slot is empty. */
export function reclaimStep(domain: Domain): bool {
  if (domain.state === DomainState.Empty) return true;
  assert(domain.state === DomainState.Stopping);
  cost = 0;
  while (cost <= GO_ON_COST) {
    cost += PHASE_COST;
    if (!phaseStep(domain)) continue;
    domain.phase += 1;
    domain.cursor = 0;
    domain.objectCursor = 0;
    if (domain.phase < <u32>Phase.Gone) continue;

    assert(domain.pagesUsed === 0);
    assert(domain.handlesUsed === 0);
    assert(domain.objectsUsed === 0);
    removeDying(domain);
    domain.state = DomainState.Empty;
    instanceGone(domain);
    return true;
  }
  return false;
}

/** Does a part of the current phase. True when the phase is done. */
function phaseStep(domain: Domain): bool {
  switch (domain.phase) {
    case Phase.Devices:
      return releaseDevices(domain);
    case Phase.Threads:
      return endThreads(domain);
    case Phase.SlotEndpoints:
      return rebindEndpoints(domain);
    case Phase.Endpoints:
      return endEndpoints(domain);
    case Phase.Inboxes:
      return endInboxes(domain);
    case Phase.Notices:
      return endNotices(domain);
    case Phase.SlotInbox:
      return clearSlotInbox(domain);
    case Phase.Mappings:
      return endMappings(domain);
    case Phase.Handles:
      return dropHandles(domain);
    case Phase.Memory:
      return endMemory(domain);
    case Phase.AddressSpace:
      return freeAddressSpace(domain);
    case Phase.Pages:
      return freePages(domain);
    default:
      assert(false);
      return true;
  }
}

/** Disarms the domain's timer and masks the interrupts that are bound to its inboxes. */
function releaseDevices(domain: Domain): bool {
  cost += LINE_COUNT * PLACE_COST;
  clearTimer(domain.timer);
  for (let line: u32 = 0; line < LINE_COUNT; line++) {
    const interrupt = interruptOfLine(line);
    if (interrupt.inbox === null) continue;
    const inbox = boundInbox(interrupt.inbox, interrupt.inboxIdentity);
    if (inbox !== null && inbox.owner !== domain.slot) continue;
    // A destroyed inbox may have been this domain's. Its page is about to be freed, so the pointer
    // must be dropped.
    maskLine(line);
    if (inbox !== null) forgetMasked(inbox);
    interrupt.inbox = null;
  }
  return true;
}

function endThreads(domain: Domain): bool {
  const thread = domain.firstThread;
  if (thread === null) return true;
  cost += thread.firstServed === null ? THREAD_COST : WHOLE_COST;
  killThread(thread);
  return false;
}

/** Binds the slot's endpoints to the slot's inbox again. Their callers keep waiting. */
function rebindEndpoints(domain: Domain): bool {
  const inbox = domain.inbox;
  for (let i: u32 = 0; i < domain.endpointCount; i++) {
    const endpoint = domain.endpoint(i);
    if (endpoint.inbox === inbox) continue;
    cost += WHOLE_COST;
    rebindEndpoint(endpoint, inbox);
  }
  return true;
}

/** As `nextObject`. An instance that has no objects any more has nothing to look through. */
function next(domain: Domain, table: Table): usize {
  if (domain.objectsUsed === 0) return OBJECT_NONE;
  cost += WHOLE_COST;
  return nextObject(domain, table);
}

function endEndpoints(domain: Domain): bool {
  const place = next(domain, Table.Endpoints);
  if (place <= OBJECT_LATER) return place === OBJECT_NONE;
  const endpoint = changetype<Endpoint>(place);
  const caller = endpoint.firstCaller;
  if (caller !== null) {
    endWait(caller, Status.PeerDied);
    return false;
  }
  if (revokeObjectStep(endpoint)) destroyEndpointIfUnused(endpoint);
  return false;
}

function endInboxes(domain: Domain): bool {
  const place = next(domain, Table.Inboxes);
  if (place <= OBJECT_LATER) return place === OBJECT_NONE;
  const inbox = changetype<Inbox>(place);
  const caller = firstQueued(inbox.queue);
  if (caller !== null) {
    moveCaller(caller, domain.inbox); // Only callers of the slot's own endpoints are left.
    return false;
  }
  if (revokeObjectStep(inbox)) destroyInboxIfUnused(inbox);
  return false;
}

function endNotices(domain: Domain): bool {
  const place = next(domain, Table.Notices);
  if (place <= OBJECT_LATER) return place === OBJECT_NONE;
  const notice = changetype<KernelObject>(place);
  if (revokeObjectStep(notice)) destroyIfUnused(notice);
  return false;
}

/** Clears the slot's inbox of the instance's bits, handles and receivers; callers stay queued. */
function clearSlotInbox(domain: Domain): bool {
  const inbox = domain.inbox;
  cost += inbox.handleCount <= 1 ? HANDLE_COST : WHOLE_COST;
  if (!revokeObjectStep(inbox)) return false;
  inbox.bits = 0;
  forgetMasked(inbox);
  forgetReceiver(inbox);
  assert(inbox.receiver === null);
  return true;
}

function endMappings(domain: Domain): bool {
  const mapping = domain.firstMapping;
  if (mapping === null) return true;
  cost += WHOLE_COST;
  unmapStep(domain, mapping);
  return false;
}

function dropHandles(domain: Domain): bool {
  for (let looked: u32 = 0; looked < LOOK_STEP; looked++) {
    if (domain.cursor >= domain.handleHigh) return true;
    cost += PLACE_COST;
    const entry = handleAt(domain, domain.cursor);
    if (entry === null) {
      domain.cursor += 1;
      continue;
    }
    const isLong = entry.firstChild !== null || entry.type === <u16>ObjectType.Memory;
    cost += isLong ? WHOLE_COST : HANDLE_COST;
    dropStep(entry); // If this was not the last step, the entry is found here again.
    return false;
  }
  return false;
}

/**
 * Ends the domain's memory objects. An object that another domain maps becomes that domain's;
 * another object is freed, and all handles to it with it.
 */
function endMemory(domain: Domain): bool {
  const place = next(domain, Table.MemoryObjects);
  if (place <= OBJECT_LATER) return place === OBJECT_NONE;
  const object = changetype<MemoryObject>(place);
  const mapping = object.firstMapping;
  if (mapping !== null && !mapping.isDying) {
    adopt(domain, object, mapping);
    return false;
  }
  if (mapping !== null) {
    unmapStep(domainOfSlot(mapping.owner), mapping); // Its domain has begun to unmap it.
    return false;
  }
  if (revokeObjectStep(object)) freeMemoryStep(object);
  return false;
}

function freeAddressSpace(domain: Domain): bool {
  if (domain.root === 0) return true;
  leaveRoot(domain.root);
  const teardown = Teardown.resume(domain.cursor);
  let freed: u32 = 0;
  for (; freed < FREE_STEP; freed++) {
    const frame = teardown.nextFrame(domain.root, ENTRIES_STEP);
    if (frame === 0) break;
    freeCharged(domain, frameAt(frame));
  }
  domain.cursor = teardown.page;
  cost += teardown.looked * PLACE_COST + freed * FRAME_COST;
  if (!teardown.isDone) return false;
  freeCharged(domain, frameAt(domain.root));
  domain.root = 0;
  return true;
}

/** Frees the pages of the port bitmap, the handle table and the object tables, one in each part. */
function freePages(domain: Domain): bool {
  cost += FRAME_COST;
  if (freePortPage(domain)) return false;
  if (domain.archivePages > 0) {
    unchargeShared(domain, domain.archivePages);
    domain.archivePages = 0;
  }
  if (releaseHandlePage(domain)) return false;
  return !releasePage(domain);
}
