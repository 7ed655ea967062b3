// The kernel: what the entry stubs of kernel/x64 call. Each of these functions acts on the current
// thread's save area and may choose another thread. The exit stub resumes the thread whose save
// area `currentSaveArea` returns. Interrupts are off in all of them.

import { Status } from "../abi/status";
import { SystemCall } from "../abi/system-call";
import { handleException } from "../domain/fault";
import { reportNonMaskable } from "../domain/non-maskable";
import { reclaimStep } from "../domain/reclaim";
import { startSlot } from "../domain/start";
import { isRestartPending, logStatus, retryRestart, takeRestart } from "../domain/supervisor";
import { dyingDomain } from "../ipc/end";
import { boundInbox, notify } from "../ipc/notify";
import { setResult } from "../ipc/registers";
import { timeoutPassed } from "../ipc/wait";
import { Domain, domainOfSlot } from "../object/domain";
import { addMasked, interruptOfLine } from "../object/interrupt";
import { Thread } from "../object/thread";
import { TimerKind } from "../object/timer";
import {
  chooseNext,
  currentThread,
  isWorkDeferred,
  requestEntry,
  setDeferredWork,
  timerFired,
} from "../schedule/scheduler";
import { takeDue } from "../schedule/timers";
import {
  LINE_NONE,
  LINE_NON_MASKABLE,
  LINE_TIMER,
  acknowledge,
  lineOf,
  maskLine,
} from "../x64/interrupts";
import { nowNs } from "../x64/timer";
import { systemCallCall } from "./call";
import { systemCallRecv } from "./receive";
import { systemCallReply } from "./reply";

export { start } from "./boot";
export { fastCall, fastRecv, fastReply } from "./fast-path";
export { abort, kernelException } from "../x64/panic";

/** Timers that ring in one kernel entry. If more are due, the next interrupt comes at once. */
const TIMERS_MAX: u32 = 32;

/**
 * The `syscall` instruction, if the fast path did not take it. The fast path has
 * changed nothing then.
 */
export function systemCall(operation: u32): void {
  const thread = currentThread!;
  switch (operation) {
    case SystemCall.Call:
      systemCallCall(thread);
      break;
    case SystemCall.Recv:
      systemCallRecv(thread);
      break;
    case SystemCall.Reply:
      systemCallReply(thread);
      break;
    default:
      setResult(thread, Status.BadHeader);
  }
  leave();
}

/** The end of every entry: one step of deferred work, then the choice of the thread that runs. */
function leave(): void {
  if (isWorkDeferred()) takeDeferredStep();
  chooseNext();
}

/** Reclaims a part of an ended instance, and starts the supervisor again if it has ended. */
function takeDeferredStep(): void {
  const dying = dyingDomain();
  if (dying !== null) {
    reclaimStep(dying);
    requestEntry();
  }
  if (takeRestart()) restartSupervisor();
  setDeferredWork(dyingDomain() !== null || isRestartPending());
}

function restartSupervisor(): void {
  const supervisor = domainOfSlot(0);
  const status = startSlot(supervisor);
  if (status === Status.Ok) return;
  logStatus(supervisor, status);
  // Memory may come free; a program that is refused for good stops the machine after a few deaths.
  if (status === Status.NoMemory || status === Status.Busy) retryRestart();
  requestEntry();
}

/**
 * Linear address of the save area of the thread to resume; 0 for none, and then the processor waits
 * for an interrupt.
 */
export function currentSaveArea(): u32 {
  return <u32>changetype<usize>(currentThread);
}

/**
 * An exception in user code. `address`: the address touched for a page fault, the instruction's for
 * any other exception.
 */
export function fault(vector: u32, errorCode: u32, address: u64): void {
  handleException(currentThread!, vector, errorCode, address);
  leave();
}

/** An interrupt, of user code or of the idle processor. */
export function interrupt(vector: u32): void {
  const line = lineOf(vector);
  if (line === LINE_TIMER) {
    timerFired();
    ringTimers();
    reportNonMaskable();
  } else if (line === LINE_NON_MASKABLE) {
    reportNonMaskable();
  } else if (line !== LINE_NONE) {
    deliverInterrupt(<u32>line);
  }
  leave();
}

/** The line stays masked until the driver's next recv. */
function deliverInterrupt(line: u32): void {
  maskLine(line);
  acknowledge(line);
  const interrupt = interruptOfLine(line);
  const inbox = boundInbox(interrupt.inbox, interrupt.inboxIdentity);
  if (inbox === null) return;
  interrupt.fired += 1;
  addMasked(inbox, interrupt);
  notify(inbox, interrupt.bits);
}

function ringTimers(): void {
  const now = nowNs();
  for (let rung: u32 = 0; rung < TIMERS_MAX; rung++) {
    const timer = takeDue(now);
    if (timer === null) return;
    if (timer.kind === <u32>TimerKind.Thread) timeoutPassed(Thread.ofTimer(timer));
    else ringDomain(Domain.ofTimer(timer));
  }
}

function ringDomain(domain: Domain): void {
  const inbox = boundInbox(domain.timerInbox, domain.timerInboxIdentity);
  if (inbox !== null && domain.isAlive) notify(inbox, domain.timerBits);
}
