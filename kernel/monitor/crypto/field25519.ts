// The field of integers modulo p = 2^255 - 19. An element is ten i64 limbs of 26 and 25 bits in
// turn, little end first, signed; several forms stand for one value. "Reduced" means that every
// limb is within half its width, up to one carry. An operand of `multiply` may be a sum or
// difference of up to four reduced ones: then no column exceeds 2^62.

export const ELEMENT_BYTES: u32 = 80;

const scratch: usize = memory.data(80 * 4, 8);

export function setNumber(h: usize, value: i64): void {
  memory.fill(h, 0, ELEMENT_BYTES);
  store<i64>(h, value);
}

export function copyElement(h: usize, f: usize): void {
  memory.copy(h, f, ELEMENT_BYTES);
}

export function add(h: usize, f: usize, g: usize): void {
  for (let i: u32 = 0; i < ELEMENT_BYTES; i += 8)
    store<i64>(h + i, load<i64>(f + i) + load<i64>(g + i));
}

export function subtract(h: usize, f: usize, g: usize): void {
  for (let i: u32 = 0; i < ELEMENT_BYTES; i += 8)
    store<i64>(h + i, load<i64>(f + i) - load<i64>(g + i));
}

export function negate(h: usize, f: usize): void {
  for (let i: u32 = 0; i < ELEMENT_BYTES; i += 8) store<i64>(h + i, -load<i64>(f + i));
}

/**
 * h = f * g, reduced. Limb i stands for 2^ceil(25.5 i): a product of two odd limbs counts double,
 * one beyond limb 9 comes back times 19.
 */
export function multiply(h: usize, f: usize, g: usize): void {
  const f0 = load<i64>(f);
  const f1 = load<i64>(f + 8);
  const f2 = load<i64>(f + 16);
  const f3 = load<i64>(f + 24);
  const f4 = load<i64>(f + 32);
  const f5 = load<i64>(f + 40);
  const f6 = load<i64>(f + 48);
  const f7 = load<i64>(f + 56);
  const f8 = load<i64>(f + 64);
  const f9 = load<i64>(f + 72);
  const g0 = load<i64>(g);
  const g1 = load<i64>(g + 8);
  const g2 = load<i64>(g + 16);
  const g3 = load<i64>(g + 24);
  const g4 = load<i64>(g + 32);
  const g5 = load<i64>(g + 40);
  const g6 = load<i64>(g + 48);
  const g7 = load<i64>(g + 56);
  const g8 = load<i64>(g + 64);
  const g9 = load<i64>(g + 72);
  const d1 = f1 << 1;
  const d3 = f3 << 1;
  const d5 = f5 << 1;
  const d7 = f7 << 1;
  const d9 = f9 << 1;
  const h0 =
    f0 * g0 +
    19 * (d1 * g9 + f2 * g8 + d3 * g7 + f4 * g6 + d5 * g5 + f6 * g4 + d7 * g3 + f8 * g2 + d9 * g1);
  const h1 =
    f0 * g1 +
    f1 * g0 +
    19 * (f2 * g9 + f3 * g8 + f4 * g7 + f5 * g6 + f6 * g5 + f7 * g4 + f8 * g3 + f9 * g2);
  const h2 =
    f0 * g2 +
    d1 * g1 +
    f2 * g0 +
    19 * (d3 * g9 + f4 * g8 + d5 * g7 + f6 * g6 + d7 * g5 + f8 * g4 + d9 * g3);
  const h3 =
    f0 * g3 +
    f1 * g2 +
    f2 * g1 +
    f3 * g0 +
    19 * (f4 * g9 + f5 * g8 + f6 * g7 + f7 * g6 + f8 * g5 + f9 * g4);
  const h4 =
    f0 * g4 +
    d1 * g3 +
    f2 * g2 +
    d3 * g1 +
    f4 * g0 +
    19 * (d5 * g9 + f6 * g8 + d7 * g7 + f8 * g6 + d9 * g5);
  const h5 =
    f0 * g5 +
    f1 * g4 +
    f2 * g3 +
    f3 * g2 +
    f4 * g1 +
    f5 * g0 +
    19 * (f6 * g9 + f7 * g8 + f8 * g7 + f9 * g6);
  const h6 =
    f0 * g6 +
    d1 * g5 +
    f2 * g4 +
    d3 * g3 +
    f4 * g2 +
    d5 * g1 +
    f6 * g0 +
    19 * (d7 * g9 + f8 * g8 + d9 * g7);
  const h7 =
    f0 * g7 +
    f1 * g6 +
    f2 * g5 +
    f3 * g4 +
    f4 * g3 +
    f5 * g2 +
    f6 * g1 +
    f7 * g0 +
    19 * (f8 * g9 + f9 * g8);
  const h8 =
    f0 * g8 +
    d1 * g7 +
    f2 * g6 +
    d3 * g5 +
    f4 * g4 +
    d5 * g3 +
    f6 * g2 +
    d7 * g1 +
    f8 * g0 +
    19 * (d9 * g9);
  const h9 =
    f0 * g9 +
    f1 * g8 +
    f2 * g7 +
    f3 * g6 +
    f4 * g5 +
    f5 * g4 +
    f6 * g3 +
    f7 * g2 +
    f8 * g1 +
    f9 * g0;
  store<i64>(h, h0);
  store<i64>(h + 8, h1);
  store<i64>(h + 16, h2);
  store<i64>(h + 24, h3);
  store<i64>(h + 32, h4);
  store<i64>(h + 40, h5);
  store<i64>(h + 48, h6);
  store<i64>(h + 56, h7);
  store<i64>(h + 64, h8);
  store<i64>(h + 72, h9);
  carry(h);
}

