/**
 * Division by a constant as multiplication by its reciprocal. Each function proves, in exact
 * integers and for the very constant, the condition under which its formula is right for every
 * dividend; where no multiplier of the width satisfies it, there is none.
 *
 * With m = floor(2^p / d) + 1 and e = m*d - 2^p (so 0 < e ≤ d): for 0 ≤ n, n*m / 2^p = n/d + n*e /
 * (d * 2^p), and the floor is that of n/d as long as the second term stays below 1/d, that is n*e <
 * 2^p. For n < 0 the same term makes the sum smaller, so that its floor is one below the quotient
 * rounded to zero, provided |n|*e ≤ 2^p.
 */
export interface Reciprocal {
  readonly multiplier: bigint;
  /** p: the quotient is the product divided by two to this power. */
  readonly shift: number;
}

/**
 * Smallest p from `first` on whose multiplier stays below 2^multiplierBits and is right for all |n|
 * < 2^dividendBits.
 */
function search(
  divisor: bigint,
  dividendBits: number,
  multiplierBits: number,
  first: number,
  last: number,
): Reciprocal | null {
  for (let shift = first; shift <= last; shift++) {
    const power = 1n << BigInt(shift);
    const multiplier = power / divisor + 1n;
    if (multiplier >= 1n << BigInt(multiplierBits)) return null;
    const error = multiplier * divisor - power;
    // |n| ≤ 2^dividendBits covers the most negative dividend as well.
    if (
      error > 0n &&
      error * (1n << BigInt(dividendBits)) <= power &&
      error * ((1n << BigInt(dividendBits)) - 1n) < power
    )
      return { multiplier, shift };
  }
  return null;
}

/**
 * For u32 dividends in one 64-bit product: the multiplier has at most 32 bits. Null for divisors
 * that need 33.
 */
export const reciprocalU32 = (divisor: bigint): Reciprocal | null =>
  search(divisor, 32, 32, 32, 63);

/** For u32 dividends in the high half of a 128-bit product: exists for every divisor from 2 on. */
export const wideReciprocalU32 = (divisor: bigint): Reciprocal | null =>
  search(divisor, 32, 64, 64, 64);

/**
 * For i32 dividends and positive divisors, in one 64-bit product whose arithmetic shift is one
 * below the quotient of a negative dividend.
 */
export const reciprocalS32 = (divisor: bigint): Reciprocal | null =>
  search(divisor, 31, 32, 32, 62);

/**
 * For u64 dividends in the high half of a 128-bit product, shifted further by `shift - 64`. Null
 * for divisors that need 65 bits.
 */
export const reciprocalU64 = (divisor: bigint): Reciprocal | null =>
  search(divisor, 64, 64, 64, 127);
