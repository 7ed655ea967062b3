// Ed25519 (RFC 8032): verifying only. Nothing here is secret, so time may depend on the input.
//
// Stricter than the RFC asks: S < L, canonical encodings of R and A, no key of small order, and the
// equation without the cofactor.

import {
  ELEMENT_BYTES,
  add,
  copyElement,
  decodeElement,
  encodeElement,
  invert,
  isOdd,
  isZero,
  multiply,
  negate,
  power2523,
  setNumber,
  square,
  subtract,
} from "./field25519";
import { SHA512_CONTEXT_BYTES, sha512Begin, sha512End, sha512Update } from "./sha512";

/** The curve's d = -121665 / 121666. */
const CURVE_D: usize = memory.data<i64>(
  [
    0x35978a3, 0xd37284, 0x3156ebd, 0x6a0a0e, 0x1c029, 0x179e898, 0x3a03cbb, 0x1ce7198, 0x2e2b6ff,
    0x1480db3,
  ],
  8,
);
/** 2 d. */
const CURVE_2D: usize = memory.data<i64>(
  [
    0x2b2f159, 0x1a6e509, 0x22add7a, 0xd4141d, 0x38052, 0xf3d130, 0x3407977, 0x19ce331, 0x1c56dff,
    0x901b67,
  ],
  8,
);
/** 2^((p - 1) / 4). */
const ROOT_OF_MINUS_ONE: usize = memory.data<i64>(
  [
    0x20ea0b0, 0x186c9d2, 0x8f189d, 0x35697f, 0xbd0c60, 0x1fbd7a7, 0x2804c9e, 0x1e16569, 0x4fc1d,
    0xae0c92,
  ],
  8,
);
/** The base point. */
const BASE_X: usize = memory.data<i64>(
  [
    0x325d51a, 0x18b5823, 0xf6592a, 0x104a92d, 0x1a4b31d, 0x1d6dc5c, 0x27118fe, 0x7fd814, 0x13cd6e5,
    0x85a4db,
  ],
  8,
);
/** 4 / 5. */
const BASE_Y: usize = memory.data<i64>(
  [
    0x2666658, 0x1999999, 0xcccccc, 0x1333333, 0x1999999, 0x666666, 0x3333333, 0xcccccc, 0x2666666,
    0x1999999,
  ],
  8,
);

/** The order of the base point: 2^252 + 27742317777372353535851937790883648493. */
const ORDER: usize = memory.data<u64>(
  [0x5812631a5cf5d3ed, 0x14def9dea2f79cd6, 0x0000000000000000, 0x1000000000000000],
  8,
);

// A point (X : Y : Z : T), x = X/Z, y = Y/Z, xy = T/Z: four elements.
const POINT_BYTES: u32 = 4 * ELEMENT_BYTES;
const OFFSET_Y: u32 = ELEMENT_BYTES;
const OFFSET_Z: u32 = 2 * ELEMENT_BYTES;
const OFFSET_T: u32 = 3 * ELEMENT_BYTES;

/** Entry n of the table is (n & 1) base + (n >> 1) (-key); entry 0 is not used. */
const table: usize = memory.data(4 * 320, 8);
const sum: usize = memory.data(320, 8);
const temporary: usize = memory.data(80 * 8, 8);
const context: usize = memory.data(208, 8);
if (SHA512_CONTEXT_BYTES > 208) ERROR("the digest's state is too small");
const hash: usize = memory.data(64, 8);
const scalar: usize = memory.data(32, 8);
const result: usize = memory.data(32, 8);

