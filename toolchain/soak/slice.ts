/**
 * Long tests in slices. Each iteration has its own seed, so that a run can stop after any
 * iteration, continue later, and repeat a failure.
 */
export interface Slice {
  readonly name: string;
  /** One line for `trine soak --list`. */
  readonly about: string;
  /** Builds what all iterations need. */
  readonly prepare: (root: string) => Promise<Iteration>;
}

/**
 * Runs the cases of one seed and returns how many there were. Throws on the first failure; the same
 * seed always has the same cases.
 */
export type Iteration = (seed: number) => Promise<number>;

/** Thrown by `prepare` if this machine lacks something; the message says what and how to get it. */
export class SliceSkipped extends Error {}
