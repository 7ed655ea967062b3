// Message records, and the calls of the generated client stubs. A program has one record for its
// own requests and one for its server loop, so that a server can call others while it handles a
// request.

import { RECORD_BYTES } from "../../kernel/abi/message-record";
import { Status } from "../../kernel/abi/status";
import { HEADER_FLAG_LONG, SystemCallResult, TIMEOUT_NONE } from "../../kernel/abi/system-call";
import { MessageRecord } from "./message-record";
import { call, callShort, result } from "./trine";

/** After the kernel's part of a record: how the call ended. */
const OUTCOME_BYTES = 8;
const OWN_RECORD_BYTES = RECORD_BYTES + OUTCOME_BYTES;

/** The request being built, then its answer, which is valid until the program's next call. */
export const CALL_RECORD: usize = memory.data(OWN_RECORD_BYTES, 8);
/** The request that the server loop received, then the answer to it. */
export const SERVER_RECORD: usize = memory.data(OWN_RECORD_BYTES, 8);
/** The answer to a deferred request. */
export const DEFERRED_RECORD: usize = memory.data(OWN_RECORD_BYTES, 8);

/** How a call ended. */
@unmanaged
@final
class Outcome {
  /** The half of `status` that means something. */
  statusWord: u32;
  /** 1 if it is known what was wrong with the request (mistake.ts). */
  hasMistake: u32;

  /** The outcome that lies behind the record at `record`. */
  @inline static of(record: usize): Outcome {
    return changetype<Outcome>(record + RECORD_BYTES);
  }

  /** Read as wide as `begin` writes, so that the compiler finds the status in its register. */
  @inline get status(): u32 {
    return <u32>load<u64>(changetype<usize>(this));
  }

  /** Sets the status; what was wrong with the request is not known yet. */
  @inline begin(status: u64): void {
    store<u64>(changetype<usize>(this), status);
  }
}

if (offsetof<Outcome>() !== OUTCOME_BYTES) ERROR("Outcome does not fill its place");

/** The answer to a call, or the status of a failed call. Valid until the program's next call. */
@unmanaged
export class Answer {
  /** `Status.Ok` if the answer has its fields. */
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
 * Copies an answer so that further calls do not overwrite its words; valid until the next `keep`.
 * Its bytes and texts are not copied.
 */
export function keep<T extends Answer>(answer: T): T {
  memory.copy(KEPT_RECORD, changetype<usize>(answer), OWN_RECORD_BYTES);
  return changetype<T>(KEPT_RECORD);
}

/** How long calls wait, in nanoseconds; TIMEOUT_NONE at the start. */
let timeoutNs: u64 = TIMEOUT_NONE;

/**
 * Sets how long all further calls wait, and returns the previous value, for the caller to restore.
 */
export function setCallTimeout(nanoseconds: u64): u64 {
  const before = timeoutNs;
  timeoutNs = nanoseconds;
  return before;
}

/** Makes calls whose request and answer have at most four words each. */
@unmanaged
@final
export class ShortCall {
  /**
   * `header` and `answerWords` are constants. `answerWords` is at least 1, for an error has a word.
   */
  @inline static make(
    handle: u32,
    header: u32,
    answerWords: u32,
    word0: u64,
    word1: u64,
    word2: u64,
    word3: u64,
  ): void {
    const status = callShort(handle, header, timeoutNs, word0, word1, word2, word3);
    const answer0 = result(SystemCallResult.Word0);
    const answer1 = result(SystemCallResult.Word1);
    const answer2 = result(SystemCallResult.Word2);
    const answer3 = result(SystemCallResult.Word3);
    const answer = MessageRecord.at(CALL_RECORD);
    answer.word0 = answer0;
    if (answerWords > 1) answer.word1 = answer1;
    if (answerWords > 2) answer.word2 = answer2;
    if (answerWords > 3) answer.word3 = answer3;
    Outcome.of(CALL_RECORD).begin(status);
  }
}

/** Makes a call whose words are in CALL_RECORD already. */
export function callRecord(handle: u32, header: u32): u32 {
  const status = call(handle, header, CALL_RECORD, timeoutNs);
  Outcome.of(CALL_RECORD).begin(status);
  return status;
}

/**
 * Makes a call whose request or answer is long. The words, and the handles with their rights, are
 * in CALL_RECORD already; the arena is sent from `arena`.
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
  return callRecord(handle, header | HEADER_FLAG_LONG);
}

/** True if the last call violated its interface. */
export function isMalformed(): bool {
  return Outcome.of(CALL_RECORD).status === Status.Malformed;
}

/** Notes that `mistake.ts` knows what was wrong with the last call. */
export function markMistake(): void {
  Outcome.of(CALL_RECORD).hasMistake = 1;
}

/** True if the last call's server has been restarted since the call before. */
export function isRestarted(): bool {
  return Outcome.of(CALL_RECORD).status === Status.Restarted;
}

/** Puts a handle into the message in `record`. */
export function putHandle(record: usize, index: u32, handle: u32, rights: u32): void {
  MessageRecord.at(record).setHandle(index, handle, rights);
}

/** The word that describes a range of bytes in the arena. */
export function describeBytes(offset: u32, length: u32): u64 {
  return <u64>offset | ((<u64>length) << 32);
}

let receiveAddress: usize = 0;
let receiveRoom: u32 = 0;

/** The buffer for the arena of an answer, as large as the largest answer expected so far. */
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
