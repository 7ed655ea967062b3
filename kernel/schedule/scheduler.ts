// Who runs: the ready thread of the highest priority, in turns of SLICE_NS among equals.
//
// Threads of equal priority take turns one after the other. A turn goes where the work goes: with a
// call to the thread that receives the call, and with the reply back. So caller and receiver run at
// once, although equals wait, and a chain of calls uses a single turn: a thread that calls back and
// forth gets no more of the processor than a thread that does not call. A turn that is used up
// begins again behind the equals of the thread that runs on it; the turn ends when that thread
// waits for anything else. A thread that is woken by an interrupt, a timer or a notice begins a
// turn of its own. Only the timer says that a turn is used up, so no message has to read the clock
// for that; the timer is armed for it while an equal waits.

import { Domain, domainOfSlot } from "../object/domain";
import { READY_QUEUE_BASE } from "../object/layout";
import { PriorityQueue } from "../object/priority-queue";
import { Thread, ThreadState } from "../object/thread";
import { DEADLINE_NEVER, armTimer, nowNs, nowTicks, nsAtTick, ticksOfNs } from "../x64/timer";
import { enqueueFirst, enqueueLast, firstQueued, removeQueued } from "./priority-queue";
import { clearTimer, earliestDeadline } from "./timers";

/** Ten turns of equals feel immediate to a person; a switch is short beside one turn. */
const SLICE_NS: u64 = 5_000_000;

/**
 * The thread that entered the kernel, or that leaves it next; null while idle. It is never in the
 * ready queue.
 */
export let currentThread: Thread | null = null;
/** When the running turn will be used up, in ticks. */
let turnEnd: u64 = 0;
/** The timer has said that the running turn is used up, or `endTurn` has. */
let isTurnSpent: bool = false;
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
/** No priority: none is as high. */
const HAND_OVER_NEVER: u32 = 256;
/**
 * The lowest priority at which a thread that the current one calls or answers on its turn would run
 * next. Kept by the end of each kernel entry; a message hands over without changing it.
 */
let handOverFrom: u32 = HAND_OVER_NEVER;
/** The kernel has put something off until its next entry, which has to come soon. */
let wantsEntry: bool = false;
/** Each kernel entry has a step of deferred work to take before a thread runs. */
let hasDeferredWork: bool = false;

/** Each message takes the slow path, which records it. */
let isTraced: bool = false;

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

/** Says whether messages are traced. While they are, `canHandOver` declines. */
export function setTraced(isOn: bool): void {
  isTraced = isOn;
}

/** The timer has fired, so it is off, whatever it was armed for. */
export function timerFired(): void {
  armedFor = DEADLINE_NEVER;
  if (nowTicks() >= turnEnd) isTurnSpent = true;
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
  if (currentThread === thread) stopCurrent();
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
  const next = takeHeir();
  if (next === null) return;
  const current = currentThread!;
  next.turn = current.turn;
  requeueOnTurn(next);
  numberTurn(current);
  endTurn();
}

/** The running turn is used up. */
export function endTurn(): void {
  turnEnd = nowTicks();
  isTurnSpent = true;
  handOverFrom = HAND_OVER_NEVER;
}

/**
 * Takes the heir of the running turn out of the ready queue; null if the turn is used up or has no
 * heir.
 */
function takeHeir(): Thread | null {
  const next = heir;
  heir = null;
  if (next === null || isTurnSpent || !next.isQueued || !isRunnable(next)) return null;
  removeQueued(readyQueue(), next);
  return next;
}

/**
 * Queues a thread that runs on the running turn: before its equals with what is left of the turn,
 * or behind them if nothing is left.
 */
function requeueOnTurn(thread: Thread): void {
  const now = nowTicks();
  if (now < turnEnd) {
    thread.sliceLeft = turnEnd - now;
    enqueueFirst(readyQueue(), thread, thread.priority);
    return;
  }
  // A server of higher priority than its client would not wait for the client's equals, so there
  // the client's turn ends.
  if ((thread.turn & TURN_PRIORITY_MASK) === <u64>thread.priority)
    thread.sliceLeft = ticksOfNs(SLICE_NS);
  enqueueLast(readyQueue(), thread, thread.priority);
}

/** The last act of every kernel entry: chooses the thread to run next and arms the timer. */
export function chooseNext(): void {
  const current = currentThread;
  const first = firstReady();
  const best = priorityOf(first);
  if (current !== null && isRunnable(current)) {
    const priority = <i32>current.priority;
    if (best < priority || (best === priority && !isTurnSpent)) {
      goOn(current, best);
      return;
    }
    stopCurrent();
    requeueOnTurn(current);
    runQueued(first!);
    return;
  }
  stopCurrent();
  if (current !== null && runHeir(current)) return;

  // If the heir was first, it runs now; if not, it stands behind who is.
  if (first !== null) {
    runQueued(first);
    return;
  }
  handOverFrom = HAND_OVER_NEVER;
  arm(wantsEntry ? nowNs() : DEADLINE_NEVER);
  wantsEntry = false;
}

/**
 * Runs the heir of the turn on which `waiting` ran, unless a thread of higher priority is ready.
 */
function runHeir(waiting: Thread): bool {
  const next = takeHeir();
  if (next === null) return false;
  next.turn = waiting.turn;
  const best = priorityOf(firstReady());
  if (best > <i32>next.priority) {
    requeueOnTurn(next);
    return false;
  }
  run(next, best);
  return true;
}

