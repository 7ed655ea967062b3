// Restarts the machine after a failure, if the image says so: after a wait in which the reason can
// be read, and a bounded number of times in a row.
//
// The number of restarts is kept in low memory that no program can reach and that, as far as known,
// neither firmware nor our loader writes when a machine is reset. If the number is lost
// nevertheless, each start counts as the first, and only RESTART_WAIT_NS slows the loop down.

import { reboot } from "./power";
import { endLine, logLine, logNumber, logText } from "./serial-log";
import { nowNs, waitNs } from "./timer";
import { physicalLoad64, physicalStore64 } from "./x64";

/**
 * Physical address, above the memory that mbr.asm uses and below the stacks of firmware and loader:
 * SeaBIOS begins its stack at 0x7000, and uses all memory above. Two words: the mark with the
 * number, and their complement.
 */
const PLACE: u64 = 0xa00;
const MARK: u64 = 0x54524e45_0000_0000;
const NUMBER_MASK: u64 = 0xff;
/** After so many failures in a row the machine stops. */
const FAILURES_MAX: u32 = 5;
/**
 * A machine that fails so late after its start had started well: the failure is the first of a row.
 */
const STARTED_WELL_NS: u64 = 600_000_000_000;
/** Enough time to read the last line, or to photograph the screen. */
const RESTART_WAIT_NS: u64 = 10_000_000_000;

/** How many failures in a row have led to this start. */
let failures: u32 = 0;

/**
 * Reads and clears the mark that the last failure left, so that a reset by hand begins a new row.
 * Logs the number of failures if there is a mark.
 */
export function noteFailuresBefore(): void {
  const word = physicalLoad64(PLACE);
  const isMarked = (word & ~NUMBER_MASK) === MARK && physicalLoad64(PLACE + 8) === ~word;
  failures = isMarked ? <u32>(word & NUMBER_MASK) : 0;
  physicalStore64(PLACE, 0);
  if (failures === 0) return;
  logText("trine: started again after a failure, number ");
  logNumber(failures);
  logLine(" in a row");
}

/**
 * Logs that the machine restarts, waits, and restarts it. After too many failures in a row it logs
 * this and returns.
 */
export function restartAfterFailure(): void {
  const row = (nowNs() < STARTED_WELL_NS ? failures : 0) + 1;
  logText("trine: ");
  if (row >= FAILURES_MAX) {
    logNumber(row);
    logLine(" failures in a row, each soon after its start: not started again");
    return;
  }
  logText("failure ");
  logNumber(row);
  logText(" in a row; the machine starts again in 10 s");
  endLine();
  const word = MARK | <u64>row;
  physicalStore64(PLACE, word);
  physicalStore64(PLACE + 8, ~word);
  waitNs(RESTART_WAIT_NS);
  reboot();
}
