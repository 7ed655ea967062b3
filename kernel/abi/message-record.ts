// The message record in a program's linear memory: what the intrinsics `trine.call`, `recv` and
// `reply` load words from and store results to (offsets 0..55), and where the kernel finds the rest
// of a long message (offsets 64 and up). The record is aligned to 8. The kernel touches it only if
// HEADER_FLAG_LONG is set.

export const RECORD_WORD0 = 0;
export const RECORD_WORD1 = 8;
export const RECORD_WORD2 = 16;
export const RECORD_WORD3 = 24;
/** u64, out: reply token of a received call. */
export const RECORD_TOKEN = 32;
/** u64, out: badge of the handle that the caller used. */
export const RECORD_BADGE = 40;
/** u32, out: header of the message received. */
export const RECORD_HEADER = 48;
/** u64 at 56, out: caller's security id (low half), caller's slot (high half). */
export const RECORD_CALLER = 56;

/** u32, in and out: words of the message in all, 0..64. The first four are at offset 0. */
export const RECORD_WORD_COUNT = 64;
/** u32, in: handles sent, 0..4; out: handles received. */
export const RECORD_HANDLE_COUNT = 68;
/** u32, in: bytes of arena sent; out: bytes received. */
export const RECORD_ARENA_BYTES = 72;
/** u32, in: address of the arena to send. */
export const RECORD_ARENA_ADDRESS = 76;
/** u32, in: address to receive an arena at. */
export const RECORD_RECEIVE_ADDRESS = 80;
/** u32, in: bytes free there. A longer arena fails with TooLong and is not delivered. */
export const RECORD_RECEIVE_BYTES = 84;
/** u32, in: handles that the receiver accepts, 0..4. A message with more fails with TooLong. */
export const RECORD_RECEIVE_HANDLES = 88;
/** u32[4], in: numbers of the handles sent; out: numbers of those received. */
export const RECORD_HANDLES = 96;
/** u32[4], in: rights that the receiver gets, a subset of the sender's. */
export const RECORD_HANDLE_RIGHTS = 112;
/** u64[60]: words 4..63. */
export const RECORD_MORE_WORDS = 128;
export const RECORD_BYTES = 608;
