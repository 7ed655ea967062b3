// Makes the attacker try one forbidden action after another, and shows for each what the kernel has
// recorded.

import {
  AttackPlanNextAttempt as Attempt,
  AttackPlanNextReply,
  AttackPlanReportOutcome,
  AttackPlanServer,
} from "../../../build/generated/interfaces/AttackPlan";
import { SlotsDescribeState } from "../../../build/generated/interfaces/Slots";
import { SupervisorStatusEnded } from "../../../build/generated/interfaces/Supervisor";
import { audit, clock, slots, supervisor } from "../../../build/generated/programs/shell";
import { Status } from "../../../kernel/abi/status";
import { addService, callToken, DEFERRED, OK, servePending } from "../../runtime/server";
import { statusName } from "../../runtime/status-name";
import { Text, utf8 } from "../../runtime/text";
import { explain } from "../output/answer";
import { attemptName } from "./attempt-name";
import { addCause, addEvent, readRecord } from "./audit";
import { awaitInterrupt, isInterrupted } from "../line/interrupt";
import { numberArgument } from "./number-argument";
import { dim, endLine, flush, green, line, red } from "../output/print";
import { Words } from "../line/words";

/** The attacking domains: the first is compiled code, the second hand-written machine code. */
const ATTACKER = "attacker";
const INTRUDER = "intruder";
/** The intruder makes this attempt and all later ones, the attacker the earlier ones. */
const FIRST_OF_INTRUDER = Attempt.ExecuteStack;
/** An attempt that takes longer counts as hung. */
const ATTEMPT_NS: u64 = 10_000_000_000;
/** How long to listen for messages between two checks that the attacker is alive. */
const LISTEN_NS: u64 = 5_000_000;
/** How long the shell waits in a call that the attacker tries to answer. */
const EXPOSED_NS: u64 = 20_000_000;
const RESULT_COLUMN: u32 = 48;
/** Column of the lines with details of an attempt. */
const DETAIL_COLUMN: u32 = 7;
const COLUMNS: u32 = 80;
/** What follows the outcome of an attempt in its line. */
const detail: Text = Text.withRoom(128);

/** The server that the attacker asks for its next attempt and reports to. */
@final
class Plan extends AttackPlanServer {
  /** The attempt that no attacker has fetched yet; Finish if there is none. */
  private attempt: Attempt = Attempt.Finish;
  isHandedOut: bool = false;
  /** Token of the attacker that waits for its next attempt; 0 if none waits. */
  private waiting: u64 = 0;
  isReported: bool = false;
  outcome: AttackPlanReportOutcome = AttackPlanReportOutcome.Refused;
  result: u32 = 0;
  value: u64 = 0;

  /** Forgets the waiting attacker, which has ended. */
  forget(): void {
    this.waiting = 0;
    this.attempt = Attempt.Finish;
  }

  /** Gives `attempt` to the attacker that waits, or else to the next one that asks. */
  offer(attempt: Attempt): void {
    this.isReported = false;
    this.isHandedOut = false;
    this.attempt = attempt;
    if (this.waiting === 0) return;
    const reply = AttackPlanNextReply.to(this.waiting);
    this.waiting = 0;
    reply.attempt = attempt;
    // Fails if the attacker has died since it asked.
    if (reply.send() !== Status.Ok) return;
    this.attempt = Attempt.Finish;
    this.isHandedOut = true;
  }

  next(reply: AttackPlanNextReply): u32 {
    if (this.attempt === Attempt.Finish) {
      this.waiting = callToken();
      return DEFERRED;
    }
    reply.attempt = this.attempt;
    this.attempt = Attempt.Finish;
    this.isHandedOut = true;
    return OK;
  }

  report(_attempt: u32, outcome: AttackPlanReportOutcome, result: u32, value: u64): u32 {
    this.isReported = true;
    this.outcome = outcome;
    this.result = result;
    this.value = value;
    return OK;
  }
}

const plan = new Plan();
/** True from the first attack on: the plan is served at the shell's inbox. */
let isPlanServed = false;
/** The slot of the domain that attacks now. */
let attacker: u32 = 0;
let refusedCount: u32 = 0;
let failedCount: u32 = 0;

export function attack(words: Words): void {
  if (!isPlanServed) {
    addService(plan);
    isPlanServed = true;
  }
  const only = numberArgument(words, 1, "NUMBER", 0, Attempt.Finish);
  if (only < 0) return;
  refusedCount = 0;
  failedCount = 0;
  const started = clock.now().nanoseconds;
  attackFrom(ATTACKER, 0, FIRST_OF_INTRUDER, only);
  attackFrom(INTRUDER, FIRST_OF_INTRUDER, Attempt.Finish, only);

  line.number(refusedCount).string(" refused, ");
  if (failedCount === 0) line.string("none succeeded");
  else red("SOME SUCCEEDED");
  if (failedCount > 0) line.string(": ").number(failedCount);
  line.string(", in ").duration(clock.now().nanoseconds - started);
  endLine();
}

