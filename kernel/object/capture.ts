// The capture buffer of a thread: the fixed part of the message that it sends, taken once and never
// read from the program again. What is judged is what stands here, and what stands here is what is
// delivered.
//
// Its first 64 bytes are the message record's bytes 64..127 (kernel/abi/message-record.ts), so that
// one copy fills them. What the monitor reads of it is `Message` in kernel/monitor/question.ts.

import { MESSAGE_CARRIED, MESSAGE_WORDS, Message } from "../monitor/monitor";

export const CAPTURE_WORD_COUNT: usize = 0;
export const CAPTURE_HANDLE_COUNT: usize = 4;
export const CAPTURE_ARENA_BYTES: usize = 8;
export const CAPTURE_ARENA_ADDRESS: usize = 12;
export const CAPTURE_RECEIVE_ADDRESS: usize = 16;
export const CAPTURE_RECEIVE_BYTES: usize = 20;
export const CAPTURE_RECEIVE_HANDLES: usize = 24;
/** u32[4] */
export const CAPTURE_HANDLES: usize = 32;
/** u32[4] */
export const CAPTURE_HANDLE_RIGHTS: usize = 48;
/** A CarriedHandle for each handle. Filled before the judgement. */
const CAPTURE_CARRIED: usize = 64;
/** u64[64] */
export const CAPTURE_WORDS: usize = 128;
export const CAPTURE_BYTES: usize = 640;

if (
  offsetof<Message>("wordCount") !== CAPTURE_WORD_COUNT ||
  offsetof<Message>("handleCount") !== CAPTURE_HANDLE_COUNT ||
  offsetof<Message>("arenaBytes") !== CAPTURE_ARENA_BYTES ||
  MESSAGE_CARRIED !== CAPTURE_CARRIED ||
  MESSAGE_WORDS !== CAPTURE_WORDS
)
  ERROR("the monitor would read another message than the one that was captured");
