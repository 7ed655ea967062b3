import { SupervisorNextEventWhat } from "../../build/generated/interfaces/Supervisor";
import { supervisor } from "../../build/generated/programs/shell";
import { faultName } from "../../kernel/abi/fault";
import { statusName } from "../runtime/status-name";
import { addSlotName } from "./names";
import { endLine, line, printLine } from "./output";
import { Words } from "./words";

const COUNT_DEFAULT: i64 = 20;
const WHAT_COLUMN: u32 = 24;
/** The supervisor keeps fewer. */
const EVENTS_MAX = 1024;

export function events(words: Words): void {
  const wanted = words.count > 1 ? words.at(1).toNumber() : COUNT_DEFAULT;
  const newest = findNewest();
  if (newest == 0) return printLine("the supervisor has nothing to tell");
  const count: u64 = wanted > 0 ? wanted : COUNT_DEFAULT;
  let from: u64 = newest > count ? newest - count + 1 : 1;
  while (from != 0) from = show(from);
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

/** Shows the event at `from` or after it, and returns where the next is to be looked for; 0 when there was none. */
function show(from: u64): u64 {
  const found = supervisor.nextEvent(from);
  if (!found.ok) return 0;
  const sequence = found.sequence;
  const slot = found.slot;
  const what = found.what;
  const kind = found.faultKind;
  const address = found.address;
  const code = found.code;
  const instruction = found.instruction;
  line.duration(found.timeNs).padTo(10);
  addSlotName(slot, line).padTo(WHAT_COLUMN);
  switch (what) {
    case SupervisorNextEventWhat.Started: line.string("started, instance ").number(code); break;
    case SupervisorNextEventWhat.Adopted: line.string("adopted, instance ").number(code); break;
    case SupervisorNextEventWhat.Exited: line.string("ended with code ").number(code); break;
    case SupervisorNextEventWhat.Faulted: line.string(faultName(kind)).string(" at ").hex(address); break;
    case SupervisorNextEventWhat.Killed: line.string("killed"); break;
    case SupervisorNextEventWhat.Stopped: line.string("stopped"); break;
    default: line.string("not started: ").string(statusName(code));
  }
  endLine();
  if (what == SupervisorNextEventWhat.Faulted) showPlace(slot, instruction);
  return sequence + 1;
}

function showPlace(slot: u32, instruction: u64): void {
  const place = supervisor.place(slot, instruction);
  if (!place.ok || place.text.isEmpty) return;
  line.padTo(WHAT_COLUMN).string("in ").text(place.text);
  endLine();
}
