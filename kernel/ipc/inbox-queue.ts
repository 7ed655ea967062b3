// The threads at an inbox: the callers in its queue, the receiver that waits there, and the thread
// that callers lend their priority to. Functions after which an inbox or an endpoint may be gone
// say so: such an object is destroyed with the last thing that refers to it (handle/lifetime.ts).

import { destroyEndpointIfUnused, destroyInboxIfUnused } from "../handle/lifetime";
import { Endpoint } from "../object/endpoint";
import { Inbox, RECEIVED_BY_NONE } from "../object/inbox";
import { Thread, ThreadState } from "../object/thread";
import { enqueueLast, removeQueued } from "../schedule/priority-queue";
import { removeReady } from "../schedule/scheduler";
import { updatePriority } from "./lending";

/** Queues a caller, whose message is captured, behind the callers of the same priority. */
export function queueCaller(caller: Thread, endpoint: Endpoint): void {
  assert(caller.state === ThreadState.Ready);
  removeReady(caller);
  const inbox = endpoint.inbox!;
  caller.state = ThreadState.Calling;
  endpoint.addCaller(caller);
  enterQueue(caller, inbox);
}

/**
 * Takes a caller out of the queue: its message is about to be delivered, or never will be. The
 * endpoint and the inbox may be gone afterwards.
 */
export function unqueueCaller(caller: Thread): void {
  const endpoint = caller.endpoint!;
  leaveQueue(caller);
  endpoint.removeCaller(caller);
  caller.state = ThreadState.Ready;
  destroyEndpointIfUnused(endpoint);
}

/** Moves a caller to the inbox that its endpoint is bound to now. The old inbox may be gone. */
export function moveCaller(caller: Thread, inbox: Inbox): void {
  leaveQueue(caller);
  enterQueue(caller, inbox);
}

function enterQueue(caller: Thread, inbox: Inbox): void {
  assert(caller.inbox === null);
  caller.inbox = inbox;
  inbox.pendingCalls += 1;
  inbox.queuedChains.add(caller.chainBehind);
  enqueueLast(inbox.queue, caller, caller.priority);
  updatePriority(inbox.thread);
}

function leaveQueue(caller: Thread): void {
  const inbox = caller.inbox!;
  removeQueued(inbox.queue, caller);
  inbox.pendingCalls -= 1;
  inbox.queuedChains.remove(caller.chainBehind);
  caller.inbox = null;
  updatePriority(inbox.thread);
  destroyInboxIfUnused(inbox);
}

/** The receiver stops waiting at its inbox. The inbox may be gone afterwards. */
export function leaveInbox(receiver: Thread): void {
  const inbox = receiver.ownInbox!;
  assert(inbox.receiver === receiver);
  inbox.receiving = RECEIVED_BY_NONE;
  destroyInboxIfUnused(inbox);
}

/**
 * Callers in the inbox's queue lend their priority to no thread from now on: another thread takes
 * the inbox over, or the thread that received there ends.
 */
export function forgetReceiver(inbox: Inbox): void {
  const thread = inbox.thread;
  inbox.thread = null;
  if (thread !== null && thread.leaveOwnInbox(inbox)) updatePriority(thread);
}
