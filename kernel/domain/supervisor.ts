// Slot 0, the supervisor. The kernel notifies it of every instance that ends, and restarts the
// supervisor itself.

import { Status } from "../abi/status";
import { slotChanged } from "../ipc/end";
import { logName } from "../ipc/fault-log";
import { rebootsOnLoop } from "../monitor/monitor";
import { Domain } from "../object/domain";
import { requestEntry } from "../schedule/scheduler";
import { logMissingOf } from "../x64/level";
import { stop } from "../x64/machine";
import { restartAfterFailure } from "../x64/restart";
import { endLine, logLine, logNumber, logText } from "../x64/serial-log";
import { nowNs } from "../x64/timer";

/** The machine stops when the supervisor dies so many times within LOOP_NS. */
const DEATHS_MAX: u32 = 5;
const LOOP_NS: u64 = 60_000_000_000;
/** Times of its last deaths: u64[DEATHS_MAX], a ring. */
const deaths: usize = memory.data(40, 8);
/** Deaths since boot. */
let deathCount: u32 = 0;
/** The supervisor's slot is empty, and the next kernel entry starts the slot again. */
let restartPending: bool = false;

/** Called when the last page of an instance has been freed. */
export function instanceGone(domain: Domain): void {
  if (domain.slot !== 0) {
    slotChanged(domain);
    return;
  }
  if (tooManyDeaths()) {
    logLine("trine: the supervisor died 5 times within 60 s");
    if (rebootsOnLoop()) restartAfterFailure();
    stop(1);
  }
  restartPending = true;
  requestEntry();
}

function tooManyDeaths(): bool {
  const now = nowNs();
  store<u64>(placeOfDeath(deathCount), now);
  deathCount += 1;
  // The next place to write holds the oldest of the last five.
  return deathCount >= DEATHS_MAX && now - load<u64>(placeOfDeath(deathCount)) < LOOP_NS;
}

function placeOfDeath(count: u32): usize {
  return deaths + ((<usize>(count % DEATHS_MAX)) << 3);
}

/** True if the supervisor must be started again; false to every further call until then. */
export function takeRestart(): bool {
  const pending = restartPending;
  restartPending = false;
  return pending;
}

/** True if the start has failed for a reason that can pass and will be tried again. */
export function isRestartPending(): bool {
  return restartPending;
}

/**
 * Called after a start that failed for a reason that can pass: the next kernel entry tries again.
 */
export function retryRestart(): void {
  restartPending = true;
}

/** Logs that a slot's program needs a level of x86-64 that the processor lacks. */
export function logLevel(domain: Domain, level: u32): void {
  logText("trine: cannot start ");
  logName(domain);
  logText(": its code needs x86-64-v");
  logNumber(<u64>level);
  logText("; the processor lacks");
  logMissingOf(level);
  endLine();
}

/** Logs the status with which the start of a slot failed. */
export function logStatus(domain: Domain, status: Status): void {
  logText("trine: cannot start ");
  logName(domain);
  logText(": status ");
  logNumber(<u64>(<u32>status));
  endLine();
}
