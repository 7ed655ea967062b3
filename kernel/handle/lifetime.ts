// What happens to an object when its last reference goes.

import { ObjectType } from "../abi/object";
import { passMappings } from "../memory/mappings";
import { freeBeforeLastStep, freeMemoryStep } from "../memory/memory-pages";
import { Table, returnPlace } from "../memory/object-pages";
import { Domain, domainOfSlot } from "../object/domain";
import { Endpoint } from "../object/endpoint";
import { HandleEntry } from "../object/handle-entry";
import { Inbox } from "../object/inbox";
import { takeMasked } from "../object/interrupt";
import { KernelObject } from "../object/kernel-object";
import { MemoryObject } from "../object/memory-object";
import { TREE_STEP, isMemoryHandle, removeHandle } from "./table";
import { moveHandle } from "./tree";

/**
 * Drops a handle, and its object if nothing else refers to the object. Children and mappings of the
 * handle pass to its parent. One step; true when the handle is gone.
 */
export function dropStep(entry: HandleEntry): bool {
  if (!moveDescendantsUp(entry)) return false;
  const object = entry.object!;
  if (isMemoryHandle(entry) && object.handleCount === 1) {
    const memory = changetype<MemoryObject>(object);
    if (memory.firstMapping === null) {
      // The handle stays until the last step, so that the object can be found again.
      return dropMemory(entry, memory);
    }
  }
  removeHandle(entry);
  destroyIfUnused(object);
  return true;
}

/**
 * Moves children and mappings of an entry to its parent, at most TREE_STEP of each; true when none
 * are left.
 */
function moveDescendantsUp(entry: HandleEntry): bool {
  for (let moved: u32 = 0; moved < TREE_STEP; moved++) {
    const child = entry.firstChild;
    if (child === null) break;
    moveHandle(child, entry.parent);
  }
  if (entry.firstChild !== null) return false;
  return !isMemoryHandle(entry) || passMappings(entry, TREE_STEP);
}

function dropMemory(entry: HandleEntry, memory: MemoryObject): bool {
  if (!freeBeforeLastStep(memory)) return false;
  removeHandle(entry);
  return freeMemoryStep(memory);
}

/** Ends an object without handles, other than memory, which is freed in steps of its own. */
export function destroyIfUnused(object: KernelObject): void {
  if (object.handleCount !== 0) return;
  if (object.type === <u32>ObjectType.Endpoint) {
    destroyEndpointIfUnused(changetype<Endpoint>(object));
  } else if (object.type === <u32>ObjectType.Inbox) {
    destroyInboxIfUnused(changetype<Inbox>(object));
  } else if (object.type === <u32>ObjectType.Notice) {
    endObject(object, Table.Notices);
  }
}

/** Ends an endpoint that a program made if it has neither a handle nor a queued caller. */
export function destroyEndpointIfUnused(endpoint: Endpoint): void {
  if (endpoint.isPermanent || endpoint.handleCount !== 0 || endpoint.firstCaller !== null) return;
  if (endpoint.type === 0) return;
  const inbox = endpoint.inbox!;
  inbox.boundEndpoints -= 1;
  endObject(endpoint, Table.Endpoints);
  destroyInboxIfUnused(inbox);
}

/**
 * Binds an endpoint to another inbox. Callers that are queued already stay in the old inbox's
 * queue, and are received there.
 */
export function rebindEndpoint(endpoint: Endpoint, inbox: Inbox): void {
  const before = endpoint.inbox!;
  endpoint.inbox = inbox;
  inbox.boundEndpoints += 1;
  before.boundEndpoints -= 1;
  destroyInboxIfUnused(before);
}

/** Ends an inbox that a program made if it has no handle, endpoint, queued caller or receiver. */
export function destroyInboxIfUnused(inbox: Inbox): void {
  if (
    inbox.type === 0 ||
    inbox.handleCount !== 0 ||
    inbox.boundEndpoints !== 0 ||
    inbox.pendingCalls !== 0 ||
    inbox.receiver !== null
  )
    return;
  if (inbox === domainOfSlot(inbox.owner).inbox) return;
  const thread = inbox.thread;
  if (thread !== null) thread.leaveOwnInbox(inbox);
  forgetMasked(inbox);
  endObject(inbox, Table.Inboxes);
}

/**
 * The interrupts in the list stay masked until they are bound again. At most as many steps as the
 * machine has lines.
 */
export function forgetMasked(inbox: Inbox): void {
  while (inbox.firstMasked !== null) takeMasked(inbox);
}

function endObject(object: KernelObject, table: Table): void {
  const domain: Domain = domainOfSlot(object.owner);
  domain.objectsUsed -= 1;
  returnPlace(domain, table, changetype<usize>(object));
}
