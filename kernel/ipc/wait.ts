// Waits: their timeouts, and how any wait ends early, by timeout, cancellation or a death.

import { Status } from "../abi/status";
import { TIMEOUT_NONE } from "../abi/system-call";
import { Thread, ThreadState } from "../object/thread";
import { removeReady, wake } from "../schedule/scheduler";
import { clearTimer, setTimer } from "../schedule/timers";
import { nowNs } from "../x64/timer";
import { endFaulted } from "./end";
import { leaveInbox, unqueueCaller } from "./inbox-queue";
import { endService, updatePriority } from "./lending";
import { setResult } from "./registers";

/** Starts the timeout of a wait; `timeout` is relative, TIMEOUT_NONE for none. */
export function startTimeout(thread: Thread, timeout: u64): void {
  if (timeout === TIMEOUT_NONE) return;
  const now = nowNs();
  const deadline = now + timeout;
  setTimer(thread.timeoutTimer, deadline < now ? u64.MAX_VALUE - 1 : deadline);
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
    endFaulted(thread, false);
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
