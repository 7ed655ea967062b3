// Waiting: how a thread comes to wait in an inbox's queue, and how any wait ends early, by timeout,
// cancellation or a death.

import { Status } from "../abi/status";
import { TIMEOUT_NONE } from "../abi/system-call";
import { destroyEndpointIfUnused, destroyInboxIfUnused } from "../handle/lifetime";
import { Domain, domainOfSlot } from "../object/domain";
import { Endpoint } from "../object/endpoint";
import { Inbox } from "../object/inbox";
import { Thread, ThreadState } from "../object/thread";
import { enqueueLast, removeQueued } from "../schedule/priority-queue";
import { removeReady, wake } from "../schedule/scheduler";
import { clearTimer, setTimer } from "../schedule/timers";
import { nowNs } from "../x64/timer";
import { endFaulted } from "../domain/fault";
import { endService, updatePriority } from "./lending";
import { setResult } from "./registers";
import { addChain, removeChain } from "./tally";

/** Starts the timeout of a wait; `timeout` is relative, TIMEOUT_NONE for none. */
export function startTimeout(thread: Thread, timeout: u64): void {
  if (timeout === TIMEOUT_NONE) return;
  const now = nowNs();
  const deadline = now + timeout;
  setTimer(thread.timeoutTimer, deadline < now ? u64.MAX_VALUE - 1 : deadline);
}

/** Queues a caller, its message captured, behind those of its priority. */
export function queueCaller(caller: Thread, endpoint: Endpoint): void {
  removeReady(caller);
  const inbox = endpoint.inbox!;
  caller.state = ThreadState.Calling;
  endpoint.addCaller(caller);
  enterQueue(caller, inbox);
}

function enterQueue(caller: Thread, inbox: Inbox): void {
  caller.inbox = inbox;
  inbox.pendingCalls += 1;
  addChain(inbox.queuedChains, caller.chainBehind);
  enqueueLast(inbox.queue, caller, caller.priority);
  updatePriority(inbox.thread);
}

/** The inbox may be gone afterwards. */
function leaveQueue(caller: Thread): void {
  const inbox = caller.inbox!;
  removeQueued(inbox.queue, caller);
  inbox.pendingCalls -= 1;
  removeChain(inbox.queuedChains, caller.chainBehind);
  caller.inbox = null;
  updatePriority(inbox.thread);
  destroyInboxIfUnused(inbox);
}

/** Takes a caller out of the queue: its message is about to be delivered, or never will be. */
export function unqueueCaller(caller: Thread): void {
  const endpoint = caller.endpoint!;
  leaveQueue(caller);
  endpoint.removeCaller(caller);
  caller.state = ThreadState.Ready;
  destroyEndpointIfUnused(endpoint);
}

/** Moves a caller to the inbox that its endpoint is bound to now. */
export function moveCaller(caller: Thread, inbox: Inbox): void {
  leaveQueue(caller);
  enterQueue(caller, inbox);
}

/**
 * Takes a thread out of whatever it waits in, without result. Its reply token is spent. Afterwards
 * it is Ready, but in no queue.
 */
export function detach(thread: Thread): void {
  clearTimer(thread.timeoutTimer);
  if (thread.state === ThreadState.Calling) {
    unqueueCaller(thread);
  } else if (thread.state === ThreadState.AwaitingReply) {
    const server = endService(thread);
    thread.state = ThreadState.Ready;
    updatePriority(server);
  } else if (thread.state === ThreadState.Receiving) {
    thread.state = ThreadState.Ready;
    leaveInbox(thread);
  } else {
    removeReady(thread);
  }
}

/** The receiver waits at its inbox no more, which may be gone afterwards. */
export function leaveInbox(receiver: Thread): void {
  const inbox = receiver.inbox!;
  inbox.receiver = null;
  receiver.inbox = null;
  destroyInboxIfUnused(inbox);
}

/**
 * Ends a thread's wait with a status. A fault that nobody is left to be told of ends the domain
 * instead.
 */
export function endWait(thread: Thread, status: Status): void {
  detach(thread);
  failCall(thread, status);
}

/** The result of a call that was not delivered or not answered. The thread is in no queue. */
export function failCall(thread: Thread, status: Status): void {
  if (thread.isFaultCall) {
    endFaulted(thread, true);
    return;
  }
  setResult(thread, status);
  wake(thread);
}

/** A deadline has passed. */
export function timeoutPassed(thread: Thread): void {
  if (thread.state === ThreadState.Ready || thread.state === ThreadState.Faulted) return;
  endWait(thread, Status.Timeout);
}

/** Takes the domain's share in an inbox away: it dies or was told to stop receiving. */
export function forgetReceiver(inbox: Inbox): void {
  const thread = inbox.thread;
  inbox.thread = null;
  if (thread !== null && thread.ownInbox === inbox) {
    thread.ownInbox = null;
    updatePriority(thread);
  }
}

export function isOwn(domain: Domain, inbox: Inbox): bool {
  return inbox.owner === domain.slot || inbox === domain.inbox;
}
