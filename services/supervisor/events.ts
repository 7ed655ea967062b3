// The latest events of all slots, as `Supervisor.nextEvent` returns them.

import {
  SupervisorNextEventReply,
  SupervisorNextEventWhat,
} from "../../build/generated/interfaces/Supervisor";

/** A power of two; the oldest event makes room for a new one. */
const EVENTS_KEPT: u32 = 64;

/** What is known of the end of an instance. */
@unmanaged
export class EndDetail {
  address: u64 = 0;
  instruction: u64 = 0;
  faultKind: u32 = 0;
  /** Of an instance that exited, its exit code. */
  code: u32 = 0;

  copyFrom(other: EndDetail): void {
    memory.copy(changetype<usize>(this), changetype<usize>(other), offsetof<EndDetail>());
  }
}

@unmanaged
@final
class Event extends EndDetail {
  timeNs: u64;
  slot: u32;
  what: SupervisorNextEventWhat;
}

@final
export class Events {
  private readonly memory: usize = heap.alloc(EVENTS_KEPT * offsetof<Event>());
  /** Number of the newest event; they are counted from 1. */
  private newest: u64 = 0;

  /** Adds an event and returns it; the caller fills in the detail, which is zero. */
  add(timeNs: u64, slot: u32, what: SupervisorNextEventWhat): EndDetail {
    this.newest += 1;
    const event = this.place(this.newest);
    memory.fill(changetype<usize>(event), 0, offsetof<Event>());
    event.timeNs = timeNs;
    event.slot = slot;
    event.what = what;
    return event;
  }

  /** Writes the first event numbered `from` or later into `reply`; false if there is none. */
  find(from: u64, reply: SupervisorNextEventReply): bool {
    const kept: u64 = EVENTS_KEPT;
    const oldest: u64 = this.newest > kept ? this.newest - kept + 1 : 1;
    const sequence = max(from, oldest);
    if (sequence > this.newest) return false;
    const event = this.place(sequence);
    reply.sequence = sequence;
    reply.timeNs = event.timeNs;
    reply.slot = event.slot;
    reply.what = event.what;
    reply.faultKind = event.faultKind;
    reply.address = event.address;
    reply.instruction = event.instruction;
    reply.code = event.code;
    return true;
  }

  private place(sequence: u64): Event {
    return changetype<Event>(this.memory + (<u32>sequence & (EVENTS_KEPT - 1)) * offsetof<Event>());
  }
}
