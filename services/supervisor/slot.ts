// What the supervisor knows about one slot.

import { SlotsDescribeEnded, SlotsDescribeRestart } from "../../build/generated/interfaces/Slots";
import { SupervisorStatusEnded } from "../../build/generated/interfaces/Supervisor";
import { EndDetail } from "./events";

/**
 * The first wait before a restart. An instance that ends before STABLE_NS doubles the next wait.
 */
const BACK_OFF_FIRST_NS: u64 = 10_000_000;
const BACK_OFF_MAX_NS: u64 = 5_000_000_000;
/** After an instance that lived this long, the next wait is BACK_OFF_FIRST_NS again. */
const STABLE_NS: u64 = 10_000_000_000;

@final
export class Slot {
  /** An instance should run: the supervisor starts one whenever none does. */
  isWanted: bool = false;
  isRunning: bool = false;
  rule: SlotsDescribeRestart = SlotsDescribeRestart.Never;
  /** Instances started since boot, as the kernel counts them. */
  starts: u32 = 0;
  startedNs: u64 = 0;
  /** When the next instance is due; 0 if none is. */
  nextStartNs: u64 = 0;
  /** It is on the list of slots that may be due at some time. */
  isWaiting: bool = false;
  private backOffNs: u64 = 0;

  /** How the last instance ended. */
  ended: SupervisorStatusEnded = SupervisorStatusEnded.Never;
  readonly detail: EndDetail = new EndDetail();
  /** Why the running instance is about to end; `Never` if no reason is known yet. */
  ending: SupervisorStatusEnded = SupervisorStatusEnded.Never;

  began(starts: u32, now: u64): void {
    this.isRunning = true;
    this.starts = starts;
    this.startedNs = now;
    this.nextStartNs = 0;
    this.ending = SupervisorStatusEnded.Never;
  }

  /**
   * Why the running instance ended: the reason noted before, or else the kernel's. A fault that was
   * not delivered to this supervisor has no address.
   */
  howItEnded(ended: SlotsDescribeEnded, code: u32): SupervisorStatusEnded {
    if (this.ending !== SupervisorStatusEnded.Never) return this.ending;
    if (ended === SlotsDescribeEnded.Exited) {
      this.detail.code = code;
      return SupervisorStatusEnded.Exited;
    }
    if (ended !== SlotsDescribeEnded.Faulted) return SupervisorStatusEnded.Killed;
    this.detail.faultKind = code;
    this.detail.address = 0;
    this.detail.instruction = 0;
    return SupervisorStatusEnded.Faulted;
  }

  /** Records the end of the instance, and when the next one is due, if the slot's rule has one. */
  hasEnded(reason: SupervisorStatusEnded, now: u64): void {
    this.isRunning = false;
    this.ended = reason;
    if (reason !== SupervisorStatusEnded.Exited) this.detail.code = 0;
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

  /** A kill counts as a fault, because the program did not end itself. */
  private startsAgainAfter(reason: SupervisorStatusEnded): bool {
    if (this.rule === SlotsDescribeRestart.Always) return true;
    return this.rule === SlotsDescribeRestart.OnFault && reason !== SupervisorStatusEnded.Exited;
  }
}
