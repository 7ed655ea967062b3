// Delivery: a captured and judged message reaches the thread that waits for it. `prepareDelivery`
// does everything that can fail; `deliver`, which follows it, cannot fail.

import { MessageHeader } from "../abi/message-header";
import {
  RECORD_ARENA_BYTES,
  RECORD_BYTES,
  RECORD_HANDLE_COUNT,
  RECORD_HANDLES,
  RECORD_MORE_WORDS,
  RECORD_WORD_COUNT,
} from "../abi/message-record";
import { Status } from "../abi/status";
import { HEADER_FLAG_LONG, REGISTER_WORDS_MAX as REGISTER_WORDS } from "../abi/system-call";
import { addHandle, findHandle, handleNumber, prepareHandles } from "../handle/table";
import {
  CopyResult,
  canWrite,
  copyBetween,
  copyToUser,
  writablePlace,
} from "../memory/user-memory";
import { Domain } from "../object/domain";
import { Thread } from "../object/thread";
import { copyOut, storePhysical32 } from "../x64/physical-memory";
import { captureRecordHead } from "./capture";
import { RegisterWords } from "./registers";

const REGISTER_WORDS_MAX: u32 = REGISTER_WORDS;
/** Sizes of a message: the words from RECORD_WORD_COUNT on. */
const SIZES_BYTES: u32 = 12;

/**
 * Does everything of a delivery that can fail: makes sure that the receiver's record and handle
 * table have room, and copies the arena, once, straight from sender to receiver. A program that
 * changes its own memory meanwhile harms only itself. With `isTrial` nothing is copied.
 *
 * Returns Ok; TooLong or NoSpace if the receiver has no room; BadAddress if the sender's arena is
 * not readable; PeerFault if the receiver's record or buffer is not writable any more.
 */
export function prepareDelivery(
  sender: Thread,
  senderDomain: Domain,
  receiver: Thread,
  receiverDomain: Domain,
  isTrial: bool,
): Status {
  const capture = sender.capture;
  const handles = capture.handleCount;
  const arenaBytes = capture.arenaBytes;
  if (!needsRecord(capture.wordCount, handles, arenaBytes)) return Status.Ok;
  const room = checkRecord(receiver, receiverDomain, handles, arenaBytes);
  if (room !== Status.Ok) return room;
  if (handles > 0 && !prepareHandles(receiverDomain, handles)) return Status.NoSpace;
  if (arenaBytes === 0) return Status.Ok;
  const copied = copyBetween(
    receiverDomain,
    receiver.receiveAddress,
    senderDomain,
    capture.arenaAddress,
    arenaBytes,
    isTrial,
  );
  if (copied === CopyResult.Done) return Status.Ok;
  return copied === CopyResult.BadSource ? Status.BadAddress : Status.PeerFault;
}

/**
 * Delivers the words and handles of the sender's capture. `prepareDelivery` has returned Ok for the
 * two threads just before. `naming`: the call's interface and method. Returns the header that the
 * receiver gets; the caller sets the other registers of the result.
 */
export function deliver(
  sender: Thread,
  senderDomain: Domain,
  receiver: Thread,
  receiverDomain: Domain,
  naming: MessageHeader,
): MessageHeader {
  const capture = sender.capture;
  const handles = capture.handleCount;
  for (let i: u32 = 0; i < handles; i++) {
    // `describeHandles` has found the handle.
    const entry = findHandle(senderDomain, capture.handleNumber(i))!;
    const given = addHandle(
      receiverDomain,
      entry.object!,
      <u32>entry.type,
      entry.rights & capture.handleRights(i),
      entry.badge,
      entry.interfaceId,
      entry.classId,
      entry,
    );
    receiver.capture.setHandleNumber(i, handleNumber(given));
  }
  return storeMessage(
    receiver,
    receiverDomain,
    capture.words,
    capture.wordCount,
    handles,
    capture.arenaBytes,
    naming,
  );
}

