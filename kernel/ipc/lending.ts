// Priority lending: a caller lends its priority, capped by the callee's ceiling, to the thread that holds or will take its message,
// and through that one to whoever it waits for. Chains are at most CHAIN_MAX long, so every walk here is short.

import { Status } from "../abi/status";
import { domainOfSlot } from "../object/domain";
import { Thread, ThreadState } from "../object/thread";
import { enqueueLast, highestPriority, removeQueued } from "../schedule/priority-queue";
import { requeueReady } from "../schedule/scheduler";

/** Longest chain of threads that wait for each other. */
const CHAIN_MAX: u32 = 8;

/** The thread that another one waits for, null if it waits for none that is known. */
function waitsFor(thread: Thread): Thread | null {
  if (thread.state === ThreadState.AwaitingReply) return thread.server;
  if (thread.state === ThreadState.Calling) return thread.inbox!.thread;
  return null;
}

/** Whether `caller` may wait for `server`: not if that closes a ring, nor if the chain becomes too long. */
export function checkChain(caller: Thread, server: Thread | null): Status {
  let length = caller.chainBehind + 1;
  let next = server;
  while (next !== null) {
    if (next === caller) return Status.Deadlock;
    if (length > CHAIN_MAX) return Status.TooDeep;
    length += 1;
    next = waitsFor(next);
  }
  return Status.Ok;
}

/** Sees to it that a thread has the priority that it and its callers deserve, and those that it waits for as well. */
export function updatePriority(start: Thread | null): void {
  let thread = start;
  for (let length: u32 = 0; thread !== null && length <= CHAIN_MAX; length++) {
    if (!recompute(thread)) return;
    thread = waitsFor(thread);
  }
}

/** True if anything changed. At most as many steps as callers whose calls the thread holds. */
function recompute(thread: Thread): bool {
  let wanted = thread.basePriority;
  let chain: u32 = 0;
  let caller = thread.firstServed;
  while (caller !== null) {
    if (caller.priority > wanted) wanted = caller.priority;
    if (caller.chainBehind >= chain) chain = caller.chainBehind + 1;
    caller = caller.servedNext;
  }
  const inbox = thread.ownInbox;
  if (inbox !== null && inbox.pendingCalls > 0) {
    const waiting = highestPriority(inbox.queue);
    if (waiting > <i32>wanted) wanted = <u32>waiting;
    if (inbox.chainBehind > chain) chain = inbox.chainBehind;
  }
  const ceiling = domainOfSlot(thread.payer).ceiling;
  if (wanted > ceiling) wanted = ceiling;
  if (wanted < thread.basePriority) wanted = thread.basePriority;

  if (wanted === thread.priority && chain === thread.chainBehind) return false;
  thread.chainBehind = chain;
  if (wanted !== thread.priority) {
    thread.priority = wanted;
    requeueReady(thread);
    if (thread.state === ThreadState.Calling) {
      const queue = thread.inbox!.queue;
      removeQueued(queue, thread);
      enqueueLast(queue, thread, wanted);
    }
  }
  if (thread.state === ThreadState.Calling && thread.inbox!.chainBehind <= chain) thread.inbox!.chainBehind = chain + 1;
  return true;
}

// The list of calls that a thread holds.

/** `server` holds the caller's call from now on. */
export function serve(server: Thread, caller: Thread): void {
  const first = server.firstServed;
  caller.server = server;
  caller.servedNext = first;
  caller.servedPrevious = null;
  if (first !== null) first.servedPrevious = caller;
  server.firstServed = caller;
}

export function endService(caller: Thread): Thread {
  const server = caller.server!;
  const next = caller.servedNext;
  const previous = caller.servedPrevious;
  if (next !== null) next.servedPrevious = previous;
  if (previous !== null) previous.servedNext = next;
  else server.firstServed = next;
  caller.server = null;
  caller.servedNext = null;
  caller.servedPrevious = null;
  return server;
}
