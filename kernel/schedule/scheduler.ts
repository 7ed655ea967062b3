// Who runs: the ready thread of the highest priority, in turns of SLICE_NS among equals.
//
// Threads of equal priority take turns one after the other. A turn goes where the work goes: with a
// call to the thread that receives the call, and with the reply back. So caller and receiver run at
// once, although equals wait, and a chain of calls uses a single turn: a thread that calls back and
// forth gets no more of the processor than a thread that does not call. A turn that is used up
// begins again behind the equals of the thread that runs on it; the turn ends when that thread
// waits for anything else. A thread that is woken by an interrupt, a timer or a notice begins a
// turn of its own.

import { domainOfSlot } from "../object/domain";
import { READY_QUEUE_BASE } from "../object/layout";
import { PriorityQueue } from "../object/priority-queue";
import { Thread, ThreadState } from "../object/thread";
import { DEADLINE_NEVER, armTimer, nowNs } from "../x64/timer";
import { enqueueFirst, enqueueLast, firstQueued, removeQueued } from "./priority-queue";
import { clearTimer, earliestDeadline } from "./timers";

/** Ten turns of equals feel immediate to a person; a switch is short beside one turn. */
const SLICE_NS: u64 = 5_000_000;

/**
 * The thread that entered the kernel, or that leaves it next; null while idle. It is never in the
 * ready queue.
 */
export let currentThread: Thread | null = null;
let switchedAt: u64 = 0;
/** When the running turn is used up. */
let turnEnd: u64 = 0;
/**
 * Number of the newest turn, above TURN_PRIORITY_BITS. The numbers last for two years at a turn
 * each nanosecond, for 2,000 years at a turn each microsecond.
 */
let lastTurn: u64 = 0;
/** In a turn's number: the priority at which it began. */
const TURN_PRIORITY_BITS: u64 = 8;
const TURN_PRIORITY_MASK: u64 = (1 << TURN_PRIORITY_BITS) - 1;
/**
 * The thread that was called or answered on the running turn; it is in the ready queue. It goes on
 * with the turn once the current thread waits or has received.
 */
let heir: Thread | null = null;
/** When the timer will interrupt, DEADLINE_NEVER if it will not. */
let armedFor: u64 = DEADLINE_NEVER;
/**
 * The longest time between two kernel entries while work is deferred. A step of that work takes a
 * tenth of this time.
 */
const ENTRY_NS: u64 = 100_000;
/** The kernel has put something off until its next entry, which has to come soon. */
let wantsEntry: bool = false;
/** Each kernel entry has a step of deferred work to take before a thread runs. */
let hasDeferredWork: bool = false;

/** The threads that could run, without the current thread. */
function readyQueue(): PriorityQueue {
  return changetype<PriorityQueue>(READY_QUEUE_BASE);
}

/** Asks for another kernel entry: within ENTRY_NS, and at once when no thread runs. */
export function requestEntry(): void {
  wantsEntry = true;
}

/**
 * Says whether deferred work is pending, such as an instance that is being taken apart. While it
 * is, `canHandOver` declines, so that every system call ends in the full kernel exit.
 */
export function setDeferredWork(isPending: bool): void {
  hasDeferredWork = isPending;
}
export function isWorkDeferred(): bool {
  return hasDeferredWork;
}

/** The timer has fired, so it is off, whatever it was armed for. */
export function timerFired(): void {
  armedFor = DEADLINE_NEVER;
}

function isRunnable(thread: Thread): bool {
  return (
    thread.state === ThreadState.Ready && !thread.suspended && domainOfSlot(thread.owner).isAlive
  );
}

/** Ends a thread's wait. It runs when its turn comes. */
export function wake(thread: Thread): void {
  clearTimer(thread.timeoutTimer);
  thread.state = ThreadState.Ready;
  resumeIfReady(thread);
}

/** Queues a thread that has become able to run, unless it is the current thread. */
export function resumeIfReady(thread: Thread): void {
  if (thread === currentThread || thread.isQueued || !isRunnable(thread)) return;
  enqueueLast(readyQueue(), thread, thread.priority);
}

/** Takes a thread out of the ready queue if it is there. */
export function removeReady(thread: Thread): void {
  if (thread.state === ThreadState.Ready && thread.isQueued) removeQueued(readyQueue(), thread);
}

/** Moves a thread of the ready queue to the place of its new priority. */
export function requeueReady(thread: Thread): void {
  if (thread.state !== ThreadState.Ready || !thread.isQueued) return;
  removeQueued(readyQueue(), thread);
  enqueueLast(readyQueue(), thread, thread.priority);
}

/** The thread has ended: the scheduler must not refer to it any more. */
export function forgetThread(thread: Thread): void {
  if (currentThread === thread) currentThread = null;
  if (heir === thread) heir = null;
}

/**
 * Passes the running turn to `to`, which is ready now, if it is the turn on which `from` ran last.
 * `from` is the thread that makes the call or whose call is answered.
 */
export function passTurn(from: Thread, to: Thread): void {
  const current = currentThread;
  if (current !== null && from.turn === current.turn) heir = to;
}

/**
 * The current thread has received a message, so it works for another caller now: the thread that it
 * answered before goes on with the turn.
 */
export function giveTurnBack(): void {
  if (heir === null) return;
  const now = nowNs();
  const next = takeHeir(now);
  if (next === null) return;
  next.turn = currentThread!.turn;
  cutShort(next, now);
  endTurn();
}

/** The running turn is used up. */
export function endTurn(): void {
  turnEnd = 0;
}

/**
 * Takes the heir of the running turn out of the ready queue; null if the turn is used up or has no
 * heir.
 */
