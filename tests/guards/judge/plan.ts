import { AttackPlanNextAttempt as Attempt, AttackPlanNextReply, AttackPlanReportOutcome, AttackPlanServer } from "../../../build/generated/interfaces/AttackPlan";
import { FaultError, FaultServer } from "../../../build/generated/interfaces/Fault";
import { SupervisorError, SupervisorNextEventReply, SupervisorServer, SupervisorStatusReply } from "../../../build/generated/interfaces/Supervisor";
import { DEFERRED, OK, callerSlot } from "../../../services/runtime/server";
import { ATTACKER, VICTIM } from "./slots";

/** One attempt: handed out once, and what its attacker says of it. */
@final
export class Plan extends AttackPlanServer {
  private attempt: Attempt = Attempt.Finish;
  isReported: bool = false;
  outcome: AttackPlanReportOutcome = AttackPlanReportOutcome.Refused;
  result: u32 = 0;
  value: u64 = 0;

  offer(attempt: Attempt): void {
    this.attempt = attempt;
    this.isReported = false;
  }

  next(reply: AttackPlanNextReply): u32 {
    reply.attempt = this.attempt;
    this.attempt = Attempt.Finish;
    return OK;
  }

  report(attempt: u32, outcome: AttackPlanReportOutcome, result: u32, value: u64): u32 {
    // The victim's call is never answered by us.
    if (callerSlot() == VICTIM) return DEFERRED;
    this.isReported = true;
    this.outcome = outcome;
    this.result = result;
    this.value = value;
    return OK;
  }
}

/** What the attacker must not reach. */
@final
export class Control extends SupervisorServer {
  start(slot: u32): u32 { return OK; }
  kill(slot: u32): u32 { return OK; }
  stop(slot: u32): u32 { return OK; }
  status(slot: u32, reply: SupervisorStatusReply): u32 { return SupervisorError.Failed; }
  nextEvent(from: u64, reply: SupervisorNextEventReply): u32 { return SupervisorError.NoEvent; }
}

/** Hears of faults; each ends its domain. */
@final
export class Faults extends FaultServer {
  /** Of the attacker since `clear`. */
  count: u32 = 0;
  kind: u32 = 0;

  clear(): void {
    this.count = 0;
  }

  fault(slot: u32, thread: u32, kind: u32, errorCode: u32, address: u64, instruction: u64, stack: u64): u32 {
    if (slot == ATTACKER) {
      this.count += 1;
      this.kind = kind;
    }
    return FaultError.EndDomain;
  }

  ended(slot: u32, reason: u32, code: u32): u32 {
    return OK;
  }
}
