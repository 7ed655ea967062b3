import { MESSAGE_CARRIED, MESSAGE_WORDS, Message } from "../monitor/monitor";

/**
 * The capture buffer of a thread: the fixed part of the message that it sends, taken once and never
 * read from the program again. What is judged is what stands here, and what stands here is what is
 * delivered. When the thread receives, its own message is over, and the sizes and handles of what
 * arrives are put here on their way to its record.
 *
 * The first 64 bytes are the message record's bytes 64..127 (kernel/abi/message-record.ts), so that
 * one copy fills them. The descriptions of the handles are filled before the judgement.
 */
@unmanaged
@final
export class Capture extends Message {
  arenaAddress: u32;
  receiveAddress: u32;
  receiveBytes: u32;
  receiveHandles: u32;
  spare: u32;

  /** Number of the n-th handle: sent, or received. */
  @inline
  handleNumber(index: u32): u32 {
    return load<u32>(changetype<usize>(this) + ((<usize>index) << 2), HANDLE_NUMBERS);
  }
  @inline
  setHandleNumber(index: u32, number: u32): void {
    store<u32>(changetype<usize>(this) + ((<usize>index) << 2), number, HANDLE_NUMBERS);
  }
  /** Address of the handles' numbers: u32[4]. */
  @inline
  get handleNumbers(): usize {
    return changetype<usize>(this) + HANDLE_NUMBERS;
  }
  /** Rights that the sender gives with the n-th handle. */
  @inline
  handleRights(index: u32): u32 {
    return load<u32>(changetype<usize>(this) + ((<usize>index) << 2), HANDLE_RIGHTS);
  }
  /** Sizes of a message that is all in registers. */
  @inline
  setPlain(words: u32): void {
    this.wordCount = words;
    this.handleCount = 0;
    this.arenaBytes = 0;
  }
}

const HANDLE_NUMBERS: usize = 32;
const HANDLE_RIGHTS: usize = 48;
/** 64 words follow the descriptions of 4 handles. */
export const CAPTURE_BYTES: usize = MESSAGE_WORDS + 64 * 8;

if (offsetof<Capture>() !== HANDLE_NUMBERS) ERROR("a capture's fields do not end at its handles");
if (HANDLE_RIGHTS + 16 !== MESSAGE_CARRIED)
  ERROR("a capture's rights do not end at MESSAGE_CARRIED");
