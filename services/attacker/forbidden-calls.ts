// Calls that the policy does not allow, and handles, rights and tokens that were never given.

import { ECHO_INTERFACE } from "../../build/generated/interfaces/Echo";
import { NoticeClient } from "../../build/generated/interfaces/Notice";
import { SUPERVISOR_INTERFACE } from "../../build/generated/interfaces/Supervisor";
import { echo, slots, supervisor, system } from "../../build/generated/programs/attacker";
import { RIGHTS_ALL } from "../../kernel/abi/object";
import {
  HANDLE_GENERATION_SHIFT,
  HANDLE_INDEX_MASK,
  HEADER_INTERFACE_SHIFT,
  HEADER_METHOD_SHIFT,
  INITIAL_GENERATION,
  TIMEOUT_POLL,
  TOKEN_SEQUENCE_SHIFT,
} from "../../kernel/abi/system-call";
import { Status } from "../../kernel/abi/status";
import { domain } from "../runtime/handles";
import { CALL_RECORD, DEFERRED_RECORD } from "../runtime/message";
import { MessageRecord } from "../runtime/message-record";
import { call, recv, reply } from "../runtime/trine";
import { gain, refused } from "./outcome";

/** Any slot that matters will do: slot 1 is the first that the supervisor starts. */
const VICTIM_SLOT: u32 = 1;
const FORGED_HANDLES: u32 = 2048;
/** Named handles end well before it. */
const FIRST_FORGED_INDEX: u32 = 64;
/** More than its quota of handles lets its table have. */
const PLACES: u32 = 512;
const THREADS_GUESSED: u64 = 64;
const SEQUENCES_GUESSED: u64 = 64;
const STRANGE_BADGE: u64 = 0x5eed;

/** It holds a handle to the supervisor, and no rule that lets it use one. */
export function deniedCall(): bool {
  return refused(supervisor.kill(VICTIM_SLOT).status);
}

export function deniedKernelCall(): bool {
  return refused(slots.stop(VICTIM_SLOT).status);
}

export function shutdownMachine(): bool {
  return refused(system.shutdown(0).status);
}

export function forgedHandle(): bool {
  for (let index: u32 = 0; index < FORGED_HANDLES; index++) {
    const handle =
      ((INITIAL_GENERATION + (index & 3)) << HANDLE_GENERATION_SHIFT) |
      (FIRST_FORGED_INDEX + index);
    gain(1);
    if (!refused(call(handle, ECHO_INTERFACE << HEADER_INTERFACE_SHIFT, CALL_RECORD, TIMEOUT_POLL)))
      return false;
  }
  return true;
}

/** A handle that was given back, under its old number. */
export function staleHandle(): bool {
  const made = domain.createNotice((INITIAL_GENERATION << HANDLE_GENERATION_SHIFT) | 2, 1);
  if (!made.ok) return refused(made.status);
  const handle = made.handle;
  domain.drop(handle);
  // Others follow until one takes its place in the table, so that only the generation tells them
  // apart.
  for (let place: u32 = 0; place < PLACES; place++) {
    const other = domain.createNotice((INITIAL_GENERATION << HANDLE_GENERATION_SHIFT) | 2, 1);
    if (!other.ok) return refused(other.status);
    if (((other.handle ^ handle) & HANDLE_INDEX_MASK) === 0) break;
    domain.drop(other.handle);
  }
  return refused(NoticeClient.of(handle).signal(1).status);
}

/** Its own domain, spoken to as if it were a notice. */
export function wrongType(): bool {
  return refused(NoticeClient.of(domain.handle).signal(1).status);
}

/** The echo service, spoken to in the supervisor's language: method 1 is `kill`. */
export function wrongInterface(): bool {
  MessageRecord.at(CALL_RECORD).word0 = VICTIM_SLOT;
  const header = (SUPERVISOR_INTERFACE << HEADER_INTERFACE_SHIFT) | (1 << HEADER_METHOD_SHIFT) | 1;
  return refused(call(echo.handle, header, CALL_RECORD, TIMEOUT_POLL));
}

/** Answers calls that others have made to others. */
export function forgedToken(): bool {
  for (let thread: u64 = 0; thread < THREADS_GUESSED; thread++) {
    for (let sequence: u64 = 0; sequence < SEQUENCES_GUESSED; sequence++) {
      gain(1);
      const header = ECHO_INTERFACE << HEADER_INTERFACE_SHIFT;
      if (
        !refused(
          reply(
            (sequence << TOKEN_SEQUENCE_SHIFT) | thread,
            header,
            DEFERRED_RECORD,
            0,
            TIMEOUT_POLL,
          ),
        )
      )
        return false;
    }
  }
  return true;
}

/** Receives the echo service's messages. */
export function foreignInbox(): bool {
  return refused(recv(echo.handle, 0, DEFERRED_RECORD, TIMEOUT_POLL));
}

/** Makes of a handle one with every right, and with a badge. */
export function widenRights(): bool {
  const made = domain.mint(echo.handle, RIGHTS_ALL, STRANGE_BADGE);
  if (made.status === Status.Ok) gain(made.handle);
  return refused(made.status);
}
