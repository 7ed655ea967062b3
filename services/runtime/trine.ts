// The three system calls. `record` is the address of a message record
// (kernel/abi/message-record.ts), aligned to 8: its first four words are sent, and all results are
// stored there. The return value is a Status.

/** Sends a request and waits for its answer. */
export declare function call(handle: u32, header: u32, record: usize, timeout: u64): u32;
/**
 * Waits for a message or notice bits at an inbox. `flags`: HEADER_FLAG_LONG,
 * HEADER_FLAG_KEEP_MASKED.
 */
export declare function recv(inbox: u32, flags: u32, record: usize, timeout: u64): u32;
/** Answers a call; with HEADER_FLAG_RECEIVE then receives at `inbox` like recv. */
export declare function reply(
  token: u64,
  header: u32,
  record: usize,
  inbox: u32,
  timeout: u64,
): u32;

// The same in registers alone, for messages of at most four words: the words are parameters, and
// `result` has what came back. Where `header` is a constant, the code has only the words that the
// header counts. The value is a Status, extended.

/** As `call`. */
export declare function callShort(
  handle: u32,
  header: u32,
  timeout: u64,
  word0: u64,
  word1: u64,
  word2: u64,
  word3: u64,
): u64;
/**
 * As `reply`. The record is only for a long message that is received, and 0 if the receiver takes
 * none.
 */
export declare function replyShort(
  token: u64,
  header: u32,
  record: usize,
  inbox: u32,
  timeout: u64,
  word0: u64,
  word1: u64,
  word2: u64,
  word3: u64,
): u64;
/**
 * What the short system call returned that stands right before. `which`, a constant, is one of
 * SystemCallResult. A word beyond the header's count is what its register held.
 */
export declare function result(which: u32): u64;
