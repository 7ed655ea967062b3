import {
  SupervisorError,
  SupervisorNextEventReply,
  SupervisorPlaceReply,
  SupervisorServer,
  SupervisorStatusReply,
} from "../../build/generated/interfaces/Supervisor";
import { Status } from "../../kernel/abi/status";
import { domain } from "../runtime/handles";
import { OK } from "../runtime/server";
import { SLOT_CHANGED_BIT, Slots, TIMER_BIT } from "./slots";

/** Exit code of a supervisor that was told to end itself. */
const EXIT_KILLED: u32 = 1;

/** The interface Supervisor. The policy decides which programs may call which method. */
@final
export class Control extends SupervisorServer {
  constructor(private readonly slots: Slots) {
    super();
  }

  start(slot: u32): u32 {
    const found = this.slots.at(slot);
    if (found === null) return this.absent(slot);
    if (found.isRunning) return SupervisorError.AlreadyRunning;
    return errorOf(this.slots.start(slot, found));
  }

  kill(slot: u32): u32 {
    // The kernel starts another supervisor, which adopts the running instances.
    if (slot === 0) domain.exit(EXIT_KILLED);
    const found = this.slots.at(slot);
    if (found === null) return this.absent(slot);
    if (!found.isRunning) return SupervisorError.NotRunning;
    return errorOf(this.slots.stop(slot, found));
  }

  stop(slot: u32): u32 {
    const found = this.slots.at(slot);
    if (found === null) return this.absent(slot);
    found.isWanted = false;
    found.nextStartNs = 0;
    return found.isRunning ? errorOf(this.slots.stop(slot, found)) : OK;
  }

  status(slot: u32, reply: SupervisorStatusReply): u32 {
    const found = this.slots.at(slot);
    if (found === null) return this.absent(slot);
    reply.wanted = found.isWanted;
    reply.ended = found.ended;
    const detail = found.detail;
    reply.faultKind = detail.faultKind;
    reply.address = detail.address;
    reply.instruction = detail.instruction;
    reply.code = detail.code;
    reply.restarts = found.starts > 0 ? found.starts - 1 : 0;
    reply.nextStartNs = found.nextStartNs;
    return OK;
  }

  nextEvent(from: u64, reply: SupervisorNextEventReply): u32 {
    return this.slots.events.find(from, reply) ? OK : SupervisorError.NoEvent;
  }

  place(slot: u32, instruction: u64, reply: SupervisorPlaceReply): u32 {
    if (slot >= this.slots.count) return SupervisorError.NoSuchSlot;
    reply.text.text(this.slots.symbols.at(slot, instruction));
    return OK;
  }

  notified(bits: u64): void {
    if ((bits & SLOT_CHANGED_BIT) !== 0) this.slots.refresh();
    if ((bits & TIMER_BIT) !== 0) this.slots.startDue();
  }

  private absent(slot: u32): u32 {
    return slot === 0 ? SupervisorError.NotItself : SupervisorError.NoSuchSlot;
  }
}

/** The error of this interface for a status of the kernel. */
function errorOf(status: u32): u32 {
  switch (status) {
    case Status.Ok:
      return OK;
    case Status.Denied:
      return SupervisorError.Denied;
    case Status.NoMemory:
      return SupervisorError.NoMemory;
    default:
      return SupervisorError.Failed;
  }
}
