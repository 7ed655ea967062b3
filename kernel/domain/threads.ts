// Creation and end of threads, each with its stack.

import { ObjectType } from "../abi/object";
import { RESUME_ALL } from "../abi/thread-save-area";
import { Status } from "../abi/status";
import { forgetReceiver } from "../ipc/inbox-queue";
import { detach, endWait } from "../ipc/wait";
import { GUARD_QUOTA } from "../base/guards";
import { stackFits, stackTop } from "../memory/address-space";
import { Table, returnPlace, takePlace } from "../memory/object-pages";
import { programIsVerified } from "../monitor/monitor";
import { Result } from "../ipc/registers";
import { Domain, DomainState, domainOfSlot } from "../object/domain";
import { revokeObjectStep } from "../handle/revoke-object";
import { initializeObject } from "../object/kernel-object";
import { FS_BASE_UNPROVEN, Thread, ThreadState } from "../object/thread";
import { TimerKind } from "../object/timer";
import { currentThread, forgetThread, resumeIfReady } from "../schedule/scheduler";
import { spaceOf } from "../x64/paging";

/** A domain has at most as many stacks as `Domain.stacks` has bits. */
const THREADS_OF_DOMAIN_MAX: u32 = 64;
/** Interrupts enabled, and the bit that is always one. */
const FLAGS_AT_START: u64 = 0x202;
/** Calls that one step of `killThread` ends. */
const KILL_STEP: u32 = 16;

/** Creates a thread, ready to run at `entry`; null beyond the quotas of threads and pages. */
export function createThread(
  domain: Domain,
  entry: u64,
  argument: u64,
  priority: u32,
): Thread | null {
  if (GUARD_QUOTA && domain.threadsUsed >= domain.quotaThreads) return null;
  const stack = <u32>ctz(~domain.stacks);
  if (stack >= THREADS_OF_DOMAIN_MAX || !stackFits(domain, stack)) return null;
  const place = takePlace(domain, Table.Threads);
  if (place === 0) return null;

  const thread = changetype<Thread>(place);
  initializeObject(thread, ObjectType.Thread, domain.slot);
  thread.timeoutTimer.kind = TimerKind.Thread;
  thread.stack = stack;
  domain.stacks |= (<u64>1) << (<u64>stack);
  domain.threadsUsed += 1;
  const first = domain.firstThread;
  thread.domainNext = first;
  if (first !== null) first.domainPrevious = thread;
  domain.firstThread = thread;

  // The thread block lies above the stack.
  const block = (stackTop(domain, stack) - <u64>domain.threadBlockBytes) & ~(<u64>63);
  thread.rip = entry;
  thread.rsp = block;
  thread.rdi = argument;
  thread.rflags = FLAGS_AT_START;
  thread.fsBase = block;
  thread.cr3 = spaceOf(domain.root, domain.slot);
  thread.ports = domain.ports;
  thread.fsProven = programIsVerified(domain.program) ? block : FS_BASE_UNPROVEN;
  thread.resume = RESUME_ALL;
  thread.domain = domain;
  thread.instance = domain.instance;
  thread.identityShown = Result.callerIdentity(domain.classId, domain.slot);
  thread.ceiling = domain.ceiling;
  thread.takeToken();
  thread.basePriority = priority;
  thread.priority = priority;
  thread.state = ThreadState.Ready;
  resumeIfReady(thread);
  return thread;
}

/**
 * Ends a thread. The calls that it holds end first: their callers get PeerDied. Takes one step;
 * true when the thread no longer exists.
 */
export function killThread(thread: Thread): bool {
  // The thread must not run between two steps, unless it takes the steps itself.
  if (thread !== currentThread) thread.suspend();
  for (let ended: u32 = 0; ended < KILL_STEP; ended++) {
    const caller = thread.firstServed;
    if (caller === null) break;
    endWait(caller, Status.PeerDied);
  }
  if (thread.firstServed !== null) return false;

  // Nothing below needs a second step: the thread has one handle, which has no right to be copied
  // or transferred. The caller's method may have been called on that handle.
  const isRevoked = revokeObjectStep(thread);
  assert(isRevoked);
  detach(thread);
  endFaultCall(thread);
  const inbox = thread.ownInbox;
  if (inbox !== null) forgetReceiver(inbox);
  const domain = domainOfSlot(thread.owner);
  const next = thread.domainNext;
  const previous = thread.domainPrevious;
  if (next !== null) next.domainPrevious = previous;
  if (previous !== null) previous.domainNext = next;
  else domain.firstThread = next;
  domain.stacks &= ~((<u64>1) << (<u64>thread.stack));
  domain.threadsUsed -= 1;
  forgetThread(thread);
  thread.leaveToken();
  domain.endedTicks += thread.consumedTicks;
  returnPlace(domain, Table.Threads, changetype<usize>(thread));
  return true;
}

/**
 * Notes that the thread no longer waits for its fault handler. If none of the domain's threads
 * does, the domain is Running again. Linear in the domain's threads.
 */
export function endFaultCall(thread: Thread): void {
  thread.isFaultCall = false;
  const domain = domainOfSlot(thread.owner);
  if (domain.state !== DomainState.Faulted) return;
  let other = domain.firstThread;
  while (other !== null && !other.isFaultCall) other = other.domainNext;
  if (other === null) domain.state = DomainState.Running;
}
