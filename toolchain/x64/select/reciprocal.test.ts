import { describe, expect, test } from "vitest";
import {
  type Reciprocal,
  reciprocalS32,
  reciprocalU32,
  reciprocalU64,
  wideReciprocalU32,
} from "./reciprocal.ts";

const DIVISORS = [
  ...Array.from({ length: 300 }, (_, i) => BigInt(i + 2)),
  641n,
  1000n,
  1_000_000n,
  1_000_000_000n,
  0x7fff_ffffn,
  0x8000_0001n,
  0xffff_fffen,
  0xffff_ffffn,
];

/**
 * Dividends at which an error would show: the ends, and both sides of multiples of the divisor near
 * them.
 */
function dividends(divisor: bigint, bits: number): bigint[] {
  const end = 1n << BigInt(bits);
  const multiples = [
    1n,
    2n,
    3n,
    end / divisor,
    end / divisor - 1n,
    end / divisor / 2n,
    end / divisor / 3n,
  ].map((factor) => factor * divisor);
  return [
    0n,
    1n,
    end - 1n,
    end - 2n,
    end / 2n,
    ...multiples.flatMap((n) => [n - 1n, n, n + 1n]),
  ].filter((n) => n >= 0n && n < end);
}

const quotient = (n: bigint, { multiplier, shift }: Reciprocal): bigint =>
  (n * multiplier) >> BigInt(shift);

describe.each<[string, (divisor: bigint) => Reciprocal | null, number, number]>([
  ["u32 in 64 bits", reciprocalU32, 32, 32],
  ["u32 in 128 bits", wideReciprocalU32, 32, 64],
  ["u64 in 128 bits", reciprocalU64, 64, 64],
])("%s", (_name, find, bits, multiplierBits) => {
  test("gives the quotient", () => {
    for (const divisor of DIVISORS) {
      const reciprocal = find(divisor);
      if (reciprocal === null) continue;
      expect(reciprocal.multiplier).toBeLessThan(1n << BigInt(multiplierBits));
      for (const n of dividends(divisor, bits))
        if (quotient(n, reciprocal) !== n / divisor) throw new Error(`${n} / ${divisor}`);
    }
  });
});

test("signed: one more than the shifted product for negative dividends", () => {
  for (const divisor of DIVISORS.filter((d) => d < 0x8000_0000n)) {
    const reciprocal = reciprocalS32(divisor)!;
    for (const n of dividends(divisor, 31).flatMap((value) => [value, -value, -(1n << 31n)])) {
      expect(quotient(n, reciprocal) + (n < 0n ? 1n : 0n)).toBe(n / divisor);
    }
  }
});

test("all u32 dividends of divisors that print numbers", () => {
  // Every 65,537th dividend, and all around the multiples where the quotient changes.
  for (const divisor of [3, 5, 6, 10, 60, 100, 1000]) {
    const { multiplier, shift } = reciprocalU32(BigInt(divisor))!;
    for (let n = 0; n < 2 ** 32; n += 65_537) {
      if (Number((BigInt(n) * multiplier) >> BigInt(shift)) !== Math.floor(n / divisor))
        throw new Error(`${n} / ${divisor}`);
    }
  }
});

test("7 needs 33 bits for u32 and 65 for u64", () => {
  expect(reciprocalU32(7n)).toBeNull();
  expect(reciprocalU64(7n)).toBeNull();
  expect(wideReciprocalU32(7n)).not.toBeNull();
});

test("every divisor from 2 on has a wide reciprocal", () => {
  for (const divisor of DIVISORS)
    if ((divisor & (divisor - 1n)) !== 0n) expect(wideReciprocalU32(divisor)).not.toBeNull();
});
