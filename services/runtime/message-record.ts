// The message record of kernel/abi/message-record.ts with named fields, for programs that fill one
// in or read one themselves. Stubs do so for all others.

import {
  RECORD_ARENA_ADDRESS,
  RECORD_ARENA_BYTES,
  RECORD_BADGE,
  RECORD_BYTES,
  RECORD_CALLER,
  RECORD_HANDLES,
  RECORD_HANDLE_COUNT,
  RECORD_HANDLE_RIGHTS,
  RECORD_HEADER,
  RECORD_MORE_WORDS,
  RECORD_RECEIVE_ADDRESS,
  RECORD_RECEIVE_BYTES,
  RECORD_RECEIVE_HANDLES,
  RECORD_TOKEN,
  RECORD_WORD_COUNT,
} from "../../kernel/abi/message-record";
import { REGISTER_WORDS_MAX } from "../../kernel/abi/system-call";

/** A view of the RECORD_BYTES bytes at its address, which is a multiple of 8. */
@unmanaged
export class MessageRecord {
  /** The first four words; `word` and `setWord` reach all. */
  word0: u64;
  word1: u64;
  word2: u64;
  word3: u64;

  /** Written by the kernel when a message arrives, as are the fields down to `callerSlot`. */
  token: u64;
  badge: u64;
  header: u32;
  padding: u32;
  callerClass: u32;
  callerSlot: u32;

  // From here on the kernel reads and writes the record only of a long message.
  /** Words in all, at most 64. */
  wordCount: u32;
  /** Handles sent or received, at most 4. */
  handleCount: u32;
  arenaBytes: u32;
  /** Where the arena to send lies. */
  arenaAddress: u32;
  /** Where the arena of the answer or of the next request is put, and the room there. */
  receiveAddress: u32;
  receiveBytes: u32;
  /** Handles that the receiver takes, at most 4. */
  receiveHandles: u32;

  @inline static at(address: usize): MessageRecord {
    return changetype<MessageRecord>(address);
  }

  @inline get address(): usize {
    return changetype<usize>(this);
  }

  word(index: u32): u64 {
    return load<u64>(this.address + wordOffset(index));
  }

  setWord(index: u32, value: u64): void {
    store<u64>(this.address + wordOffset(index), value);
  }

  /** The handle sent or received at place `index`, 0 to 3. */
  handle(index: u32): u32 {
    return load<u32>(this.address + (index << 2), RECORD_HANDLES);
  }

  /** Puts a handle at place `index`, 0 to 3, with the rights that the receiver gets. */
  setHandle(index: u32, handle: u32, rights: u32): void {
    store<u32>(this.address + (index << 2), handle, RECORD_HANDLES);
    store<u32>(this.address + (index << 2), rights, RECORD_HANDLE_RIGHTS);
  }

  /** Nothing to send, and no room for what is received. The words stay. */
  clearLong(): void {
    memory.fill(this.address + RECORD_WORD_COUNT, 0, RECORD_MORE_WORDS - RECORD_WORD_COUNT);
  }

  clear(): void {
    memory.fill(this.address, 0, RECORD_BYTES);
  }
}

/** Byte offset of word `index` in a record. */
export function wordOffset(index: u32): u32 {
  return index < <u32>REGISTER_WORDS_MAX
    ? index << 3
    : RECORD_MORE_WORDS + ((index - REGISTER_WORDS_MAX) << 3);
}

if (
  offsetof<MessageRecord>("token") !== RECORD_TOKEN ||
  offsetof<MessageRecord>("badge") !== RECORD_BADGE ||
  offsetof<MessageRecord>("header") !== RECORD_HEADER ||
  offsetof<MessageRecord>("callerClass") !== RECORD_CALLER ||
  offsetof<MessageRecord>("wordCount") !== RECORD_WORD_COUNT ||
  offsetof<MessageRecord>("handleCount") !== RECORD_HANDLE_COUNT ||
  offsetof<MessageRecord>("arenaBytes") !== RECORD_ARENA_BYTES ||
  offsetof<MessageRecord>("arenaAddress") !== RECORD_ARENA_ADDRESS ||
  offsetof<MessageRecord>("receiveAddress") !== RECORD_RECEIVE_ADDRESS ||
  offsetof<MessageRecord>("receiveBytes") !== RECORD_RECEIVE_BYTES ||
  offsetof<MessageRecord>("receiveHandles") !== RECORD_RECEIVE_HANDLES
)
  ERROR("MessageRecord is not laid out as kernel/abi/message-record.ts says");
