import {
  SupervisorNextEventAnswer,
  SupervisorNextEventWhat,
} from "../../../build/generated/interfaces/Supervisor";
import { supervisor } from "../../../build/generated/programs/shell";
import { faultName } from "../../../kernel/abi/fault";
import { keep } from "../../runtime/message";
import { statusName } from "../../runtime/status-name";
import { isInterrupted } from "../line/interrupt";
import { addSlotName } from "../output/names";
import { numberArgument } from "./number-argument";
import { endLine, line, printLine } from "../output/print";
import { Words } from "../line/words";

const COUNT_DEFAULT: i64 = 20;
const WHAT_COLUMN: u32 = 28;
/** The supervisor keeps fewer events. */
const EVENTS_MAX = 1024;

export function events(words: Words): void {
  const count: u64 = numberArgument(words, 1, "COUNT", COUNT_DEFAULT, EVENTS_MAX);
  if (<i64>count < 0) return;
  const newest = findNewest();
  if (newest === 0) return printLine("the supervisor has recorded no events");
  let from: u64 = newest > count ? newest - count + 1 : 1;
  while (from <= newest && !isInterrupted()) {
    const event = keep(supervisor.nextEvent(from));
    if (!event.ok) break;
    show(event);
    from = event.sequence + 1;
  }
}

function findNewest(): u64 {
  let newest: u64 = 0;
  for (let tries = 0; tries < EVENTS_MAX; tries++) {
    const found = supervisor.nextEvent(newest + 1);
    if (!found.ok) break;
    newest = found.sequence;
  }
  return newest;
}

function show(event: SupervisorNextEventAnswer): void {
  line.time(event.timeNs).padTo(14);
  addSlotName(event.slot, line).padTo(WHAT_COLUMN);
  switch (event.what) {
    case SupervisorNextEventWhat.Started:
      line.string("started, instance ").number(event.code);
      break;
    case SupervisorNextEventWhat.Adopted:
      line.string("adopted, instance ").number(event.code);
      break;
    case SupervisorNextEventWhat.Exited:
      line.string("ended with code ").number(event.code);
      break;
    case SupervisorNextEventWhat.Faulted:
      line.string(faultName(event.faultKind)).string(" at ").hex(event.address);
      break;
    case SupervisorNextEventWhat.Killed:
      line.string("killed");
      break;
    case SupervisorNextEventWhat.Stopped:
      line.string("stopped");
      break;
    default:
      line.string("not started: ").string(statusName(event.code));
  }
  endLine();
  if (event.what === SupervisorNextEventWhat.Faulted) showPlace(event.slot, event.instruction);
}

function showPlace(slot: u32, instruction: u64): void {
  const place = supervisor.place(slot, instruction);
  if (!place.ok || place.text.isEmpty) return;
  line.padTo(WHAT_COLUMN).string("in ").text(place.text);
  endLine();
}
