// Priority lending: a caller lends its priority, capped by the callee's ceiling, to the thread that
// holds or will take its message, and through that thread to the next one that it waits for. Chains
// are at most CHAIN_MAX long, so every walk here is short.

import { Status } from "../abi/status";
import { domainOfSlot } from "../object/domain";
import { CHAIN_MAX } from "../object/tally";
import { Thread, ThreadState } from "../object/thread";
import { enqueueLast, removeQueued } from "../schedule/priority-queue";
import { requeueReady } from "../schedule/scheduler";

/** The thread that a waiting thread waits for, null if no thread has received at its inbox yet. */
function waitsFor(thread: Thread): Thread | null {
  if (thread.state === ThreadState.AwaitingReply) return thread.server;
  if (thread.state === ThreadState.Calling) return thread.inbox!.thread;
  return null;
}

function isWaiting(thread: Thread): bool {
  return thread.state === ThreadState.AwaitingReply || thread.state === ThreadState.Calling;
}

/**
 * Checks that `caller` may wait for `server`: Ok; Deadlock if that would close a ring of waiting
 * threads; TooDeep if the chain would become longer than CHAIN_MAX.
 */
export function checkChain(caller: Thread, server: Thread | null): Status {
  let length = caller.chainBehind + 1;
  let next = server;
  while (next !== caller) {
    // Checked even if no thread receives yet: the thread that will has a chain of this length
    // behind it.
    if (length > CHAIN_MAX) return Status.TooDeep;
    if (next === null || !isWaiting(next)) return Status.Ok;
    length += 1;
    next = waitsFor(next);
  }
  return Status.Deadlock;
}

/**
 * Recomputes a thread's effective priority from its callers, and follows the threads that it waits
 * for while anything changes.
 */
export function updatePriority(start: Thread | null): void {
  let thread = start;
  for (let length: u32 = 0; thread !== null && length <= CHAIN_MAX; length++) {
    if (!recompute(thread)) return;
    thread = waitsFor(thread);
  }
}

/**
 * Recomputes priority and chain length of one thread, and moves the thread in the queue and the
 * tally that count it. True if either changed. Takes the same number of steps for any number of
 * callers.
 */
function recompute(thread: Thread): bool {
  let wanted = thread.basePriority;
  let chain: u32 = 0;
  const newest = thread.firstServed;
  if (newest !== null) {
    if (newest.priority > wanted) wanted = newest.priority;
    chain = newest.chainBehind + 1;
    if (newest.servedNext !== null) {
      const held = thread.servedPriorities.highest;
      if (held > <i32>wanted) wanted = <u32>held;
      const heldChain = thread.servedChains.longestWithCaller;
      if (heldChain > chain) chain = heldChain;
    }
  }
  const inbox = thread.ownInbox;
  if (inbox !== null && inbox.pendingCalls > 0) {
    const waiting = inbox.queue.bitmap.highest;
    if (waiting > <i32>wanted) wanted = <u32>waiting;
    const queued = inbox.queuedChains.longestWithCaller;
    if (queued > chain) chain = queued;
  }
  const ceiling = domainOfSlot(thread.owner).ceiling;
  if (wanted > ceiling) wanted = ceiling;
  if (wanted < thread.basePriority) wanted = thread.basePriority;

  const isChanged = wanted !== thread.priority;
  if (!isChanged && chain === thread.chainBehind) return false;
  if (thread.state === ThreadState.Calling) {
    const queuedAt = thread.inbox!;
    queuedAt.queuedChains.remove(thread.chainBehind);
    queuedAt.queuedChains.add(chain);
    if (isChanged) {
      removeQueued(queuedAt.queue, thread);
      enqueueLast(queuedAt.queue, thread, wanted);
    }
  } else if (thread.servedPrevious !== null) {
    discount(thread.server!, thread);
    thread.chainBehind = chain;
    thread.priority = wanted;
    count(thread.server!, thread);
  }
  thread.chainBehind = chain;
  thread.priority = wanted;
  if (isChanged) requeueReady(thread);
  return true;
}

// The list of calls that a thread holds. All but the first are counted in the thread's tallies:
// most threads hold one call at a time, and so need no counting.

function count(server: Thread, caller: Thread): void {
  server.servedChains.add(caller.chainBehind);
  server.servedPriorities.add(caller.priority);
}

function discount(server: Thread, caller: Thread): void {
  server.servedChains.remove(caller.chainBehind);
  server.servedPriorities.remove(caller.priority);
}

/** `server` holds the caller's call from now on. */
export function serve(server: Thread, caller: Thread): void {
  const first = server.firstServed;
  caller.server = server;
  caller.servedNext = first;
  caller.servedPrevious = null;
  if (first !== null) {
    first.servedPrevious = caller;
    count(server, first);
  }
  server.firstServed = caller;
}

/** The server of the caller's call holds it no longer. Returns the server. */
export function endService(caller: Thread): Thread {
  const server = caller.server!;
  const next = caller.servedNext;
  const previous = caller.servedPrevious;
  if (previous !== null) discount(server, caller);
  else if (next !== null) discount(server, next);
  if (next !== null) next.servedPrevious = previous;
  if (previous !== null) previous.servedNext = next;
  else server.firstServed = next;
  caller.server = null;
  caller.servedNext = null;
  caller.servedPrevious = null;
  return server;
}
