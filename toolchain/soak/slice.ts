/**
 * Long tests in slices: each iteration is one seed, so that a run can stop anywhere, go on later,
 * and repeat one failure.
 */
export interface Slice {
  readonly name: string;
  /** One line for `trine soak --list`. */
  readonly about: string;
  /** Makes what all iterations need. */
  readonly prepare: (root: string) => Promise<Iteration>;
}

/**
 * Runs the cases of one seed and says how many. Throws on the first that fails; the same seed gives
 * the same cases.
 */
export type Iteration = (seed: number) => Promise<number>;

/**
 * Thrown by `prepare` where this machine lacks what the slice needs; the message says what, and how
 * to get it.
 */
export class SliceSkipped extends Error {}