export function square(h: usize, f: usize): void {
  multiply(h, f, f);
}

/** h = f^(2^n). */
function squareTimes(h: usize, f: usize, n: u32): void {
  multiply(h, f, f);
  for (let i: u32 = 1; i < n; i++) multiply(h, h, h);
}

/**
 * Brings every limb within half its width, rounding to nearest, so that signs stay mixed and small.
 * Limb 0 is done again for what came round.
 */
function carry(h: usize): void {
  carryFrom(h, 0, 26);
  carryFrom(h, 8, 25);
  carryFrom(h, 16, 26);
  carryFrom(h, 24, 25);
  carryFrom(h, 32, 26);
  carryFrom(h, 40, 25);
  carryFrom(h, 48, 26);
  carryFrom(h, 56, 25);
  carryFrom(h, 64, 26);
  const top = load<i64>(h + 72);
  const over = (top + (1 << 24)) >> 25;
  store<i64>(h + 72, top - (over << 25));
  store<i64>(h, load<i64>(h) + over * 19);
  carryFrom(h, 0, 26);
  carryFrom(h, 8, 25);
}

function carryFrom(h: usize, limb: u32, bits: i64): void {
  const value = load<i64>(h + limb);
  const over = (value + ((<i64>1) << (bits - 1))) >> bits;
  store<i64>(h + limb, value - (over << bits));
  store<i64>(h + limb + 8, load<i64>(h + limb + 8) + over);
}

/** h = f^(2^252 - 3), which is f^((p - 5) / 8). h is not f. */
export function power2523(h: usize, f: usize): void {
  const a = scratch;
  const b = scratch + ELEMENT_BYTES;
  const c = scratch + 2 * ELEMENT_BYTES;
  squareTimes(a, f, 1); // 2
  squareTimes(b, a, 2); // 8
  multiply(b, f, b); // 9
  multiply(a, a, b); // 11
  squareTimes(a, a, 1); // 22
  multiply(a, b, a); // 2^5 - 1
  squareTimes(b, a, 5);
  multiply(a, b, a); // 2^10 - 1
  squareTimes(b, a, 10);
  multiply(b, b, a); // 2^20 - 1
  squareTimes(c, b, 20);
  multiply(b, c, b); // 2^40 - 1
  squareTimes(b, b, 10);
  multiply(a, b, a); // 2^50 - 1
  squareTimes(b, a, 50);
  multiply(b, b, a); // 2^100 - 1
  squareTimes(c, b, 100);
  multiply(b, c, b); // 2^200 - 1
  squareTimes(b, b, 50);
  multiply(a, b, a); // 2^250 - 1
  squareTimes(a, a, 2);
  multiply(h, a, f); // 2^252 - 3
}

