// The capture: the fixed part of a message is taken from its sender once.

import { MessageHeader } from "../abi/message-header";
import { RECORD_BYTES, RECORD_MORE_WORDS, RECORD_WORD_COUNT } from "../abi/message-record";
import { RIGHT_TRANSFER } from "../abi/object";
import { Status } from "../abi/status";
import {
  ARENA_BYTES_MAX,
  HEADER_FLAG_LONG,
  MESSAGE_HANDLES_MAX,
  MESSAGE_WORDS_MAX,
  REGISTER_WORDS_MAX as REGISTER_WORDS,
} from "../abi/system-call";
import { clamped } from "../base/speculation";
import { findHandle, hasRights, isOfDyingMemory } from "../handle/table";
import { canWrite, copyFromUser, writablePlace } from "../memory/user-memory";
import { Domain } from "../object/domain";
import { Thread } from "../object/thread";
import { copyIn } from "../x64/physical-memory";
import { Arguments, RegisterWords } from "./registers";

const REGISTER_WORDS_MAX: u32 = REGISTER_WORDS;
/**
 * The part of a record that the kernel reads at once: RECORD_WORD_COUNT up to the words from 4 on.
 */
const RECORD_HEAD_BYTES: u32 = RECORD_MORE_WORDS - RECORD_WORD_COUNT;

/**
 * Copies the message that a thread sends to its capture buffer, and reads where its answer goes.
 */
export function captureMessage(sender: Thread, domain: Domain, header: MessageHeader): Status {
  sender.isLong = header.has(HEADER_FLAG_LONG);
  if (header.registerWords > REGISTER_WORDS_MAX) return Status.BadHeader;
  if (!sender.isLong) {
    captureRegisters(sender);
    return Status.Ok;
  }

  const place = recordPlace(sender, domain);
  const status = captureHeadAt(place, sender, domain);
  if (status !== Status.Ok) return status;
  const capture = sender.capture;
  if (
    capture.wordCount > <u32>MESSAGE_WORDS_MAX ||
    capture.handleCount > <u32>MESSAGE_HANDLES_MAX ||
    capture.arenaBytes > <u32>ARENA_BYTES_MAX
  )
    return Status.BadArgument;
  const words = clamped(capture.wordCount, MESSAGE_WORDS_MAX + 1);
  RegisterWords.of(sender).storeTo(capture.words, words);
  if (words <= REGISTER_WORDS_MAX) return Status.Ok;
  const to = capture.words + (REGISTER_WORDS_MAX << 3);
  const bytes = (words - REGISTER_WORDS_MAX) << 3;
  if (place !== 0) {
    copyIn(to, place + RECORD_MORE_WORDS, bytes);
    return Status.Ok;
  }
  return copyFromUser(domain, to, sender.record + RECORD_MORE_WORDS, bytes)
    ? Status.Ok
    : Status.BadAddress;
}

/**
 * Captures a message that is all in registers. The registers cannot change until the reply, so this
 * may be called at any time before it.
 */
export function captureRegisters(sender: Thread): void {
  const words = Arguments.of(sender).header.registerWords;
  sender.capture.setPlain(words);
  RegisterWords.of(sender).storeTo(sender.capture.words, words);
}

/** Reads from a thread's record only where an arriving message goes. */
export function captureReceive(thread: Thread, domain: Domain, header: MessageHeader): Status {
  thread.isLong = header.has(HEADER_FLAG_LONG);
  return thread.isLong ? captureRecordHead(thread, domain) : Status.Ok;
}

/**
 * Notes that the thread has a record for what it will receive. The record is read when a message
 * needs it, so the thread's rdx must stay as it is until then.
 */
export function promiseRecord(thread: Thread): void {
  thread.isLong = true;
  thread.isRecordRead = false;
}

/** Reads the record of a thread with `isLong`: sizes, handles, and where to put what arrives. */
export function captureRecordHead(thread: Thread, domain: Domain): Status {
  return captureHeadAt(recordPlace(thread, domain), thread, domain);
}

/**
 * Physical address of a thread's record if the record lies in one page, as most do, and the program
 * may write the page. 0 for any other record: those, and what is wrong with them, are found with
 * copies page by page.
 */
function recordPlace(thread: Thread, domain: Domain): u64 {
  const record = Arguments.of(thread).record;
  return isRecordAddress(record) ? writablePlace(domain, record, RECORD_BYTES) : 0;
}

function isRecordAddress(record: u32): bool {
  return (record & 7) === 0 && record <= u32.MAX_VALUE - RECORD_BYTES;
}

/** As `captureRecordHead`. `place`: the result of `recordPlace`. */
function captureHeadAt(place: u64, thread: Thread, domain: Domain): Status {
  const capture = thread.capture;
  const record = Arguments.of(thread).record;
  if (place !== 0) {
    copyIn(changetype<usize>(capture), place + RECORD_WORD_COUNT, RECORD_HEAD_BYTES);
  } else if (
    !isRecordAddress(record) ||
    !copyFromUser(
      domain,
      changetype<usize>(capture),
      record + RECORD_WORD_COUNT,
      RECORD_HEAD_BYTES,
    ) ||
    !canWrite(domain, record, RECORD_BYTES)
  ) {
    return Status.BadAddress;
  }
  if (capture.receiveHandles > <u32>MESSAGE_HANDLES_MAX) return Status.BadArgument;
  thread.record = record;
  thread.receiveAddress = capture.receiveAddress;
  thread.receiveBytes = capture.receiveBytes;
  thread.receiveHandles = capture.receiveHandles;
  // Only now: a record that was refused is read, and refused, again.
  thread.isRecordRead = true;
  return Status.Ok;
}

/**
 * Finds the handles that a captured message carries, and describes them in the capture for the
 * monitor.
 */
export function describeHandles(sender: Thread, domain: Domain): Status {
  const capture = sender.capture;
  const count = capture.handleCount;
  for (let i: u32 = 0; i < count; i++) {
    const entry = findHandle(domain, capture.handleNumber(i));
    if (entry === null || isOfDyingMemory(entry)) return Status.BadHandle;
    if (!hasRights(entry, RIGHT_TRANSFER | capture.handleRights(i))) return Status.NoRight;
    const described = capture.handle(i);
    described.type = <u32>entry.type;
    described.interfaceId = entry.interfaceId;
    described.classId = entry.classId;
  }
  return Status.Ok;
}
