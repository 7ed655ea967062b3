/**
 * How much work a proof may be. A program chosen to keep the verifier busy is refused like any
 * other that it cannot prove: at most some twenty seconds for the largest code that a domain can
 * have (2 MiB).
 */
export class Effort {
  private left: number;

  constructor(codeBytes: number) {
    this.left = EFFORT_BASE + codeBytes * EFFORT_PER_BYTE;
  }

  /** Throws `EffortSpent` once the proof is too long. */
  spend(units: number): void {
    this.left -= units;
    if (this.left < 0) throw new EffortSpent();
  }
}

export class EffortSpent extends Error {}

/**
 * Units: an instruction followed once, or an entry of a table looked at once. Compiled programs
 * take at most half a unit a byte, the kernel a fifth; eight leave room for programs with large
 * tables.
 */
const EFFORT_PER_BYTE = 8;
/** Small programs may have a large table. */
const EFFORT_BASE = 1 << 22;
