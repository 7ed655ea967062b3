// The three system calls. `record` is the address of a message record
// (kernel/abi/message-record.ts), aligned to 8: its first four words are sent, and all results are
// stored there. The return value is a Status.

/** Sends a request and waits for its answer. */
export declare function call(handle: u32, header: u32, record: usize, timeout: u64): u32;
/**
 * Sends a request of at most four words, whose words are parameters, and waits for an answer that
 * is as short. Stores the answer's first `answerWords` words at `record`, and nothing else.
 *
 * `header` and `answerWords` are constants: the code then has only the words that the two messages
 * have.
 */
export declare function callShort(
  handle: u32,
  header: u32,
  record: usize,
  timeout: u64,
  answerWords: u32,
  word0: u64,
  word1: u64,
  word2: u64,
  word3: u64,
): u32;
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
