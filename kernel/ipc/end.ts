// The end of an instance. From this moment none of its threads runs. What the instance has is freed
// afterwards, step by step (domain/reclaim.ts).

import { Domain, DomainState, EndReason, domainOfSlot } from "../object/domain";
import { Thread, ThreadState } from "../object/thread";
import { setDeferredWork } from "../schedule/scheduler";
import { isLogDriven, logFault } from "./fault-log";
import { notify } from "./notify";

/**
 * Set at the supervisor's inbox when a slot's instance has begun to end or is gone. The supervisor
 * asks Slots.nextChanged which.
 */
const SLOT_CHANGED_BIT: u64 = (<u64>1) << 63;

/** List of the instances that are being freed, linked by `nextDying`; the newest first. */
let firstDying: Domain | null = null;

/**
 * The slots whose instance has begun to end or is gone since the supervisor asked last, in the
 * order of the first such event, linked by `nextChanged`. `lastChanged` holds only if there is a
 * first.
 */
let firstChanged: Domain | null = null;
let lastChanged: Domain | null = null;

/** The instance that the next reclaim step frees a part of; null if no instance is being freed. */
export function dyingDomain(): Domain | null {
  return firstDying;
}

/**
 * Marks an instance as ended. Frees nothing yet, so the caller may be in the middle of any
 * operation.
 */
export function endDomain(domain: Domain, reason: EndReason, code: u32): void {
  if (!domain.isAlive) return;
  assert(!domain.isDying);
  domain.forgetReached();
  domain.state = DomainState.Stopping;
  domain.endReason = reason;
  domain.endCode = code;
  domain.phase = 0;
  domain.cursor = 0;
  domain.isDying = true;
  domain.nextDying = firstDying;
  firstDying = domain;
  setDeferredWork(true);
  slotChanged(domain);
}

/**
 * Ends the instance of a thread that faulted. `isReported`: the slot's fault handler has received
 * the fault. The kernel's log has a line about it unless the fault was reported and a program
 * drives the log's serial line: that system can show faults to people itself.
 */
export function endFaulted(thread: Thread, isReported: bool): void {
  const domain = domainOfSlot(thread.owner);
  thread.state = ThreadState.Faulted;
  if (domain.isAlive && (!isReported || !isLogDriven())) logFault(thread, domain);
  endDomain(domain, EndReason.Fault, thread.faultKind);
}

/** Takes an instance that is freed completely out of the list. */
export function removeDying(domain: Domain): void {
  assert(domain.isDying);
  domain.isDying = false;
  if (firstDying === domain) {
    firstDying = domain.nextDying;
  } else {
    let previous = firstDying!;
    while (previous.nextDying !== domain) previous = previous.nextDying!;
    previous.nextDying = domain.nextDying;
  }
  // The deferred work stays pending, as this end may require a restart. The next kernel exit
  // updates it.
  domain.nextDying = null;
}

/** Tells the supervisor that something about a slot has changed. */
export function slotChanged(domain: Domain): void {
  if (domain.slot === 0) return;
  addChanged(domain);
  const supervisor = domainOfSlot(0);
  if (supervisor.isAlive) notify(supervisor.inbox, SLOT_CHANGED_BIT);
}

function addChanged(domain: Domain): void {
  if (domain.isChanged) return;
  domain.isChanged = true;
  domain.nextChanged = null;
  if (firstChanged === null) firstChanged = domain;
  else lastChanged!.nextChanged = domain;
  lastChanged = domain;
}

/** Takes the first slot out of the list of those that have changed; null if the list is empty. */
export function takeChanged(): Domain | null {
  const domain = firstChanged;
  if (domain === null) return null;
  firstChanged = domain.nextChanged;
  domain.nextChanged = null;
  domain.isChanged = false;
  return domain;
}
