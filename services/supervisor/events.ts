// The last things that happened to slots, for whoever asks.

import {
  SupervisorNextEventReply,
  SupervisorNextEventWhat,
} from "../../build/generated/interfaces/Supervisor";

/** A power of two; older events are forgotten. */
const EVENTS_KEPT: u32 = 64;

@unmanaged
@final
class Event {
  timeNs: u64;
  address: u64;
  instruction: u64;
  slot: u32;
  what: SupervisorNextEventWhat;
  faultKind: u32;
  code: u32;
}

@final
export class Events {
  private readonly memory: usize = heap.alloc(EVENTS_KEPT * offsetof<Event>());
  /** Number of the newest event; they are counted from 1. */
  private newest: u64 = 0;

  add(
    timeNs: u64,
    slot: u32,
    what: SupervisorNextEventWhat,
    faultKind: u32 = 0,
    address: u64 = 0,
    instruction: u64 = 0,
    code: u32 = 0,
  ): void {
    this.newest += 1;
    const event = this.place(this.newest);
    event.timeNs = timeNs;
    event.slot = slot;
    event.what = what;
    event.faultKind = faultKind;
    event.address = address;
    event.instruction = instruction;
    event.code = code;
  }

  /** Answers with the first event from `from` on that is kept; false if there is none. */
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
