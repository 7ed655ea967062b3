// SHA-256 (FIPS 180-4), a piece at a time. The caller provides the context; about 4,000
// instructions for a block of 64 bytes.

import { BLOCKS_BYTES, MessageBlocks } from "./message-blocks";

// A context: the state, u32[8], then MessageBlocks and its buffer.
const STATE_BYTES: u32 = 32;
const BLOCK_BYTES: u32 = 64;
/** Bytes of the message's length in the padding. */
const LENGTH_BYTES: u32 = 8;
export const SHA256_CONTEXT_BYTES: u32 = STATE_BYTES + BLOCKS_BYTES + BLOCK_BYTES;

const ROUND_CONSTANTS: usize = memory.data<u32>(
  [
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
  ],
  8,
);
/** The message schedule. One for all contexts: a block is never interrupted. */
const schedule: usize = memory.data(256, 8);

export function sha256Begin(context: usize): void {
  store<u32>(context + 0, 0x6a09e667);
  store<u32>(context + 4, 0xbb67ae85);
  store<u32>(context + 8, 0x3c6ef372);
  store<u32>(context + 12, 0xa54ff53a);
  store<u32>(context + 16, 0x510e527f);
  store<u32>(context + 20, 0x9b05688c);
  store<u32>(context + 24, 0x1f83d9ab);
  store<u32>(context + 28, 0x5be0cd19);
  blocksOf(context).reset();
}

/**
 * Takes the next bytes. Cost: one block per 64 bytes; the caller bounds `bytes` for its own step.
 */
export function sha256Update(context: usize, data: usize, bytes: u32): void {
  const blocks = blocksOf(context);
  blocks.give(data, bytes);
  for (let block = blocks.take(BLOCK_BYTES); block !== 0; block = blocks.take(BLOCK_BYTES))
    hashBlock(context, block);
}

/** Writes the 32 bytes of the digest. The context must be begun again before its next use. */
export function sha256End(context: usize, digest: usize): void {
  const blocks = blocksOf(context);
  const isFull = blocks.padEnd(BLOCK_BYTES, LENGTH_BYTES);
  if (isFull) hashBlock(context, blocks.buffer);
  blocks.padLength(BLOCK_BYTES, isFull);
  hashBlock(context, blocks.buffer);
  for (let i: u32 = 0; i < STATE_BYTES; i += 4)
    store<u32>(digest + i, bswap<u32>(load<u32>(context + i)));
}

function blocksOf(context: usize): MessageBlocks {
  return changetype<MessageBlocks>(context + STATE_BYTES);
}

/** True if the 32 bytes at two addresses are the same: two digests, or two public keys. */
export function equals32(a: usize, b: usize): bool {
  return (
    load<u64>(a) === load<u64>(b) &&
    load<u64>(a + 8) === load<u64>(b + 8) &&
    load<u64>(a + 16) === load<u64>(b + 16) &&
    load<u64>(a + 24) === load<u64>(b + 24)
  );
}

/** Mixes one block into the state. */
function hashBlock(context: usize, data: usize): void {
  for (let i: u32 = 0; i < 64; i += 4) store<u32>(schedule + i, bswap<u32>(load<u32>(data + i)));
  for (let i: u32 = 64; i < 256; i += 4) {
    const w = schedule + i;
    const w15 = load<u32>(w - 60);
    const w2 = load<u32>(w - 8);
    const s0 = rotr<u32>(w15, 7) ^ rotr<u32>(w15, 18) ^ (w15 >> 3);
    const s1 = rotr<u32>(w2, 17) ^ rotr<u32>(w2, 19) ^ (w2 >> 10);
    store<u32>(w, load<u32>(w - 64) + s0 + load<u32>(w - 28) + s1);
  }
  let a = load<u32>(context);
  let b = load<u32>(context + 4);
  let c = load<u32>(context + 8);
  let d = load<u32>(context + 12);
  let e = load<u32>(context + 16);
  let f = load<u32>(context + 20);
  let g = load<u32>(context + 24);
  let h = load<u32>(context + 28);
  for (let i: u32 = 0; i < 256; i += 4) {
    const choice = (e & f) ^ (~e & g);
    const t1 =
      h +
      (rotr<u32>(e, 6) ^ rotr<u32>(e, 11) ^ rotr<u32>(e, 25)) +
      choice +
      load<u32>(ROUND_CONSTANTS + i) +
      load<u32>(schedule + i);
    const majority = (a & b) ^ (a & c) ^ (b & c);
    const t2 = (rotr<u32>(a, 2) ^ rotr<u32>(a, 13) ^ rotr<u32>(a, 22)) + majority;
    h = g;
    g = f;
    f = e;
    e = d + t1;
    d = c;
    c = b;
    b = a;
    a = t1 + t2;
  }
  store<u32>(context, load<u32>(context) + a);
  store<u32>(context + 4, load<u32>(context + 4) + b);
  store<u32>(context + 8, load<u32>(context + 8) + c);
  store<u32>(context + 12, load<u32>(context + 12) + d);
  store<u32>(context + 16, load<u32>(context + 16) + e);
  store<u32>(context + 20, load<u32>(context + 20) + f);
  store<u32>(context + 24, load<u32>(context + 24) + g);
  store<u32>(context + 28, load<u32>(context + 28) + h);
}
