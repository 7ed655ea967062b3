/**
 * A seeded generator of random numbers (xorshift32 after a scrambling of the seed): the same on
 * every machine.
 */
export class Random {
  private state: number;

  constructor(seed: number) {
    // One-to-one in the seed; only zero, which would stay zero, shares its sequence with another.
    const scrambled = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b);
    this.state = scrambled ^ (scrambled >>> 15) || 1;
    for (let i = 0; i < 8; i++) this.next();
  }

  /** 32 random bits, unsigned. */
  next(): number {
    let state = this.state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.state = state;
    return Math.imul(state, 0x2c1b3c6d) >>> 0;
  }

  /** 0 … limit-1. */
  below(limit: number): number {
    return this.next() % limit;
  }

  chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }
}
