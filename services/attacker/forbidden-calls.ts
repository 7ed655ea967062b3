// Calls that the policy denies, and handles, rights and tokens that the program was never given.

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

/** Slot 1 is the first that the supervisor starts; any running slot would do. */
const VICTIM_SLOT: u32 = 1;
const FORGED_HANDLES: u32 = 2048;
/** Above all handles that the manifest names. */
const FIRST_FORGED_INDEX: u32 = 64;
/** More than its handle quota allows. */
const PLACES: u32 = 512;
const THREADS_GUESSED: u64 = 64;
const SEQUENCES_GUESSED: u64 = 64;
const STRANGE_BADGE: u64 = 0x5eed;

/** The program has a handle to the supervisor, and no rule allows a call through it. */
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

/** The old number of a handle that was dropped. */
export function staleHandle(): bool {
  const made = domain.createNotice((INITIAL_GENERATION << HANDLE_GENERATION_SHIFT) | 2, 1);
  if (!made.ok) return refused(made.status);
  const handle = made.handle;
  domain.drop(handle);
  // Make handles until one takes the same place in the table: then only the generation differs.
  for (let place: u32 = 0; place < PLACES; place++) {
    const other = domain.createNotice((INITIAL_GENERATION << HANDLE_GENERATION_SHIFT) | 2, 1);
    if (!other.ok) return refused(other.status);
    if (((other.handle ^ handle) & HANDLE_INDEX_MASK) === 0) break;
    domain.drop(other.handle);
  }
  return refused(NoticeClient.of(handle).signal(1).status);
}

/** Calls its own domain as if the domain were a notice. */
export function wrongType(): bool {
  return refused(NoticeClient.of(domain.handle).signal(1).status);
}

/** Calls the echo service with a method of the supervisor: method 1 is `kill`. */
export function wrongInterface(): bool {
  MessageRecord.at(CALL_RECORD).word0 = VICTIM_SLOT;
  const header = (SUPERVISOR_INTERFACE << HEADER_INTERFACE_SHIFT) | (1 << HEADER_METHOD_SHIFT) | 1;
  return refused(call(echo.handle, header, CALL_RECORD, TIMEOUT_POLL));
}

/** Answers calls between other domains. */
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

/** Derives a handle with every right and a badge. */
export function widenRights(): bool {
  const made = domain.mint(echo.handle, RIGHTS_ALL, STRANGE_BADGE);
  if (made.status === Status.Ok) gain(made.handle);
  return refused(made.status);
}
