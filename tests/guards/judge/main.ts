// Prints `attack NUMBER begins`, and then `attack NUMBER refused|stopped|succeeded|ended|hung …`,
// for each attempt of the attacker. Numbers are those of AttackPlan. A machine that ends in between
// was ended by the attack.

import {
  AttackPlanNextAttempt as Attempt,
  AttackPlanReportOutcome,
} from "../../../build/generated/interfaces/AttackPlan";
import { SlotsDescribeState } from "../../../build/generated/interfaces/Slots";
import { clock, log, slots, system } from "../../../build/generated/programs/judge";
import { RECORD_BYTES } from "../../../kernel/abi/message-record";
import { TIMEOUT_POLL } from "../../../kernel/abi/system-call";
import { Status } from "../../../kernel/abi/status";
import { MessageRecord } from "../../../services/runtime/message-record";
import { addService, servePending } from "../../../services/runtime/server";
import { Text } from "../../../services/runtime/text";
import { call } from "../../../services/runtime/trine";
import { PLANTED_HANDLE, Plant } from "../plant";
import { Control, Faults, Plan } from "./plan";
import { ATTACKER, ECHO, INTRUDER, NATIVE, VICTIM } from "./slots";

/** An attempt that takes longer counts as hung. */
const ATTEMPT_NS: u64 = 60_000_000_000;
/** From here on the attempts are those of machine code. */
const FIRST_OF_INTRUDER = Attempt.ExecuteStack;
const LISTEN_NS: u64 = 2_000_000;
/** Turns in which the other programs come to where they wait. */
const TURNS = 4;

const record: MessageRecord = changetype<MessageRecord>(memory.data(RECORD_BYTES, 8));
const line: Text = Text.withRoom(256);
const plan = new Plan();
const faults = new Faults();

export function main(): void {
  addService(plan);
  addService(new Control());
  addService(faults);
  start(NATIVE);
  while (isAlive(NATIVE)) servePending(1, LISTEN_NS);
  start(ECHO);

  for (let attempt = firstAttempt(); attempt < <u32>Attempt.Finish; attempt++)
    make(<Attempt>attempt);
  print("all attacks made");
  system.shutdown(0);
}

/** Attempts before it were made before an attack ended the machine. */
function firstAttempt(): u32 {
  record.word0 = <u32>Plant.First;
  const status = call(PLANTED_HANDLE, 1, record.address, TIMEOUT_POLL);
  return status === Status.Ok ? <u32>record.word0 : 0;
}

function make(attempt: Attempt): void {
  // An earlier attack may have ended it.
  if (!isAlive(VICTIM)) start(VICTIM);
  if (!isAlive(ECHO)) start(ECHO);
  begin(attempt).string("begins");
  log.write(line);

  const attacker = attempt < FIRST_OF_INTRUDER ? ATTACKER : INTRUDER;
  plan.offer(attempt);
  faults.clear();
  start(attacker);
  const deadline = clock.now().nanoseconds + ATTEMPT_NS;
  while (!plan.isReported && isAlive(attacker) && clock.now().nanoseconds < deadline)
    servePending(1, LISTEN_NS);

  begin(attempt);
  if (plan.isReported) {
    line
      .string(plan.outcome === AttackPlanReportOutcome.Refused ? "refused" : "succeeded")
      .string(", status ")
      .number(plan.result)
      .string(", value ")
      .number(plan.value);
  } else if (faults.count > 0) {
    line.string("stopped, fault ").number(faults.kind);
  } else {
    line.string(isAlive(attacker) ? "hung" : "ended");
  }
  log.write(line);
  end(attacker);
}

function begin(attempt: Attempt): Text {
  return line.clear().string("attack ").number(attempt).string(" ");
}

function print(text: string): void {
  line.clear().string(text);
  log.write(line);
}

function isAlive(slot: u32): bool {
  const found = slots.describe(slot);
  return (
    found.ok &&
    found.state !== SlotsDescribeState.Empty &&
    found.state !== SlotsDescribeState.Stopping
  );
}

function start(slot: u32): void {
  end(slot);
  const status = slots.start(slot).status;
  if (status !== Status.Ok) {
    line.clear().string("cannot start slot ").number(slot).string(", status ").number(status);
    log.write(line);
  }
  for (let turn = 0; turn < TURNS; turn++) servePending(1, LISTEN_NS);
}

/** Ends the instance, and waits until everything of it is given back. */
function end(slot: u32): void {
  while (slots.describe(slot).state !== SlotsDescribeState.Empty) {
    slots.stop(slot);
    servePending(1, TIMEOUT_POLL);
  }
}
