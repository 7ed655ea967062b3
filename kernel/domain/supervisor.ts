// Slot 0, the supervisor: told of every instance that ends, and started again by the kernel itself.

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

/** So many deaths of the supervisor within LOOP_NS, and the machine stops. */
const DEATHS_MAX: u32 = 5;
const LOOP_NS: u64 = 60_000_000_000;
/** Times of its last deaths, u64[5]. */
const deaths: usize = memory.data(40, 8);
let deathCount: u32 = 0;
let restartPending: bool = false;

/** An instance has been taken apart to the last frame. */
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
  // The next place to be written holds the oldest of the last five.
  return deathCount >= DEATHS_MAX && now - load<u64>(placeOfDeath(deathCount)) < LOOP_NS;
}

function placeOfDeath(count: u32): usize {
  return deaths + ((<usize>(count % DEATHS_MAX)) << 3);
}

/** Whether the supervisor waits to be started again, asked once. */
export function takeRestart(): bool {
  const pending = restartPending;
  restartPending = false;
  return pending;
}

export function retryRestart(): void {
  restartPending = true;
}

/** A line in the kernel's log: why an instance cannot run on this processor. */
export function logLevel(domain: Domain, level: u32): void {
  logText("trine: cannot start ");
  logName(domain);
  logText(": its code needs x86-64-v");
  logNumber(<u64>level);
  logText("; the processor lacks");
  logMissingOf(level);
  endLine();
}

export function logStatus(domain: Domain, status: Status): void {
  logText("trine: cannot start ");
  logName(domain);
  logText(": status ");
  logNumber(<u64>(<u32>status));
  endLine();
}