/**
 * Makes the domain `name` try the attempts from `first` up to but not including `end`. If `only` is
 * not 0, tries only the attempt with that number, counted from 1, if it is among them.
 */
function attackFrom(name: string, first: i32, end: i32, only: i64): void {
  if (only !== 0 && (only <= first || only > end)) return;
  const found = slots.find(utf8(name));
  if (!found.ok) {
    line.string("this image has no ").string(name);
    return endLine();
  }
  attacker = found.slot;
  for (let attempt = first; attempt < end; attempt++) {
    if (only !== 0 && only !== attempt + 1) continue;
    if (isInterrupted() || !make(<Attempt>attempt, plan)) break;
    flush();
  }
  supervisor.stop(attacker);
  plan.forget();
}

/** Makes one attempt and shows its outcome; false if the attempt could not be made. */
function make(attempt: Attempt, current: Plan): bool {
  const auditNext = audit.info().next;
  if (
    slots.describe(attacker).state !== SlotsDescribeState.Running &&
    !explain(supervisor.start(attacker))
  )
    return false;
  // From here on the attacker may end at any moment.
  current.offer(attempt);

  line
    .numberIn(3, attempt + 1)
    .string("  ")
    .string(attemptName(attempt))
    .padTo(RESULT_COLUMN);
  const deadline = clock.now().nanoseconds + ATTEMPT_NS;
  const isExposed = attempt === Attempt.ForgedToken;
  let wasEnded: bool = false;
  // While an answer is being forged, the only pending call must be the one of `isCallEnded`.
  while (
    !current.isReported &&
    isAlive() &&
    clock.now().nanoseconds < deadline &&
    (isExposed || !isInterrupted())
  ) {
    servePending(1, LISTEN_NS);
    if (isExposed && current.isHandedOut && !wasEnded && !current.isReported)
      wasEnded = isCallEnded();
  }

  if (wasEnded) showEndedCall();
  else if (isInterrupted()) return false;
  else if (current.isReported) showReport(current);
  else if (!isAlive()) showFault();
  else showHung();
  showAudit(auditNext);
  return true;
}

/**
 * Calls the console and waits for a moment, so that there is a call whose answer can be forged.
 * True if that call did not end as it should.
 */
function isCallEnded(): bool {
  const status = awaitInterrupt(EXPOSED_NS);
  return status !== Status.Timeout && status !== Status.Ok;
}

function showEndedCall(): void {
  failedCount++;
  red("SUCCEEDED");
  line.string("  ended the shell's own call to the console");
  endLine();
}

function isAlive(): bool {
  const found = slots.describe(attacker);
  return (
    found.ok &&
    found.state !== SlotsDescribeState.Empty &&
    found.state !== SlotsDescribeState.Stopping
  );
}

function showReport(current: Plan): void {
  if (current.outcome === AttackPlanReportOutcome.Refused) {
    refusedCount++;
    green("refused");
    detail.clear().string("  ").string(statusName(current.result));
    if (current.value > 0) detail.string(", after ").number(current.value);
    if (line.column + detail.length >= COLUMNS) {
      endLine();
      line.padTo(DETAIL_COLUMN - 2);
    }
    line.text(detail);
  } else {
    failedCount++;
    red("SUCCEEDED");
    line.string("  gained ").hex(current.value);
  }
  endLine();
}

function showFault(): void {
  const status = supervisor.status(attacker);
  if (status.ok && status.ended === SupervisorStatusEnded.Faulted) {
    refusedCount++;
    green("stopped");
  } else {
    failedCount++;
    red("ended");
    line.string("  without a fault known to the supervisor");
  }
  endLine();
}

function showHung(): void {
  failedCount++;
  red("hung");
  endLine();
  supervisor.stop(attacker);
}

/** Shows the audit records of the attempt. */
function showAudit(from: u64): void {
  let sequence = from;
  for (let shown = 0; shown < 3; shown++) {
    const record = readRecord(sequence);
    if (!record.ok || record.sequence < from) break;
    sequence = record.sequence + 1;
    if (record.subjectSlot !== attacker) continue;
    line.padTo(DETAIL_COLUMN);
    dim("audit #");
    line.number(record.sequence).string(": ");
    addEvent(record, line);
    endLine();
    line.padTo(DETAIL_COLUMN);
    addCause(record, line);
    endLine();
  }
}
