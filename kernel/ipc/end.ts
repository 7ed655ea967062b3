// The end of an instance: from this moment none of its threads runs. What it has is given back
// afterwards, step by step (reclaim.ts).

import { Domain, DomainState, EndReason } from "../object/domain";
import { setDeferredWork } from "../schedule/scheduler";
import { slotChanged } from "../domain/supervisor";

let firstDying: Domain | null = null;

/** The instance that is being taken apart now, null if there is none. */
export function dyingDomain(): Domain | null {
  return firstDying;
}

/**
 * Marks an instance as ended. Nothing is given back yet, so this can be done in the middle of
 * anything.
 */
export function endDomain(domain: Domain, reason: EndReason, code: u32): void {
  if (!domain.isAlive) return;
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

/** The instance is gone. */
export function removeDying(domain: Domain): void {
  domain.isDying = false;
  if (firstDying === domain) {
    firstDying = domain.nextDying;
  } else {
    let previous = firstDying!;
    while (previous.nextDying !== domain) previous = previous.nextDying!;
    previous.nextDying = domain.nextDying;
  }
  domain.nextDying = null;
  setDeferredWork(firstDying !== null);
}
