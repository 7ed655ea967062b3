// What SHA-256 and SHA-512 have in common (FIPS 180-4, 5.1 and 5.2): a message is cut into blocks,
// and padded with a one bit, zeros and its length in bits to a whole number of blocks.

/**
 * Cuts a message that comes in pieces into blocks. The caller gives a piece with `give` and takes
 * blocks with `take` until it returns 0. `blockBytes` is the same for every call.
 *
 * The buffer for one block follows the fields: the record needs BLOCKS_BYTES + blockBytes bytes.
 */
@unmanaged
@final
export class MessageBlocks {
  /** Bytes of the message so far. */
  length: u64;
  /** Address of the piece's bytes that have not been taken, and how many they are. */
  next: usize;
  left: u32;

  @inline
  get buffer(): usize {
    return changetype<usize>(this) + offsetof<MessageBlocks>();
  }

  /** Begins a message. */
  reset(): void {
    this.length = 0;
  }

  /** Gives the next piece. All blocks of the piece before must have been taken. */
  give(data: usize, bytes: u32): void {
    this.next = data;
    this.left = bytes;
  }

  /**
   * Address of the next whole block, valid until the next call; 0 if the piece has been used up. A
   * rest shorter than a block is copied to the buffer.
   */
  take(blockBytes: u32): usize {
    const used = <u32>this.length & (blockBytes - 1);
    const missing = blockBytes - used;
    const block = this.next;
    const bytes = this.left < missing ? this.left : missing;
    this.length += <u64>bytes;
    this.next += bytes;
    this.left -= bytes;
    if (bytes === blockBytes) return block;
    memory.copy(this.buffer + used, block, bytes);
    return bytes === missing ? this.buffer : 0;
  }

  /**
   * Ends the message: pads the buffer, with room for a length of `lengthBytes` bytes. True if the
   * buffer is a whole block without the length; the caller then hashes it before `padLength`.
   */
  padEnd(blockBytes: u32, lengthBytes: u32): bool {
    const used = <u32>this.length & (blockBytes - 1);
    store<u8>(this.buffer + used, 0x80);
    memory.fill(this.buffer + used + 1, 0, blockBytes - used - 1);
    return used + 1 > blockBytes - lengthBytes;
  }

  /**
   * Fills the buffer with the last block. `isNew`: the padding began in a block before. The length
   * is below 2^61 bytes, so that its upper half, if it has one, is zero.
   */
  padLength(blockBytes: u32, isNew: bool): void {
    if (isNew) memory.fill(this.buffer, 0, blockBytes);
    store<u64>(this.buffer + blockBytes - 8, bswap<u64>(this.length << 3));
  }
}

/** Bytes of MessageBlocks before its buffer. */
export const BLOCKS_BYTES: u32 = 16;
if (offsetof<MessageBlocks>() !== BLOCKS_BYTES) ERROR("MessageBlocks has another size");
