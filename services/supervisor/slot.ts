// What the supervisor knows of one slot.

import { SlotsDescribeEnded, SlotsDescribeRestart } from "../../build/generated/interfaces/Slots";
import { SupervisorStatusEnded } from "../../build/generated/interfaces/Supervisor";

/** First wait before an instance is started again; each further end soon after doubles it. */
const BACK_OFF_FIRST_NS: u64 = 10_000_000;
const BACK_OFF_MAX_NS: u64 = 5_000_000_000;
/** An instance that lived this long starts the back-off anew. */
const STABLE_NS: u64 = 10_000_000_000;

@final
export class Slot {
  /** An instance ought to run. */
  isWanted: bool = false;
  isRunning: bool = false;
  rule: SlotsDescribeRestart = SlotsDescribeRestart.Never;
  /** Instances started since boot, as the kernel counts them. */
  starts: u32 = 0;
  startedNs: u64 = 0;
  /** When the next instance is due; 0: none is. */
  nextStartNs: u64 = 0;
  private backOffNs: u64 = 0;

  /** How the last instance ended. */
  ended: SupervisorStatusEnded = SupervisorStatusEnded.Never;
  faultKind: u32 = 0;
  address: u64 = 0;
  instruction: u64 = 0;
  code: u32 = 0;
  /** The running instance is about to end for this reason; `Never`: it has not been told to. */
  ending: SupervisorStatusEnded = SupervisorStatusEnded.Never;

  began(starts: u32, now: u64): void {
    this.isRunning = true;
    this.starts = starts;
    this.startedNs = now;
    this.nextStartNs = 0;
    this.ending = SupervisorStatusEnded.Never;
  }

  /**
   * Why the running instance ended: as we were told before, or else as the kernel says. A fault
   * that nobody could be told of has no place.
   */
  howItEnded(ended: SlotsDescribeEnded, code: u32): SupervisorStatusEnded {
    if (this.ending !== SupervisorStatusEnded.Never) return this.ending;
    if (ended === SlotsDescribeEnded.Exited) {
      this.code = code;
      return SupervisorStatusEnded.Exited;
    }
    if (ended !== SlotsDescribeEnded.Faulted) return SupervisorStatusEnded.Killed;
    this.faultKind = code;
    this.address = 0;
    this.instruction = 0;
    return SupervisorStatusEnded.Faulted;
  }

  /** The instance is gone. Works out whether and when another is due. */
  hasEnded(reason: SupervisorStatusEnded, now: u64): void {
    this.isRunning = false;
    this.ended = reason;
    if (reason !== SupervisorStatusEnded.Exited) this.code = 0;
    this.ending = SupervisorStatusEnded.Never;
    if (!this.isWanted || !this.startsAgainAfter(reason)) {
      this.isWanted = false;
      this.nextStartNs = 0;
      return;
    }
    const livedLong = now - this.startedNs >= STABLE_NS;
    this.backOffNs =
      livedLong || this.backOffNs === 0
        ? BACK_OFF_FIRST_NS
        : min(this.backOffNs * 2, BACK_OFF_MAX_NS);
    this.nextStartNs = now + this.backOffNs;
  }

  /** Being killed counts as a fault: it was not the program's own decision to end. */
  private startsAgainAfter(reason: SupervisorStatusEnded): bool {
    if (this.rule === SlotsDescribeRestart.Always) return true;
    return this.rule === SlotsDescribeRestart.OnFault && reason !== SupervisorStatusEnded.Exited;
  }
}
