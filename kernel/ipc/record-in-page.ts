// A message record that lies in one page, as most do: one lookup reaches it whole. For the short
// paths, which leave every other record to the slow path. capture.ts and delivery.ts say what a
// record means.

import {
  RECORD_ARENA_BYTES,
  RECORD_BYTES,
  RECORD_HANDLES,
  RECORD_MORE_WORDS,
  RECORD_WORD_COUNT,
} from "../abi/message-record";
import {
  ARENA_BYTES_MAX,
  MESSAGE_HANDLES_MAX,
  MESSAGE_WORDS_MAX,
  REGISTER_WORDS_MAX as REGISTER_WORDS,
} from "../abi/system-call";
import { LinearMemory } from "../memory/address-space";
import { Domain } from "../object/domain";
import { Thread } from "../object/thread";
import {
  copyIn,
  copyOut,
  copyPhysical,
  storePhysical32,
  storePhysical64,
} from "../x64/physical-memory";
import { Arguments } from "./registers";

const REGISTER_WORDS_MAX: u32 = REGISTER_WORDS;
/** The fields of a record from its sizes up to the handles. */
const SIZES_BYTES: u32 = RECORD_HANDLES - RECORD_WORD_COUNT;

/** The place is the record's physical address. Valid until a page of its domain is unmapped. */
export class RecordInPage {
  /** The place of a record; 0 if the slow path must look for it. Backs its page. */
  @inline
  static find(domain: Domain, record: u32): u64 {
    // No record ends at the end of a page: of those, the last of all is refused.
    return (record & 7) === 0 && (record & 4095) < 4096 - RECORD_BYTES
      ? LinearMemory.reach(domain, record, true)
      : 0;
  }

  /**
   * Takes the sizes of the message that a thread sends, and where it receives. False, and the slow
   * path must look again, if the message has handles or anything is wrong.
   */
  @inline
  static captureSizes(sender: Thread, record: u32, place: u64): bool {
    if (!RecordInPage.readReceive(sender, record, place)) return false;
    const capture = sender.capture;
    return (
      capture.wordCount <= <u32>MESSAGE_WORDS_MAX &&
      capture.handleCount === 0 &&
      capture.arenaBytes <= <u32>ARENA_BYTES_MAX
    );
  }

  /**
   * Reads the sizes, which are of no meaning for a receiver, to the thread's capture, and where
   * what arrives goes. False if the slow path must look at it.
   */
  @inline
  static readReceive(thread: Thread, record: u32, place: u64): bool {
    const capture = thread.capture;
    copyIn(changetype<usize>(capture), place + RECORD_WORD_COUNT, SIZES_BYTES);
    const handles = capture.receiveHandles;
    if (handles > <u32>MESSAGE_HANDLES_MAX) return false;
    thread.isLong = true;
    thread.isRecordRead = true;
    thread.record = record;
    thread.receiveAddress = capture.receiveAddress;
    thread.receiveBytes = capture.receiveBytes;
    thread.receiveHandles = handles;
    return true;
  }

  /** Copies the words that are in no register to the sender's capture. */
  @inline
  static captureWords(sender: Thread, place: u64, words: u32): void {
    if (words > REGISTER_WORDS_MAX)
      copyIn(moreWords(sender), place + RECORD_MORE_WORDS, (words - REGISTER_WORDS_MAX) << 3);
  }

  /**
   * The place where a thread that waits takes a message that needs its record; 0 if the slow path
   * must look at it.
   */
  @inline
  static ofReceiver(receiver: Thread, arenaBytes: u32): u64 {
    if (!receiver.isLong) return 0;
    const place = receiver.isRecordRead
      ? RecordInPage.find(changetype<Domain>(receiver.domain), receiver.record)
      : RecordInPage.promised(receiver);
    return arenaBytes <= receiver.receiveBytes ? place : 0;
  }

  /** The place of a record that was promised, which is read now. */
  private static promised(receiver: Thread): u64 {
    const record = Arguments.of(receiver).record;
    const place = RecordInPage.find(changetype<Domain>(receiver.domain), record);
    return place !== 0 && RecordInPage.readReceive(receiver, record, place) ? place : 0;
  }

  /** Stores the sizes of a message without handles. */
  @inline
  static storeSizes(place: u64, words: u32, arenaBytes: u32): void {
    storePhysical64(place + RECORD_WORD_COUNT, <u64>words);
    storePhysical32(place + RECORD_ARENA_BYTES, arenaBytes);
  }

  /** Stores captured words: those from the fifth on, of which there is one at least. */
  @inline
  static storeWords(place: u64, sender: Thread, words: u32): void {
    copyOut(place + RECORD_MORE_WORDS, moreWords(sender), (words - REGISTER_WORDS_MAX) << 3);
  }

  /** Copies words from the sender's record, as `storeWords` does from its capture. */
  @inline
  static moveWords(place: u64, from: u64, sender: Thread, words: u32): void {
    if ((place ^ from) >> 12 !== 0) {
      const bytes = (words - REGISTER_WORDS_MAX) << 3;
      copyPhysical(place + RECORD_MORE_WORDS, from + RECORD_MORE_WORDS, bytes);
    } else {
      // Two records in one page may overlap.
      RecordInPage.captureWords(sender, from, words);
      RecordInPage.storeWords(place, sender, words);
    }
  }
}

function moreWords(thread: Thread): usize {
  return thread.capture.words + (REGISTER_WORDS_MAX << 3);
}