/**
 * True if a thread of this priority, called or answered by the current one on its turn, would run
 * next when made ready, no other thread is to go on with the turn, no deferred work is pending and
 * no message is traced. The timer stays as it is: among equals it has been set for the end of the
 * turn.
 */
export function canHandOver(priority: u32): bool {
  return priority >= handOverFrom;
}

/**
 * True if the current thread goes on at the end of this kernel entry, provided that it does not
 * wait and makes no thread ready; no deferred work is pending, and no message is traced.
 */
export function goesOn(current: Thread): bool {
  return current.priority >= handOverFrom;
}

/**
 * The current thread waits from now on, and `next`, which has just become ready and is in no queue,
 * runs. `canHandOver` has agreed.
 */
export function handOver(current: Thread, next: Thread): void {
  next.turn = current.turn;
  Processor.pass(current, next);
}

/** As `handOver`, to a thread that is on the same turn already. */
export function handBack(current: Thread, next: Thread): void {
  Processor.pass(current, next);
}

/**
 * Runs a thread, which has waited until now, on a turn of its own in place of the current thread,
 * whose priority is lower. `goesOn` has agreed, and no deadline is earlier than before.
 */
export function preempt(current: Thread, next: Thread): void {
  requeueOnTurn(current);
  numberTurn(next);
  startTurn(ticksOfNs(SLICE_NS));
  handOverFrom = current.priority + 1;
  Processor.pass(current, next);
}

/** Arms the timer for a deadline that was set after `canHandOver`. */
export function armDeadline(deadline: u64): void {
  if (deadline >= armedFor) return;
  armedFor = deadline;
  armTimer(deadline);
}

/** Runs the first thread of the ready queue, on the rest of its turn or on a new turn. */
function runQueued(thread: Thread): void {
  removeQueued(readyQueue(), thread);
  const left = thread.sliceLeft;
  thread.sliceLeft = 0;
  if (left === 0) numberTurn(thread);
  startTurn(left === 0 ? ticksOfNs(SLICE_NS) : left);
  run(thread, readyQueue().bitmap.highest);
}

/** Gives a thread a turn of its own. */
function numberTurn(thread: Thread): void {
  lastTurn += 1;
  thread.turn = (lastTurn << TURN_PRIORITY_BITS) | <u64>thread.priority;
}

/** The running turn lasts for so many ticks from now on. */
function startTurn(ticks: u64): void {
  turnEnd = nowTicks() + ticks;
  isTurnSpent = false;
}

/**
 * Runs a thread on the running turn. `best`: the highest priority in the ready queue, at most its
 * own.
 */
function run(thread: Thread, best: i32): void {
  heir = null;
  currentThread = thread;
  thread.consumedTicks -= nowTicks();
  goOn(thread, best);
}

/**
 * Lets the current thread run. `best`: the highest priority in the ready queue, at most its own.
 */
function goOn(current: Thread, best: i32): void {
  // A turn that nobody waits for begins again.
  if (isTurnSpent && best < <i32>(current.turn & TURN_PRIORITY_MASK))
    startTurn(ticksOfNs(SLICE_NS));
  const hasEqual = best === <i32>current.priority;
  if (hasDeferredWork || isTraced || isTurnSpent || heir !== null) handOverFrom = HAND_OVER_NEVER;
  else handOverFrom = hasEqual ? current.priority : <u32>(best + 1);
  armRunning(hasEqual ? nsAtTick(turnEnd) : DEADLINE_NEVER);
}

/**
 * The first thread of the ready queue that can run, null if there is none. Removes threads of dying
 * domains on the way, each of them once.
 */
function firstReady(): Thread | null {
  let first = firstQueued(readyQueue());
  while (first !== null && !isRunnable(first)) {
    removeQueued(readyQueue(), first);
    first = firstQueued(readyQueue());
  }
  return first;
}

/** Priority of a thread in the ready queue, -1 for none. */
function priorityOf(queued: Thread | null): i32 {
  return queued === null ? -1 : <i32>queued.queuePriority;
}

// What a thread has consumed is accounted where another runs: its start is subtracted, its end
// added. Sums wrap, and so does what a running thread holds meanwhile.

/** Time for which a thread has run, in ticks. */
export function consumedByThread(thread: Thread): u64 {
  return thread === currentThread ? thread.consumedTicks + nowTicks() : thread.consumedTicks;
}

/** Time for which the instance in a slot has run. At most 64 steps. */
export function consumedByDomain(domain: Domain): u64 {
  let ticks = domain.endedTicks;
  let thread = domain.firstThread;
  while (thread !== null) {
    ticks += consumedByThread(thread);
    thread = thread.domainNext;
  }
  return ticks;
}

/** Makes `next` the current thread in place of `current`, both at the same time. */
class Processor {
  @inline
  static pass(current: Thread, next: Thread): void {
    const now = nowTicks();
    current.consumedTicks += now;
    next.consumedTicks -= now;
    currentThread = next;
  }
}

/** The current thread, if there is one, runs no longer. */
function stopCurrent(): void {
  const current = currentThread;
  if (current !== null) current.consumedTicks += nowTicks();
  currentThread = null;
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
