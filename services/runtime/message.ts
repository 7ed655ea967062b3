// Message records and the calls that generated client stubs make. A program has one record for
// requests and one for what its server loop receives and answers, so a server may call others while
// it works on a request.

import { RECORD_BYTES } from "../../kernel/abi/message-record";
import { Status } from "../../kernel/abi/status";
import { HEADER_FLAG_LONG, TIMEOUT_NONE } from "../../kernel/abi/system-call";
import { MessageRecord } from "./message-record";
import { call } from "./trine";

/** Behind the kernel's part of a record: how the call ended that the record answers. */
const OUTCOME_BYTES = 8;
const OWN_RECORD_BYTES = RECORD_BYTES + OUTCOME_BYTES;

/** The request being built, then its answer: valid until the program's next call. */
export const CALL_RECORD: usize = memory.data(OWN_RECORD_BYTES, 8);
/** The request that the server loop received, then the answer to it. */
export const SERVER_RECORD: usize = memory.data(OWN_RECORD_BYTES, 8);
/** The answer to a request that was put off. */
export const DEFERRED_RECORD: usize = memory.data(OWN_RECORD_BYTES, 8);

/** How a call ended. */
@unmanaged
@final
class Outcome {
  status: u32;
  /** 1 if it is known what was wrong with the request (mistake.ts). */
  hasMistake: u32;

  /** The outcome that lies behind the record at `record`. */
  @inline static of(record: usize): Outcome {
    return changetype<Outcome>(record + RECORD_BYTES);
  }

  /** Sets the status; what was wrong with the request is not known yet. */
  @inline begin(status: u32): void {
    store<u64>(changetype<usize>(this), status);
  }
}

if (offsetof<Outcome>() !== OUTCOME_BYTES) ERROR("Outcome does not fill its place");

/** An answer, or the status of a call that got none. Valid until the program's next call. */
@unmanaged
export class Answer {
  /** `Status.Ok` if the fields are there to be read. */
  @inline get status(): u32 {
    return Outcome.of(changetype<usize>(this)).status;
  }

  @inline get ok(): bool {
    return this.status === Status.Ok;
  }

  /** The interface's error if the server answered with one, else 0. */
  @inline get error(): u32 {
    return this.status === Status.ErrorReply ? load<u32>(changetype<usize>(this)) : 0;
  }

  /** True if it is known what was wrong with the request (mistake.ts says it in words). */
  @inline get hasMistake(): bool {
    return Outcome.of(changetype<usize>(this)).hasMistake !== 0;
  }
}

const KEPT_RECORD: usize = memory.data(OWN_RECORD_BYTES, 8);

/**
 * The answer where further calls leave its words alone, until the next one is kept. Bytes and text
 * of it are not kept.
 */
export function keep<T extends Answer>(answer: T): T {
  memory.copy(KEPT_RECORD, changetype<usize>(answer), OWN_RECORD_BYTES);
  return changetype<T>(KEPT_RECORD);
}

/** How long the following calls wait, in nanoseconds; TIMEOUT_NONE at the start. */
let timeoutNs: u64 = TIMEOUT_NONE;

/**
 * Sets how long all calls wait from now on, and returns what held before. Restore it when the calls
 * in question are made.
 */
export function setCallTimeout(nanoseconds: u64): u64 {
  const before = timeoutNs;
  timeoutNs = nanoseconds;
  return before;
}

/** Calls with the words that stand in CALL_RECORD, at most four, and expects as few back. */
export function callShort(handle: u32, header: u32): u32 {
  const status = call(handle, header, CALL_RECORD, timeoutNs);
  Outcome.of(CALL_RECORD).begin(status);
  return status;
}

/**
 * Calls with a message that needs its record, or expects such an answer. The words, and the handles
 * with their rights, stand in CALL_RECORD already; the arena is sent from where it lies.
 */
export function callLong(
  handle: u32,
  header: u32,
  words: u32,
  handles: u32,
  arena: usize,
  arenaBytes: u32,
  receiveBytes: u32,
  receiveHandles: u32,
): u32 {
  const record = MessageRecord.at(CALL_RECORD);
  record.wordCount = words;
  record.handleCount = handles;
  record.arenaBytes = arenaBytes;
  record.arenaAddress = <u32>arena;
  record.receiveAddress = <u32>receiveArena(receiveBytes);
  record.receiveBytes = receiveBytes;
  record.receiveHandles = receiveHandles;
  return callShort(handle, header | HEADER_FLAG_LONG);
}

/** Whether the last call was none that its interface knows. */
export function isMalformed(): bool {
  return Outcome.of(CALL_RECORD).status === Status.Malformed;
}

/** Marks the last call as one whose mistake is known. */
export function markMistake(): void {
  Outcome.of(CALL_RECORD).hasMistake = 1;
}

/** Whether the last call found its server restarted. */
export function isRestarted(): bool {
  return Outcome.of(CALL_RECORD).status === Status.Restarted;
}

/** Puts a handle into the request being built. */
export function putHandle(record: usize, index: u32, handle: u32, rights: u32): void {
  MessageRecord.at(record).setHandle(index, handle, rights);
}

/** The word that describes a run of bytes in the arena. */
export function describeBytes(offset: u32, length: u32): u64 {
  return <u64>offset | ((<u64>length) << 32);
}

let receiveAddress: usize = 0;
let receiveRoom: u32 = 0;

/** Where the arena of an answer is put: one place, as large as the largest answer yet expected. */
export function receiveArena(bytes: u32): usize {
  if (bytes > receiveRoom) {
    receiveAddress = heap.alloc(bytes);
    receiveRoom = bytes;
  }
  return receiveAddress;
}

let sendAddress: usize = 0;
let sendRoom: u32 = 0;

/** Where the fields of a request with several of bytes or text are put one behind the other. */
export function sendArena(bytes: u32): usize {
  if (bytes > sendRoom) {
    sendAddress = heap.alloc(bytes);
    sendRoom = bytes;
  }
  return sendAddress;
}