/** Whether `signature` (64 bytes) is the holder of `key`'s (32 bytes) under the message. */
export function ed25519Verify(key: usize, message: usize, bytes: u32, signature: usize): bool {
  const s = signature + 32;
  if (!isBelowOrder(s)) return false;
  const minusKey = table + 2 * POINT_BYTES;
  if (!decodePoint(minusKey, key)) return false;
  if (isSmallOrder(minusKey)) return false;
  negate(minusKey, minusKey);
  negate(minusKey + OFFSET_T, minusKey + OFFSET_T);

  sha512Begin(context);
  sha512Update(context, signature, 32);
  sha512Update(context, key, 32);
  sha512Update(context, message, bytes);
  sha512End(context, hash);
  reduce(scalar, hash);

  // sum = s base - k key, both multiples in one run of doublings.
  const base = table + POINT_BYTES;
  copyElement(base, BASE_X);
  copyElement(base + OFFSET_Y, BASE_Y);
  setNumber(base + OFFSET_Z, 1);
  multiply(base + OFFSET_T, BASE_X, BASE_Y);
  memory.copy(table + 3 * POINT_BYTES, base, POINT_BYTES);
  addPoint(table + 3 * POINT_BYTES, minusKey);
  setNeutral(sum);
  for (let bit: i32 = 252; bit >= 0; bit--) {
    doublePoint(sum);
    const entry = bitOf(s, bit) | (bitOf(scalar, bit) << 1);
    if (entry !== 0) addPoint(sum, table + entry * POINT_BYTES);
  }

  encodePoint(result, sum);
  return (
    load<u64>(result) === load<u64>(signature) &&
    load<u64>(result + 8) === load<u64>(signature + 8) &&
    load<u64>(result + 16) === load<u64>(signature + 16) &&
    load<u64>(result + 24) === load<u64>(signature + 24)
  );
}

function bitOf(number: usize, bit: u32): u32 {
  return (<u32>load<u8>(number + (bit >> 3)) >> (bit & 7)) & 1;
}

function isBelowOrder(number: usize): bool {
  for (let word: i32 = 24; word >= 0; word -= 8) {
    const mine = load<u64>(number + word);
    const limit = load<u64>(ORDER + word);
    if (mine !== limit) return mine < limit;
  }
  return false;
}

/**
 * remainder = number mod L, from the top bit down: 512 doublings, each with at most one
 * subtraction.
 */
function reduce(remainder: usize, number: usize): void {
  memory.fill(remainder, 0, 32);
  for (let bit: i32 = 511; bit >= 0; bit--) {
    // The remainder is below 2^253, so doubling it loses nothing.
    let carried = <u64>bitOf(number, bit);
    for (let word: u32 = 0; word < 32; word += 8) {
      const value = load<u64>(remainder + word);
      store<u64>(remainder + word, (value << 1) | carried);
      carried = value >> 63;
    }
    if (!isBelowOrder(remainder)) subtractOrder(remainder);
  }
}

function subtractOrder(number: usize): void {
  let borrow: u64 = 0;
  for (let word: u32 = 0; word < 32; word += 8) {
    const value = load<u64>(number + word);
    const less = load<u64>(ORDER + word);
    const difference = value - less - borrow;
    borrow = value < less || (value === less && borrow !== 0) ? 1 : 0;
    store<u64>(number + word, difference);
  }
}

function setNeutral(point: usize): void {
  setNumber(point, 0);
  setNumber(point + OFFSET_Y, 1);
  setNumber(point + OFFSET_Z, 1);
  setNumber(point + OFFSET_T, 0);
}

/**
 * Of order 1, 2, 4 or 8: eight times the point is neutral. Any signature can be made to fit such a
 * key.
 */
function isSmallOrder(point: usize): bool {
  memory.copy(sum, point, POINT_BYTES);
  doublePoint(sum);
  doublePoint(sum);
  doublePoint(sum);
  if (!isZero(sum)) return false;
  subtract(temporary, sum + OFFSET_Y, sum + OFFSET_Z);
  return isZero(temporary);
}