/**
 * Checks that a thread can take a message of that size: Ok, TooLong, or PeerFault if its record is
 * not writable any more.
 */
export function checkRoom(
  receiver: Thread,
  domain: Domain,
  words: u32,
  handles: u32,
  arenaBytes: u32,
): Status {
  return needsRecord(words, handles, arenaBytes)
    ? checkRecord(receiver, domain, handles, arenaBytes)
    : Status.Ok;
}

/** As `checkRoom`, for a message that needs the receiver's record. */
function checkRecord(receiver: Thread, domain: Domain, handles: u32, arenaBytes: u32): Status {
  if (!receiver.isLong) return Status.TooLong;
  if (!receiver.isRecordRead && captureRecordHead(receiver, domain) !== Status.Ok)
    return Status.PeerFault;
  if (handles > receiver.receiveHandles || arenaBytes > receiver.receiveBytes)
    return Status.TooLong;
  return canWrite(domain, receiver.record, RECORD_BYTES) ? Status.Ok : Status.PeerFault;
}

/**
 * Stores a message to a thread that `checkRoom` has found able to take it: words 0..3 to its
 * registers, the rest to its record. The numbers of the handles are in the thread's own capture,
 * which a receiver needs for nothing else. Returns the header that the thread gets.
 */
export function storeMessage(
  receiver: Thread,
  domain: Domain,
  words: usize,
  wordCount: u32,
  handleCount: u32,
  arenaBytes: u32,
  naming: MessageHeader,
): MessageHeader {
  const registerWords = wordCount < REGISTER_WORDS_MAX ? wordCount : REGISTER_WORDS_MAX;
  RegisterWords.of(receiver).loadFrom(words, wordCount);
  if (!receiver.isLong || !needsRecord(wordCount, handleCount, arenaBytes))
    return naming.received(registerWords, 0);

  const moreWords = words + (REGISTER_WORDS_MAX << 3);
  const moreBytes = wordCount > REGISTER_WORDS_MAX ? (wordCount - REGISTER_WORDS_MAX) << 3 : 0;
  const place = writablePlace(domain, receiver.record, RECORD_BYTES);
  if (place === 0) {
    storeByPages(receiver, domain, moreWords, moreBytes, wordCount, handleCount, arenaBytes);
    return naming.received(registerWords, HEADER_FLAG_LONG);
  }
  storePhysical32(place + RECORD_WORD_COUNT, wordCount);
  storePhysical32(place + RECORD_HANDLE_COUNT, handleCount);
  storePhysical32(place + RECORD_ARENA_BYTES, arenaBytes);
  if (handleCount > 0)
    copyOut(place + RECORD_HANDLES, receiver.capture.handleNumbers, handleCount << 2);
  if (moreBytes > 0) copyOut(place + RECORD_MORE_WORDS, moreWords, moreBytes);
  return naming.received(registerWords, HEADER_FLAG_LONG);
}

/** Stores a message to a record that lies in more than one page. */
function storeByPages(
  receiver: Thread,
  domain: Domain,
  moreWords: usize,
  moreBytes: u32,
  wordCount: u32,
  handleCount: u32,
  arenaBytes: u32,
): void {
  const record = receiver.record;
  const capture = receiver.capture;
  capture.wordCount = wordCount;
  capture.handleCount = handleCount;
  capture.arenaBytes = arenaBytes;
  let isStored = copyToUser(
    domain,
    record + RECORD_WORD_COUNT,
    changetype<usize>(capture),
    SIZES_BYTES,
  );
  if (handleCount > 0)
    isStored =
      isStored &&
      copyToUser(domain, record + RECORD_HANDLES, capture.handleNumbers, handleCount << 2);
  if (moreBytes > 0)
    isStored = isStored && copyToUser(domain, record + RECORD_MORE_WORDS, moreWords, moreBytes);
  assert(isStored);
}

function needsRecord(words: u32, handles: u32, arenaBytes: u32): bool {
  return words > REGISTER_WORDS_MAX || handles > 0 || arenaBytes > 0;
}
