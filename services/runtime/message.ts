// Message records and the calls that generated client stubs make. A program has one record for
// requests and one for what its server loop receives and answers, so a server may call others while
// it works on a request.

import { HEADER_FLAG_LONG, TIMEOUT_NONE } from "../../kernel/abi/system-call";
import {
  RECORD_ARENA_ADDRESS,
  RECORD_ARENA_BYTES,
  RECORD_BYTES,
  RECORD_HANDLES,
  RECORD_HANDLE_COUNT,
  RECORD_HANDLE_RIGHTS,
  RECORD_MORE_WORDS,
  RECORD_RECEIVE_ADDRESS,
  RECORD_RECEIVE_BYTES,
  RECORD_RECEIVE_HANDLES,
  RECORD_WORD_COUNT,
} from "../../kernel/abi/message-record";
import { Status } from "../../kernel/abi/status";
import { call } from "./trine";

/** u32 behind the kernel's part of a record: the Status of the call that the record answers. */
const RECORD_STATUS = RECORD_BYTES;
/**
 * u32 behind the status: 1 if it is known what was wrong with the call's request (mistake.ts).
 * Every call clears it.
 */
const RECORD_MISTAKE = RECORD_STATUS + 4;
const OWN_RECORD_BYTES = RECORD_BYTES + 8;

/** The request being built, then its answer: valid until the program's next call. */
export const CALL_RECORD: usize = memory.data(OWN_RECORD_BYTES, 8);
/** The request that the server loop received, then the answer to it. */
export const SERVER_RECORD: usize = memory.data(OWN_RECORD_BYTES, 8);
/** The answer to a request that was put off. */
export const DEFERRED_RECORD: usize = memory.data(OWN_RECORD_BYTES, 8);

/** Byte offset of word `index` in a record. */
export function wordOffset(index: u32): u32 {
  return index < 4 ? index << 3 : RECORD_MORE_WORDS + ((index - 4) << 3);
}

/** An answer, or the status of a call that got none. Valid until the program's next call. */
@unmanaged
export class Answer {
  /** `Status.Ok` if the fields are there to be read. */
  @inline get status(): u32 {
    return load<u32>(changetype<usize>(this), RECORD_STATUS);
  }

  @inline get ok(): bool {
    return load<u32>(changetype<usize>(this), RECORD_STATUS) === Status.Ok;
  }

  /** The interface's error if the server answered with one, else 0. */
  @inline get error(): u32 {
    return this.status === Status.ErrorReply ? load<u32>(changetype<usize>(this)) : 0;
  }

  /** Whether it is known what was wrong with the request that this answers. */
  @inline get hasMistake(): bool {
    return load<u32>(changetype<usize>(this), RECORD_MISTAKE) !== 0;
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
  // RECORD_MISTAKE with it.
  store<u64>(CALL_RECORD, status, RECORD_STATUS);
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
  store<u32>(CALL_RECORD, words, RECORD_WORD_COUNT);
  store<u32>(CALL_RECORD, handles, RECORD_HANDLE_COUNT);
  store<u32>(CALL_RECORD, arenaBytes, RECORD_ARENA_BYTES);
  store<u32>(CALL_RECORD, <u32>arena, RECORD_ARENA_ADDRESS);
  store<u32>(CALL_RECORD, <u32>receiveArena(receiveBytes), RECORD_RECEIVE_ADDRESS);
  store<u32>(CALL_RECORD, receiveBytes, RECORD_RECEIVE_BYTES);
  store<u32>(CALL_RECORD, receiveHandles, RECORD_RECEIVE_HANDLES);
  return callShort(handle, header | HEADER_FLAG_LONG);
}

/** Whether the last call was none that its interface knows. */
export function isMalformed(): bool {
  return load<u32>(CALL_RECORD, RECORD_STATUS) === Status.Malformed;
}

/** Marks the last call as one whose mistake is known. */
export function markMistake(): void {
  store<u32>(CALL_RECORD, 1, RECORD_MISTAKE);
}

/** Whether the last call found its server restarted. */
export function isRestarted(): bool {
  return load<u32>(CALL_RECORD, RECORD_STATUS) === Status.Restarted;
}

/** Puts a handle into the request being built. */
export function putHandle(record: usize, index: u32, handle: u32, rights: u32): void {
  store<u32>(record + (index << 2), handle, RECORD_HANDLES);
  store<u32>(record + (index << 2), rights, RECORD_HANDLE_RIGHTS);
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