/** h = 1 / f, and 0 for 0: f^(p - 2), where p - 2 = 8 (2^252 - 3) + 3. h is not f. */
export function invert(h: usize, f: usize): void {
  const cube = scratch + 3 * ELEMENT_BYTES;
  multiply(cube, f, f);
  multiply(cube, cube, f);
  power2523(h, f);
  squareTimes(h, h, 3);
  multiply(h, h, cube);
}

/**
 * Reads 32 bytes, little-endian, without the top bit. False unless the number is below p: each
 * element has one encoding.
 */
export function decodeElement(h: usize, bytes: usize): bool {
  const word0 = load<u64>(bytes);
  const word1 = load<u64>(bytes + 8);
  const word2 = load<u64>(bytes + 16);
  const word3 = load<u64>(bytes + 24) & 0x7fffffffffffffff;
  if (
    word3 === 0x7fffffffffffffff &&
    word2 === u64.MAX_VALUE &&
    word1 === u64.MAX_VALUE &&
    word0 >= 0xffffffffffffffed
  )
    return false;
  store<i64>(h, word0 & 0x3ffffff);
  store<i64>(h + 8, (word0 >> 26) & 0x1ffffff);
  store<i64>(h + 16, ((word0 >> 51) | (word1 << 13)) & 0x3ffffff);
  store<i64>(h + 24, (word1 >> 13) & 0x1ffffff);
  store<i64>(h + 32, (word1 >> 38) & 0x3ffffff);
  store<i64>(h + 40, word2 & 0x1ffffff);
  store<i64>(h + 48, (word2 >> 25) & 0x3ffffff);
  store<i64>(h + 56, ((word2 >> 51) | (word3 << 13)) & 0x1ffffff);
  store<i64>(h + 64, (word3 >> 12) & 0x3ffffff);
  store<i64>(h + 72, word3 >> 38);
  return true;
}

/** Writes the one encoding of f: 32 bytes, the number below p, top bit 0. */
export function encodeElement(bytes: usize, f: usize): void {
  const h = scratch;
  copyElement(h, f);
  carry(h);
  carry(h);
  // The value is now within 2^255 of zero on either side: how often p goes into it shows in the
  // carry out of limb 9 of value + 19 2^-255.
  let quotient = (19 * load<i64>(h + 72) + (1 << 24)) >> 25;
  for (let i: u32 = 0; i < 10; i++)
    quotient = (load<i64>(h + i * 8) + quotient) >> ((i & 1) === 0 ? 26 : 25);
  let over = 19 * quotient;
  for (let i: u32 = 0; i < 10; i++) {
    const bits: i64 = (i & 1) === 0 ? 26 : 25;
    const value = load<i64>(h + i * 8) + over;
    over = value >> bits;
    store<i64>(h + i * 8, value - (over << bits));
  }
  const l0 = load<u64>(h);
  const l1 = load<u64>(h + 8);
  const l2 = load<u64>(h + 16);
  const l3 = load<u64>(h + 24);
  const l4 = load<u64>(h + 32);
  const l5 = load<u64>(h + 40);
  const l6 = load<u64>(h + 48);
  const l7 = load<u64>(h + 56);
  const l8 = load<u64>(h + 64);
  const l9 = load<u64>(h + 72);
  store<u64>(bytes, l0 | (l1 << 26) | (l2 << 51));
  store<u64>(bytes + 8, (l2 >> 13) | (l3 << 13) | (l4 << 38));
  store<u64>(bytes + 16, l5 | (l6 << 25) | (l7 << 51));
  store<u64>(bytes + 24, (l7 >> 13) | (l8 << 12) | (l9 << 38));
}

const encoded: usize = memory.data(32, 8);

export function isZero(f: usize): bool {
  encodeElement(encoded, f);
  return (
    (load<u64>(encoded) |
      load<u64>(encoded + 8) |
      load<u64>(encoded + 16) |
      load<u64>(encoded + 24)) ===
    0
  );
}

/** Whether the encoding is odd: the "sign" of a coordinate. */
export function isOdd(f: usize): bool {
  encodeElement(encoded, f);
  return (load<u8>(encoded) & 1) !== 0;
}
