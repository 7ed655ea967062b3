// Who runs: the ready thread of the highest priority, in turns of SLICE_NS among equals.

import { dyingDomain } from "../domain/end";
import { READY_QUEUE_BASE } from "../memory/layout";
import { Domain, domainOfSlot } from "../object/domain";
import { Thread, ThreadState } from "../object/thread";
import { armTimer, nowNs } from "../x64/timer";
import { enqueueFirst, enqueueLast, firstQueued, highestPriority, isEmpty, removeQueued } from "./priority-queue";
import { clearTimer, earliestDeadline } from "./timers";

/** Ten turns of equals feel immediate to a person, and a turn is long against a switch. */
const SLICE_NS: u64 = 5_000_000;

/** The thread that entered the kernel, or that leaves it next; null while idle. It is never in the ready queue. */
export let currentThread: Thread | null = null;
let switchedAt: u64 = 0;
/** When the timer will interrupt, u64.MAX_VALUE if it will not. */
let armedFor: u64 = u64.MAX_VALUE;
/** While something is put off, the kernel is entered at least so often: a step is a tenth of that. */
const ENTRY_NS: u64 = 100_000;
/** What the kernel has put off until the next entry: it wants one soon. */
let wantsEntry: bool = false;

/** Asks for another kernel entry: within ENTRY_NS, and at once when no thread runs. */
export function requestEntry(): void {
  wantsEntry = true;
}

/** The timer has fired: whatever it was armed for, it is off now. */
export function timerFired(): void {
  armedFor = u64.MAX_VALUE;
}

export function isRunnable(thread: Thread): bool {
  return thread.state === ThreadState.Ready && !thread.suspended && domainOfSlot(thread.payer).isAlive;
}

/** Ends a thread's wait. It runs when its turn comes. */
export function wake(thread: Thread): void {
  clearTimer(thread.timeoutTimer);
  thread.state = ThreadState.Ready;
  resumeIfReady(thread);
}

/** Queues a thread that has become able to run; the current one needs no place. */
export function resumeIfReady(thread: Thread): void {
  if (thread === currentThread || thread.isQueued || !isRunnable(thread)) return;
  enqueueLast(READY_QUEUE_BASE, thread, thread.priority);
}

/** Takes a thread out of the ready queue if it is there. */
export function removeReady(thread: Thread): void {
  if (thread.state === ThreadState.Ready && thread.isQueued) removeQueued(READY_QUEUE_BASE, thread);
}

/** Puts a thread of the ready queue where its new priority belongs. */
export function requeueReady(thread: Thread): void {
  if (thread.state !== ThreadState.Ready || !thread.isQueued) return;
  removeQueued(READY_QUEUE_BASE, thread);
  enqueueLast(READY_QUEUE_BASE, thread, thread.priority);
}

/** The current thread is no more. */
export function forgetCurrent(): void {
  currentThread = null;
}

/** The last act of every kernel entry: chooses who runs next and sees to it that the timer interrupts in time. */
export function chooseNext(): void {
  const current = currentThread;
  const best = bestReady();
  if (current !== null && isRunnable(current)) {
    if (best < <i32>current.priority) {
      armRunning(u64.MAX_VALUE);
      return;
    }
    const now = nowNs();
    account(current, now);
    if (best === <i32>current.priority && current.sliceLeft > 0) {
      armRunning(now + current.sliceLeft);
      return;
    }
    if (current.sliceLeft === 0) enqueueBehind(current);
    else enqueueFirst(READY_QUEUE_BASE, current, current.priority);
    switchTo(firstQueued(READY_QUEUE_BASE)!, now);
    return;
  }

  const now = nowNs();
  if (current !== null) account(current, now);
  if (best < 0) {
    currentThread = null;
    arm(wantsEntry ? now : u64.MAX_VALUE);
    wantsEntry = false;
    return;
  }
  switchTo(firstQueued(READY_QUEUE_BASE)!, now);
}

/** Whether a thread of that priority would run next if it became ready now, and nothing else is to be seen to. */
export function canHandOver(priority: u32): bool {
  if (wantsEntry || dyingDomain() !== null) return false;
  if (isEmpty(READY_QUEUE_BASE)) return true;
  return highestPriority(READY_QUEUE_BASE) < <i32>priority;
}

/** The current thread waits from now on, and `next`, which has just become ready and is in no queue, runs. `canHandOver` has agreed. */
export function handOver(current: Thread, next: Thread): void {
  account(current, nowNs());
  if (next.sliceLeft === 0) next.sliceLeft = SLICE_NS;
  currentThread = next;
}

function enqueueBehind(thread: Thread): void {
  thread.sliceLeft = SLICE_NS;
  enqueueLast(READY_QUEUE_BASE, thread, thread.priority);
}

function switchTo(thread: Thread, now: u64): void {
  removeQueued(READY_QUEUE_BASE, thread);
  if (thread.sliceLeft === 0) thread.sliceLeft = SLICE_NS;
  currentThread = thread;
  switchedAt = now;
  armRunning(highestPriority(READY_QUEUE_BASE) === <i32>thread.priority ? now + thread.sliceLeft : u64.MAX_VALUE);
}

/** Highest priority of a thread that can run; drops those of dying domains on the way, each of them once. */
function bestReady(): i32 {
  let first = firstQueued(READY_QUEUE_BASE);
  while (first !== null) {
    if (isRunnable(first)) return <i32>first.queuePriority;
    removeQueued(READY_QUEUE_BASE, first);
    first = firstQueued(READY_QUEUE_BASE);
  }
  return -1;
}

/** Books the time since the last switch. */
export function account(thread: Thread, now: u64): void {
  const spent = now - switchedAt;
  switchedAt = now;
  thread.consumed += spent;
  const domain = domainOfSlot(thread.payer);
  domain.consumed += spent;
  thread.sliceLeft = spent < thread.sliceLeft ? thread.sliceLeft - spent : 0;
}

/** Sets the timer while a thread runs. */
function armRunning(sliceEnd: u64): void {
  if (!wantsEntry) {
    arm(sliceEnd);
    return;
  }
  wantsEntry = false;
  const soon = nowNs() + ENTRY_NS;
  arm(soon < sliceEnd ? soon : sliceEnd);
}

/** An interrupt that comes too early does no harm, so the timer is set again only for an earlier time. */
function arm(sliceEnd: u64): void {
  const deadline = earliestDeadline();
  const wanted = deadline < sliceEnd ? deadline : sliceEnd;
  if (wanted >= armedFor) return;
  armedFor = wanted;
  armTimer(wanted);
}
