// What a domain is charged for: every page that it owns or maps, reserved before it is used, so
// that each promised page can be backed.

import { GUARD_QUOTA } from "../base/guards";
import { Domain } from "../object/domain";
import { logLine } from "../x64/serial-log";
import { freeFrame, keepBack, releaseReserved, reserveFrames } from "./frames";

/**
 * The supervisor's slot. Only the kernel starts the supervisor again, so memory for it must be
 * there when it dies, whatever the other domains have taken.
 */
const KEPT_SLOT: u32 = 0;

/**
 * Charges pages and sets frames aside for them: each later `allocateReserved` for it succeeds.
 * False, with nothing done, beyond the quota.
 */
export function chargePages(domain: Domain, pages: u32): bool {
  if (!chargeShared(domain, pages)) return false;
  if (!reserveFrames(pages, domain.slot === KEPT_SLOT)) {
    unchargeShared(domain, pages);
    reportShortage();
    return false;
  }
  return true;
}

/**
 * A refused domain gets the same status as beyond its quota; the log says the reason. Once, as the
 * refusals may be many.
 */
function reportShortage(): void {
  if (isShortageReported) return;
  isShortageReported = true;
  logLine(
    "trine: the machine's memory is used up, and a domain was refused pages within its quota",
  );
}
let isShortageReported: bool = false;

/**
 * Keeps back what the supervisor's quota allows it beyond what it has, from boot on and after each
 * change of its charge.
 */
export function keepForSupervisor(domain: Domain): void {
  if (domain.slot !== KEPT_SLOT) return;
  const used = domain.pagesUsed;
  keepBack(used < domain.quotaPages ? domain.quotaPages - used : 0);
}

/** Charges pages that exist already because another domain is charged for them too. */
export function chargeShared(domain: Domain, pages: u32): bool {
  const used = <u64>domain.pagesUsed + <u64>pages;
  if (used > <u64>u32.MAX_VALUE) return false;
  if (GUARD_QUOTA && used > <u64>domain.quotaPages) return false;
  domain.pagesUsed = <u32>used;
  keepForSupervisor(domain);
  return true;
}

export function unchargeShared(domain: Domain, pages: u32): void {
  assert(domain.pagesUsed >= pages);
  domain.pagesUsed -= pages;
  keepForSupervisor(domain);
}

/** Ends the charge of pages that were never backed. */
export function unchargeReserved(domain: Domain, pages: u32): void {
  unchargeShared(domain, pages);
  releaseReserved(pages);
}

/** Gives back a frame that the domain was charged for. */
export function freeCharged(domain: Domain, frame: u32): void {
  unchargeShared(domain, 1);
  freeFrame(frame);
}

/** True if the quota allows the domain one more object. */
export function mayHaveObject(domain: Domain): bool {
  return !GUARD_QUOTA || domain.objectsUsed < domain.quotaObjects;
}
