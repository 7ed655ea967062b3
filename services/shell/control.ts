import { SupervisorError } from "../../build/generated/interfaces/Supervisor";
import { slots, supervisor, system } from "../../build/generated/programs/shell";
import { SlotsDescribeState } from "../../build/generated/interfaces/Slots";
import { Answer } from "../runtime/message";
import { sleep } from "../runtime/sleep";
import { statusName } from "../runtime/status-name";
import { addSlotName, findSlot, NO_SLOT } from "./names";
import { endLine, flush, line, printLine } from "./output";
import { Words } from "./words";

/** A domain that its rule starts again does so within a few back-offs. */
const RESTART_LOOKS = 20;
const RESTART_LOOK_NS: u64 = 10_000_000;

export function start(words: Words): void {
  const slot = findSlot(words.at(1));
  if (slot == NO_SLOT) return;
  if (!explain(supervisor.start(slot))) return;
  addSlotName(slot, line).string(" runs, instance ").number(slots.describe(slot).starts);
  endLine();
}

export function kill(words: Words): void {
  const slot = findSlot(words.at(1));
  if (slot == NO_SLOT) return;
  const before = slots.describe(slot).starts;
  if (!explain(supervisor.kill(slot))) return;
  addSlotName(slot, line).string(" is ended");

  // Its rule may bring it back: say so if that is soon.
  for (let look = 0; look < RESTART_LOOKS && supervisor.status(slot).wanted; look++) {
    const found = slots.describe(slot);
    if (found.starts > before && found.state == SlotsDescribeState.Running) {
      line.string(", and runs again as instance ").number(found.starts);
      break;
    }
    sleep(RESTART_LOOK_NS);
  }
  endLine();
}

export function stop(words: Words): void {
  const slot = findSlot(words.at(1));
  if (slot == NO_SLOT || !explain(supervisor.stop(slot))) return;
  addSlotName(slot, line).string(" is down until `start` or the next boot");
  endLine();
}

export function shutdown(words: Words): void {
  printLine("switching off");
  flush();
  explain(system.shutdown(0));
}

export function reboot(words: Words): void {
  printLine("starting again");
  flush();
  explain(system.reboot());
}

/** True if the answer is good; else says what it was. */
export function explain(answer: Answer): bool {
  if (answer.ok) return true;
  line.string("refused: ");
  if (answer.error != 0) line.string(errorText(answer.error));
  else line.string(statusName(answer.status));
  endLine();
  return false;
}

function errorText(error: u32): string {
  switch (error) {
    case SupervisorError.NoSuchSlot: return "there is no such domain";
    case SupervisorError.AlreadyRunning: return "it runs already";
    case SupervisorError.NotRunning: return "it does not run";
    case SupervisorError.Denied: return "the policy does not allow the supervisor to; see `audit`";
    case SupervisorError.NoMemory: return "there is not enough memory";
    case SupervisorError.NotItself: return "the supervisor neither starts nor ends itself";
    default: return "the kernel could not do it; see `events`";
  }
}
