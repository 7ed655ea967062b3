// Waits: their timeouts, and how any wait ends early, by timeout, cancellation or a death.

import { Status } from "../abi/status";
import { Thread, ThreadState } from "../object/thread";
import { armDeadline, removeReady, wake } from "../schedule/scheduler";
import { clearTimer, startTimer } from "../schedule/timers";
import { DEADLINE_NEVER, nowNs } from "../x64/timer";
import { endFaulted } from "./end";
import { leaveInbox, unqueueCaller } from "./inbox-queue";
import { endService, updatePriority } from "./lending";
import { setResult } from "./registers";

/** Starts the timeout of a wait, relative to now. `timeoutNs` is not TIMEOUT_NONE. */
export function startTimeout(thread: Thread, timeoutNs: u64): void {
  const now = nowNs();
  const deadline = now + timeoutNs;
  // If the sum overflows, the deadline never comes. It must still differ from DEADLINE_NEVER.
  startTimer(thread.timeoutTimer, deadline < now ? DEADLINE_NEVER - 1 : deadline);
}

/** As `startTimeout`, once it is settled which thread runs next. */
export function startTimeoutAtExit(thread: Thread, timeoutNs: u64): void {
  startTimeout(thread, timeoutNs);
  armDeadline(thread.timeoutTimer.deadline);
}

/**
 * Takes a thread out of the queue or list in which it waits, without a result. Its reply token
 * becomes invalid. Afterwards the thread is Ready, but in no queue.
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

/**
 * Ends a thread's wait with a status. If the thread waits for the answer to its fault, its instance
 * ends instead.
 */
export function endWait(thread: Thread, status: Status): void {
  detach(thread);
  failCall(thread, status);
}

/**
 * Gives a caller, which is in no queue, the result of a call that was not delivered or not
 * answered. If the call is a fault, no handler will answer it, and the instance ends.
 */
export function failCall(thread: Thread, status: Status): void {
  if (thread.isFaultCall) {
    endFaulted(thread, false);
    return;
  }
  setResult(thread, status);
  wake(thread);
}

/** The thread's deadline has passed. */
export function timeoutPassed(thread: Thread): void {
  if (thread.state === ThreadState.Ready || thread.state === ThreadState.Faulted) return;
  endWait(thread, Status.Timeout);
}