/** RFC 8032, 5.1.3. False if the bytes are no point, or not its canonical encoding. */
function decodePoint(point: usize, bytes: usize): bool {
  const x = point;
  const y = point + OFFSET_Y;
  const u = temporary;
  const v = temporary + ELEMENT_BYTES;
  const v3 = temporary + 2 * ELEMENT_BYTES;
  const power = temporary + 3 * ELEMENT_BYTES;
  const check = temporary + 4 * ELEMENT_BYTES;
  const one = temporary + 5 * ELEMENT_BYTES;
  if (!decodeElement(y, bytes)) return false;
  setNumber(one, 1);
  setNumber(point + OFFSET_Z, 1);

  // x^2 = u / v, with u = y^2 - 1 and v = d y^2 + 1; the candidate for the root is u v^3 (u
  // v^7)^((p - 5) / 8).
  square(u, y);
  multiply(v, u, CURVE_D);
  subtract(u, u, one);
  add(v, v, one);
  square(v3, v);
  multiply(v3, v3, v);
  square(check, v3);
  multiply(check, check, v);
  multiply(check, check, u);
  power2523(power, check);
  multiply(x, power, v3);
  multiply(x, x, u);

  square(check, x);
  multiply(check, check, v);
  subtract(v3, check, u);
  if (!isZero(v3)) {
    add(v3, check, u);
    if (!isZero(v3)) return false;
    multiply(x, x, ROOT_OF_MINUS_ONE);
  }

  const wantsOdd = load<u8>(bytes + 31) >> 7 !== 0;
  if (isZero(x) && wantsOdd) return false;
  if (isOdd(x) !== wantsOdd) negate(x, x);
  multiply(point + OFFSET_T, x, y);
  return true;
}

function encodePoint(bytes: usize, point: usize): void {
  const inverse = temporary;
  const x = temporary + ELEMENT_BYTES;
  const y = temporary + 2 * ELEMENT_BYTES;
  invert(inverse, point + OFFSET_Z);
  multiply(x, point, inverse);
  multiply(y, point + OFFSET_Y, inverse);
  encodeElement(bytes, y);
  if (isOdd(x)) store<u8>(bytes + 31, load<u8>(bytes + 31) | 0x80);
}

/** p += q, complete: right for any two points of the curve (add-2008-hwcd-3). */
function addPoint(p: usize, q: usize): void {
  const a = temporary;
  const b = temporary + ELEMENT_BYTES;
  const c = temporary + 2 * ELEMENT_BYTES;
  const d = temporary + 3 * ELEMENT_BYTES;
  const e = temporary + 4 * ELEMENT_BYTES;
  const f = temporary + 5 * ELEMENT_BYTES;
  subtract(a, p + OFFSET_Y, p);
  subtract(c, q + OFFSET_Y, q);
  multiply(a, a, c);
  add(b, p + OFFSET_Y, p);
  add(c, q + OFFSET_Y, q);
  multiply(b, b, c);
  multiply(c, p + OFFSET_T, q + OFFSET_T);
  multiply(c, c, CURVE_2D);
  multiply(d, p + OFFSET_Z, q + OFFSET_Z);
  add(d, d, d);
  subtract(e, b, a);
  add(b, b, a);
  subtract(f, d, c);
  add(d, d, c);
  multiply(p, e, f);
  multiply(p + OFFSET_Y, d, b);
  multiply(p + OFFSET_Z, f, d);
  multiply(p + OFFSET_T, e, b);
}

/** p += p (dbl-2008-hwcd). */
function doublePoint(p: usize): void {
  const a = temporary;
  const b = temporary + ELEMENT_BYTES;
  const c = temporary + 2 * ELEMENT_BYTES;
  const e = temporary + 3 * ELEMENT_BYTES;
  const g = temporary + 4 * ELEMENT_BYTES;
  square(a, p);
  square(b, p + OFFSET_Y);
  square(c, p + OFFSET_Z);
  add(c, c, c);
  add(e, p, p + OFFSET_Y);
  square(e, e);
  subtract(g, b, a); // g = b - a, and a + b takes the place of -h
  add(a, a, b);
  subtract(e, e, a);
  subtract(c, g, c); // f
  negate(a, a); // h
  multiply(p, e, c);
  multiply(p + OFFSET_Y, g, a);
  multiply(p + OFFSET_Z, c, g);
  multiply(p + OFFSET_T, e, a);
}