function takeHeir(now: u64): Thread | null {
  const next = heir;
  heir = null;
  if (next === null || now >= turnEnd || !next.isQueued || !isRunnable(next)) return null;
  removeQueued(readyQueue(), next);
  return next;
}

/** Puts a thread before its equals, with what is left of the turn that it runs on. */
function cutShort(thread: Thread, now: u64): void {
  thread.sliceLeft = turnEnd - now;
  enqueueFirst(readyQueue(), thread, thread.priority);
}

/** The last act of every kernel entry: chooses the thread to run next and arms the timer. */
export function chooseNext(): void {
  const current = currentThread;
  if (current !== null && isRunnable(current)) {
    const best = bestReady();
    if (best < <i32>current.priority)
      armRunning(DEADLINE_NEVER); // Its turn may be used up, but no equal waits for the turn to end.
    else giveWay(current, best);
    return;
  }

  const now = nowNs();
  let next: Thread | null = null;
  if (current !== null) {
    account(current, now);
    next = takeHeir(now);
  }
  const best = bestReady();
  if (next !== null) {
    next.turn = current!.turn;
    if (best <= <i32>next.priority) {
      run(next, now, best);
      return;
    }
    cutShort(next, now);
  }
  if (best < 0) {
    currentThread = null;
    arm(wantsEntry ? now : DEADLINE_NEVER);
    wantsEntry = false;
    return;
  }
  runFirst(now);
}

/**
 * The current thread could go on, but a thread of the same or a higher priority is ready. Among
 * equals the current thread goes on to the end of its turn.
 */
function giveWay(current: Thread, best: i32): void {
  const now = nowNs();
  account(current, now);
  if (best === <i32>current.priority && now < turnEnd) {
    armRunning(turnEnd);
    return;
  }
  if (now < turnEnd) {
    cutShort(current, now);
  } else {
    // A server of higher priority than its client would not wait for the client's equals, so there
    // the client's turn ends.
    if ((current.turn & TURN_PRIORITY_MASK) === <u64>current.priority) current.sliceLeft = SLICE_NS;
    enqueueLast(readyQueue(), current, current.priority);
  }
  runFirst(now);
}

/** The time at which `canHandOver` agreed, so that `handOver` needs no second reading. */
let handedOverAt: u64 = 0;

/**
 * True if a thread of this priority, called or answered by the current one on its turn, would run
 * next when made ready, and no deferred work is pending. The timer stays as it is: among equals it
 * has been set for the end of the turn.
 */
export function canHandOver(current: Thread, priority: u32): bool {
  if (wantsEntry || hasDeferredWork) return false;
  if (!readyQueue().bitmap.isEmpty) {
    const best = readyQueue().bitmap.highest;
    if (best > <i32>priority || (best === <i32>priority && current.priority !== priority))
      return false;
  }
  const now = nowNs();
  handedOverAt = now;
  return now < turnEnd;
}

/**
 * True if the current thread goes on at the end of this kernel entry, provided that it does not
 * wait and makes no thread ready; and no deferred work is pending.
 */
export function goesOn(current: Thread): bool {
  return !wantsEntry && !hasDeferredWork && readyQueue().bitmap.highest < <i32>current.priority;
}

/**
 * The current thread waits from now on, and `next`, which has just become ready and is in no queue,
 * runs. `canHandOver` has agreed.
 */
export function handOver(current: Thread, next: Thread): void {
  account(current, handedOverAt);
  next.turn = current.turn;
  heir = null;
  currentThread = next;
}

/** Arms the timer for a deadline that was set after `canHandOver`. */
export function armDeadline(): void {
  arm(DEADLINE_NEVER);
}

/** Runs the first thread of the ready queue, on the rest of its turn or on a new turn. */
function runFirst(now: u64): void {
  const thread = firstQueued(readyQueue())!;
  removeQueued(readyQueue(), thread);
  const left = thread.sliceLeft;
  thread.sliceLeft = 0;
  if (left === 0) beginTurn(thread, now);
  else turnEnd = now + left;
  run(thread, now, readyQueue().bitmap.highest);
}

/**
 * Runs a thread on the running turn. `best`: the highest priority in the ready queue, at most its
 * own.
 */
function run(thread: Thread, now: u64, best: i32): void {
  heir = null;
  currentThread = thread;
  switchedAt = now;
  armRunning(best === <i32>thread.priority ? turnEnd : DEADLINE_NEVER);
}

function beginTurn(thread: Thread, now: u64): void {
  lastTurn += 1;
  thread.turn = (lastTurn << TURN_PRIORITY_BITS) | <u64>thread.priority;
  turnEnd = now + SLICE_NS;
}

/**
 * Highest priority of a ready thread that can run, -1 if there is none. Removes threads of dying
 * domains on the way, each of them once.
 */
function bestReady(): i32 {
  let first = firstQueued(readyQueue());
  while (first !== null) {
    if (isRunnable(first)) return <i32>first.queuePriority;
    removeQueued(readyQueue(), first);
    first = firstQueued(readyQueue());
  }
  return -1;
}

/** Adds the time since the last switch to the thread's and the domain's consumption. */
export function account(thread: Thread, now: u64): void {
  const spent = now - switchedAt;
  switchedAt = now;
  thread.consumed += spent;
  const domain = domainOfSlot(thread.owner);
  domain.consumed += spent;
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

/**
 * Arms the timer, but only for an earlier time than before: an interrupt that comes too early does
 * no harm.
 */
function arm(sliceEnd: u64): void {
  const deadline = earliestDeadline();
  const wanted = deadline < sliceEnd ? deadline : sliceEnd;
  if (wanted >= armedFor) return;
  armedFor = wanted;
  armTimer(wanted);
}
