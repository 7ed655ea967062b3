import { CONSOLE_INTERFACE } from "../../../build/generated/interfaces/Console";
import { SERIAL_INTERFACE } from "../../../build/generated/interfaces/Serial";
import { SlotsDescribeState } from "../../../build/generated/interfaces/Slots";
import { SupervisorError } from "../../../build/generated/interfaces/Supervisor";
import { clock, slots, supervisor, system } from "../../../build/generated/programs/shell";
import { ObjectType } from "../../../kernel/abi/object";
import { Status } from "../../../kernel/abi/status";
import { domain } from "../../runtime/handles";
import { Answer } from "../../runtime/message";
import { sleep } from "../../runtime/sleep";
import { explain } from "../output/answer";
import { addSlotName, findSlot, NO_SLOT } from "../output/names";
import { endLine, flush, line, printLine } from "../output/print";
import { Words } from "../line/words";

const SUPERVISOR_SLOT: u32 = 0;
/** How often, and at what interval, `kill` looks for the next instance. */
const RESTART_LOOKS = 20;
const RESTART_LOOK_NS: u64 = 10_000_000;

export function start(words: Words): void {
  const slot = findSlot(words.at(1));
  if (slot === NO_SLOT) return;
  if (!explainControl(supervisor.start(slot))) return;
  addSlotName(slot, line).string(": instance ");
  line.number(slots.describe(slot).starts).string(" is running");
  endLine();
}

export function kill(words: Words): void {
  const slot = findSlot(words.at(1));
  if (slot === NO_SLOT) return;
  const before = slots.describe(slot).starts;
  const answer = supervisor.kill(slot);
  // The supervisor ends itself without an answer, and the kernel starts it again.
  const isItself = slot === SUPERVISOR_SLOT && answer.status === Status.PeerDied;
  if (!isItself && !explainControl(answer)) return;
  addSlotName(slot, line).string(" was killed");

  // Waits for a moment, in case its rule restarts the domain.
  for (let look = 0; look < RESTART_LOOKS && (isItself || supervisor.status(slot).wanted); look++) {
    const found = slots.describe(slot);
    if (found.starts > before && found.state === SlotsDescribeState.Running) {
      line.string("; instance ").number(found.starts).string(" is running");
      return endLine();
    }
    sleep(RESTART_LOOK_NS);
  }
  const due = supervisor.status(slot).nextStartNs;
  const now = clock.now().nanoseconds;
  if (due > now) line.string("; the next instance starts in ").duration(due - now);
  endLine();
}

export function stop(words: Words): void {
  const slot = findSlot(words.at(1));
  if (slot === NO_SLOT) return;
  if (isNeeded(slot)) {
    addSlotName(slot, line.string("refused: this prompt needs ")).string("; `kill` restarts it");
    return endLine();
  }
  if (!explainControl(supervisor.stop(slot))) return;
  addSlotName(slot, line).string(" is down until `start` or the next boot");
  endLine();
}

/** True if stopping this slot would cut the user off: the shell, its console, or its driver. */
function isNeeded(slot: u32): bool {
  const own = domain.info().slot;
  const terminal = serverOf(own, CONSOLE_INTERFACE);
  return slot === own || slot === terminal || slot === serverOf(terminal, SERIAL_INTERFACE);
}

/** The slot whose endpoint of that interface `client` holds; NO_SLOT if it holds none. */
function serverOf(client: u32, interfaceId: u32): u32 {
  let found = slots.handleAt(client, 0);
  while (found.ok) {
    if (
      found.type === ObjectType.Endpoint &&
      found.interfaceId === interfaceId &&
      found.targetSlot !== client
    )
      return found.targetSlot;
    found = slots.handleAt(client, found.index + 1);
  }
  return NO_SLOT;
}

export function shutdown(_words: Words): void {
  printLine("switching off");
  flush();
  explain(system.shutdown(0));
}

export function reboot(_words: Words): void {
  printLine("restarting");
  flush();
  explain(system.reboot());
}

/** As `explain`, with the errors of the supervisor in words. */
function explainControl(answer: Answer): bool {
  if (answer.error === 0) return explain(answer);
  line.string("refused: ").string(errorText(answer.error));
  endLine();
  return false;
}

function errorText(error: u32): string {
  switch (error) {
    case SupervisorError.NoSuchSlot:
      return "there is no such domain";
    case SupervisorError.AlreadyRunning:
      return "it is already running";
    case SupervisorError.NotRunning:
      return "it is not running";
    case SupervisorError.Denied:
      return "the policy does not allow the supervisor to start it; see `audit`";
    case SupervisorError.NoMemory:
      return "there is not enough memory";
    case SupervisorError.NotItself:
      return "the supervisor cannot be started or stopped";
    default:
      return "the kernel returned an error; see `events`";
  }
}
