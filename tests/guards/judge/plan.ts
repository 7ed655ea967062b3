import {
  AttackPlanNextAttempt as Attempt,
  AttackPlanNextReply,
  AttackPlanReportOutcome,
  AttackPlanServer,
} from "../../../build/generated/interfaces/AttackPlan";
import { FaultError, FaultServer } from "../../../build/generated/interfaces/Fault";
import { SUPERVISOR_INTERFACE } from "../../../build/generated/interfaces/Supervisor";
import { HEADER_INTERFACE_SHIFT, HEADER_METHOD_SHIFT } from "../../../kernel/abi/system-call";
import { DEFERRED, OK, Service, callerSlot } from "../../../services/runtime/server";
import { ATTACKER, INTRUDER, VICTIM } from "./slots";

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
    if (callerSlot() === VICTIM) return DEFERRED;
    this.isReported = true;
    this.outcome = outcome;
    this.result = result;
    this.value = value;
    return OK;
  }
}

/** A supervisor that the attacker must not reach: it accepts every call. */
@final
export class Control extends Service {
  constructor() {
    super(SUPERVISOR_INTERFACE, false, 0, 0);
  }

  dispatch(method: u32): u32 {
    return (SUPERVISOR_INTERFACE << HEADER_INTERFACE_SHIFT) | (method << HEADER_METHOD_SHIFT);
  }
}

/** Hears of faults; each ends its domain. */
@final
export class Faults extends FaultServer {
  /** Of who attacks, since `clear`. */
  count: u32 = 0;
  kind: u32 = 0;

  clear(): void {
    this.count = 0;
  }

  fault(
    slot: u32,
    thread: u32,
    kind: u32,
    errorCode: u32,
    address: u64,
    instruction: u64,
    stack: u64,
  ): u32 {
    if (slot === ATTACKER || slot === INTRUDER) {
      this.count += 1;
      this.kind = kind;
    }
    return FaultError.EndDomain;
  }
}
