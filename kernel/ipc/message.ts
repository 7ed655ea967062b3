// The fixed part of a message: captured from its sender once, stored to its receiver once.

import {
  ARENA_BYTES_MAX,
  HEADER_FLAG_LONG,
  HEADER_WORDS_MASK,
  MESSAGE_HANDLES_MAX,
  MESSAGE_WORDS_MAX,
  REGISTER_WORDS_MAX as REGISTER_WORDS,
} from "../abi/system-call";
import {
  RECORD_BYTES,
  RECORD_HANDLES,
  RECORD_MORE_WORDS,
  RECORD_WORD_COUNT,
} from "../abi/message-record";
import { Status } from "../abi/status";
import { canWrite, copyFromUser, copyToUser } from "../memory/user-memory";
import { Domain } from "../object/domain";
import { Thread } from "../object/thread";
import { clamped } from "../base/speculation";
import {
  CAPTURE_ARENA_BYTES,
  CAPTURE_HANDLE_COUNT,
  CAPTURE_RECEIVE_ADDRESS,
  CAPTURE_RECEIVE_BYTES,
  CAPTURE_RECEIVE_HANDLES,
  CAPTURE_WORDS,
  CAPTURE_WORD_COUNT,
} from "../object/capture";
import { setWords } from "./registers";

const REGISTER_WORDS_MAX: u32 = REGISTER_WORDS;
/** What of a record the kernel reads in one piece: RECORD_WORD_COUNT up to the words from 4 on. */
const RECORD_HEAD_BYTES: u32 = RECORD_MORE_WORDS - RECORD_WORD_COUNT;

/**
 * Promises a record for what the thread will receive; it is read when a message needs it. The
 * thread's rdx must stay as it is until then.
 */
export function promiseRecord(thread: Thread): void {
  thread.isLong = true;
  thread.isRecordRead = false;
}

/** Takes the message that a thread sends, and where it takes an answer, into its capture buffer. */
export function captureMessage(thread: Thread, domain: Domain, header: u32): Status {
  const capture = thread.capture;
  thread.isLong = (header & HEADER_FLAG_LONG) !== 0;
  let words = header & HEADER_WORDS_MASK;
  if (words > REGISTER_WORDS_MAX) return Status.BadHeader;

  if (thread.isLong) {
    const status = captureHead(thread, domain);
    if (status !== Status.Ok) return status;
    words = load<u32>(capture, CAPTURE_WORD_COUNT);
    if (
      words > <u32>MESSAGE_WORDS_MAX ||
      load<u32>(capture, CAPTURE_HANDLE_COUNT) > <u32>MESSAGE_HANDLES_MAX ||
      load<u32>(capture, CAPTURE_ARENA_BYTES) > <u32>ARENA_BYTES_MAX
    ) {
      return Status.BadArgument;
    }
    words = clamped(words, MESSAGE_WORDS_MAX + 1);
    if (words > REGISTER_WORDS_MAX) {
      const more = (words - REGISTER_WORDS_MAX) << 3;
      if (
        !copyFromUser(domain, capture + CAPTURE_WORDS + 32, thread.record + RECORD_MORE_WORDS, more)
      )
        return Status.BadAddress;
    }
  } else {
    captureRegisters(thread);
    return Status.Ok;
  }
  captureWords(thread, words);
  return Status.Ok;
}

/**
 * Captures a message that is all in registers. They stay as they are while the thread waits for the
 * answer, so this may be done as long as it does, and gives what was sent.
 */
export function captureRegisters(thread: Thread): void {
  const capture = thread.capture;
  const words = <u32>thread.rsi & HEADER_WORDS_MASK;
  store<u32>(capture, words, CAPTURE_WORD_COUNT);
  store<u32>(capture, 0, CAPTURE_HANDLE_COUNT);
  store<u32>(capture, 0, CAPTURE_ARENA_BYTES);
  captureWords(thread, words);
}

