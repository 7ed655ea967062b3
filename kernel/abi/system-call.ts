// The three system calls: registers, header word, flags. Numbers only, so that the kernel, programs
// and the toolchain can all import this file. A change here is a change of ABI_VERSION.
//
// Entry is the `syscall` instruction.
//
//   in   rax  operation (SystemCall)
//        rdi  handle (call) or token (reply)
//        esi  header
//        r10  inbox handle (recv, and reply with HEADER_FLAG_RECEIVE)
//        r9   timeout in nanoseconds; 0 waits without limit, TIMEOUT_POLL does not wait
//        edx  address of the message record, where HEADER_FLAG_LONG or HEADER_FLAG_RECORD is set
//        rbx, r12, r13, r14   words 0..3
//   out  eax  Status
//        rdi  reply token (recv)
//        esi  header of the message received
//        rdx  badge (recv)
//        r8d  caller's security id (recv, low half) and caller's slot (high half)
//        rbx, r12, r13, r14   words 0..3
//
// Every other register is dead across the call in user code and zero on return.

export const ABI_VERSION = 1;

export enum SystemCall {
  Call = 0,
  Recv = 1,
  Reply = 2,
}

/** What a system call returns beside its status. The words are the last. */
export enum SystemCallResult {
  Token = 0,
  Header = 1,
  Badge = 2,
  Caller = 3,
  Word0 = 4,
  Word1 = 5,
  Word2 = 6,
  Word3 = 7,
}

/** Waits without limit. */
export const TIMEOUT_NONE = 0;
/** One nanosecond: has always passed, so the operation never blocks. */
export const TIMEOUT_POLL = 1;

// The header word:
//   bits  0..2   words in registers, 0..4
//   bit   3      zero
//   bits  4..9   method
//   bits 10..15  flags
//   bits 16..31  interface
export const HEADER_WORDS_MASK = 7;
export const HEADER_METHOD_SHIFT = 4;
export const HEADER_METHOD_MASK = 63;
export const HEADER_INTERFACE_SHIFT = 16;

/**
 * The message has more than four words, handles or an arena: edx is the address of its record. On
 * recv: a record is ready for one.
 */
export const HEADER_FLAG_LONG = 1 << 10;
/** reply: receive the next message in the same trap. */
export const HEADER_FLAG_RECEIVE = 1 << 11;
/**
 * reply: word 0 is an error number of the interface; judged as event `error`. The caller gets
 * Status.ErrorReply.
 */
export const HEADER_FLAG_ERROR = 1 << 12;
/** reply: pass the pending call on to the endpoint whose handle is word 0. */
export const HEADER_FLAG_FORWARD = 1 << 13;
/** recv: leave masked the interrupts that this inbox has delivered. */
export const HEADER_FLAG_KEEP_MASKED = 1 << 14;
/**
 * reply with HEADER_FLAG_RECEIVE: edx is the address of a record for what is received, though the
 * answer itself needs none.
 */
export const HEADER_FLAG_RECORD = 1 << 15;

/** Words that travel in registers. */
export const REGISTER_WORDS_MAX = 4;
/**
 * Words of a message in all. 64 words and the header are what one capture buffer of 640 bytes
 * holds.
 */
export const MESSAGE_WORDS_MAX = 64;
/** Handles that one message may carry. */
export const MESSAGE_HANDLES_MAX = 4;
/** Bytes of an arena: bounds the one uninterruptible copy of a message. */
export const ARENA_BYTES_MAX = 65536;

// A handle number: index in the low half, generation in the high half. A number with index 0 is
// never valid.
export const HANDLE_INDEX_MASK = 0xffff;
export const HANDLE_GENERATION_SHIFT = 16;
/** Initial handles have generation 1, so their numbers are known when a program is built. */
export const INITIAL_GENERATION = 1;

// A reply token: caller's thread slot in the low 16 bits, above it its call sequence, which no
// program lives to use up.
export const TOKEN_THREAD_MASK = 0xffff;
export const TOKEN_SEQUENCE_SHIFT = 16;

// Handles that every domain finds in its table when it starts; what its manifest names follows from
// HANDLE_INDEX_FIRST_NAMED on.
export const HANDLE_INDEX_DOMAIN = 1;
export const HANDLE_INDEX_INBOX = 2;
export const HANDLE_INDEX_THREAD = 3;
export const HANDLE_INDEX_FIRST_NAMED = 4;
