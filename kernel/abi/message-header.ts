// The header word as a record. AssemblyScript only, unlike the other files of this folder: the
// kernel and programs import it, the tools do not.

import {
  HEADER_INTERFACE_SHIFT,
  HEADER_METHOD_MASK,
  HEADER_METHOD_SHIFT,
  HEADER_WORDS_MASK,
  REGISTER_WORDS_MAX,
} from "./system-call";

if (REGISTER_WORDS_MAX !== 4) ERROR("a bit of a header no longer says that it has most words");

/** Interface and method, which the kernel passes on as they are. */
const NAMING_BITS: u32 =
  (0xffff << HEADER_INTERFACE_SHIFT) | (HEADER_METHOD_MASK << HEADER_METHOD_SHIFT);
/** The six flags, and bit 3, which is reserved. */
const FLAG_BITS: u32 = ~(NAMING_BITS | HEADER_WORDS_MASK);

/**
 * The header of a system call or of a message received (kernel/abi/system-call.ts has the bits).
 *
 * The reference is the word itself and points at nothing, so that a field costs a shift and a mask.
 */
@unmanaged
@final
export class MessageHeader {
  @inline
  static of(word: u32): MessageHeader {
    return changetype<MessageHeader>(<usize>word);
  }

  @inline
  get word(): u32 {
    return <u32>changetype<usize>(this);
  }
  /** Words of the message that travel in registers. Programs may write up to 7; 4 is the most. */
  @inline
  get registerWords(): u32 {
    return this.word & HEADER_WORDS_MASK;
  }
  /** True for four words, in a header whose number of words is at most 4. */
  @inline
  get hasFourWords(): bool {
    return (this.word & <u32>REGISTER_WORDS_MAX) !== 0;
  }
  @inline
  get method(): u32 {
    return (this.word >> HEADER_METHOD_SHIFT) & HEADER_METHOD_MASK;
  }
  @inline
  get interfaceId(): u32 {
    return this.word >> HEADER_INTERFACE_SHIFT;
  }
  /** HEADER_FLAG_…, and the reserved bit as it was set. */
  @inline
  get flags(): u32 {
    return this.word & FLAG_BITS;
  }
  @inline
  has(flag: u32): bool {
    return (this.word & flag) !== 0;
  }
  /** Interface and method alone. */
  @inline
  get naming(): MessageHeader {
    return MessageHeader.of(this.word & NAMING_BITS);
  }
  /**
   * The header that the receiver gets. `this` is a `naming`; `flags`: HEADER_FLAG_LONG if the
   * receiver's record was written.
   */
  @inline
  received(registerWords: u32, flags: u32): MessageHeader {
    return MessageHeader.of(this.word | registerWords | flags);
  }
}