function captureWords(thread: Thread, words: u32): void {
  const capture = thread.capture;
  store<u64>(capture, words > 0 ? thread.rbx : 0, CAPTURE_WORDS);
  store<u64>(capture, words > 1 ? thread.r12 : 0, CAPTURE_WORDS + 8);
  store<u64>(capture, words > 2 ? thread.r13 : 0, CAPTURE_WORDS + 16);
  store<u64>(capture, words > 3 ? thread.r14 : 0, CAPTURE_WORDS + 24);
}

/** Takes from a record only where to put what arrives. */
export function captureReceive(thread: Thread, domain: Domain, header: u32): Status {
  thread.isLong = (header & HEADER_FLAG_LONG) !== 0;
  return thread.isLong ? captureHead(thread, domain) : Status.Ok;
}

function captureHead(thread: Thread, domain: Domain): Status {
  const capture = thread.capture;
  const record = <u32>thread.rdx;
  if ((record & 7) !== 0 || record > u32.MAX_VALUE - RECORD_BYTES) return Status.BadAddress;
  if (!copyFromUser(domain, capture, record + RECORD_WORD_COUNT, RECORD_HEAD_BYTES))
    return Status.BadAddress;
  thread.isRecordRead = true;
  if (!canWrite(domain, record, RECORD_BYTES)) return Status.BadAddress;
  const handles = load<u32>(capture, CAPTURE_RECEIVE_HANDLES);
  if (handles > <u32>MESSAGE_HANDLES_MAX) return Status.BadArgument;
  thread.record = record;
  thread.receiveAddress = load<u32>(capture, CAPTURE_RECEIVE_ADDRESS);
  thread.receiveBytes = load<u32>(capture, CAPTURE_RECEIVE_BYTES);
  thread.receiveHandles = handles;
  return Status.Ok;
}

/** Whether a message of that size needs the receiver's record. */
function needsRecord(words: u32, handles: u32, arenaBytes: u32): bool {
  return words > REGISTER_WORDS_MAX || handles > 0 || arenaBytes > 0;
}

/**
 * Whether a message can be taken: Status.Ok, TooLong, or PeerFault if the record is no longer
 * writable.
 */
export function checkRoom(
  thread: Thread,
  domain: Domain,
  words: u32,
  handles: u32,
  arenaBytes: u32,
): Status {
  if (!needsRecord(words, handles, arenaBytes)) return Status.Ok;
  if (thread.isLong && !thread.isRecordRead && captureHead(thread, domain) !== Status.Ok)
    return Status.PeerFault;
  if (!thread.isLong || handles > thread.receiveHandles || arenaBytes > thread.receiveBytes)
    return Status.TooLong;
  return canWrite(domain, thread.record, RECORD_BYTES) ? Status.Ok : Status.PeerFault;
}

/** What goes to offset RECORD_WORD_COUNT: words, handles, arena bytes. */
const sizes: usize = memory.data(16, 8);

/**
 * Stores a message to a thread that waits for it: words 0..3 in registers, the rest in its record,
 * which has been found writable. `handles` is u32[handleCount]. Answers the flag that tells the
 * receiver of its record.
 */
export function storeMessage(
  thread: Thread,
  domain: Domain,
  words: usize,
  wordCount: u32,
  handles: usize,
  handleCount: u32,
  arenaBytes: u32,
): u32 {
  setWords(thread, words, wordCount);
  if (!thread.isLong) return 0;
  if (!needsRecord(wordCount, handleCount, arenaBytes)) return 0;
  store<u32>(sizes, wordCount);
  store<u32>(sizes, handleCount, 4);
  store<u32>(sizes, arenaBytes, 8);
  let stored = copyToUser(domain, thread.record + RECORD_WORD_COUNT, sizes, 12);
  if (handleCount > 0)
    stored =
      stored && copyToUser(domain, thread.record + RECORD_HANDLES, handles, handleCount << 2);
  if (wordCount > REGISTER_WORDS_MAX) {
    stored =
      stored &&
      copyToUser(
        domain,
        thread.record + RECORD_MORE_WORDS,
        words + 32,
        (wordCount - REGISTER_WORDS_MAX) << 3,
      );
  }
  assert(stored);
  return HEADER_FLAG_LONG;
}
