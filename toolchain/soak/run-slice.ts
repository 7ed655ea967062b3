/** Runs one slice from where its last run stopped, for a given time. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Iteration, type Slice, SliceSkipped } from "./slice.ts";

interface SliceLimits {
  readonly milliseconds: number;
  /** Starts here, and leaves the place of the next run as it is. */
  readonly seed?: number;
  readonly iterationsMax?: number;
}

interface SliceOutcome {
  readonly iterations: number;
  readonly cases: number;
  readonly nextSeed: number;
  /** Why nothing was run. */
  readonly skipped: string | null;
  readonly failure: { readonly seed: number; readonly message: string } | null;
}

/**
 * Stops at the first failure: the seed that failed is where the next run starts, until it passes.
 */
export async function runSlice(
  root: string,
  slice: Slice,
  limits: SliceLimits,
): Promise<SliceOutcome> {
  const end = performance.now() + limits.milliseconds;
  let seed = limits.seed ?? readNextSeed(root, slice.name);
  let iterate: Iteration;
  try {
    iterate = await slice.prepare(root);
  } catch (error) {
    if (!(error instanceof SliceSkipped)) throw error;
    return { iterations: 0, cases: 0, nextSeed: seed, skipped: error.message, failure: null };
  }
  let cases = 0;
  let iterations = 0;

  while (
    iterations < (limits.iterationsMax ?? Number.POSITIVE_INFINITY) &&
    (iterations === 0 || performance.now() < end)
  ) {
    try {
      cases += await iterate(seed);
    } catch (error) {
      const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
      return { iterations, cases, nextSeed: seed, skipped: null, failure: { seed, message } };
    }
    iterations += 1;
    seed += 1;
    if (limits.seed === undefined) writeNextSeed(root, slice.name, seed);
  }
  return { iterations, cases, nextSeed: seed, skipped: null, failure: null };
}

function statePath(root: string, name: string): string {
  return join(root, "build/soak", `${name}.json`);
}

function readNextSeed(root: string, name: string): number {
  const path = statePath(root, name);
  if (!existsSync(path)) return 1;
  const { nextSeed } = JSON.parse(readFileSync(path, "utf8")) as { nextSeed: number };
  return nextSeed;
}

function writeNextSeed(root: string, name: string, nextSeed: number): void {
  mkdirSync(join(root, "build/soak"), { recursive: true });
  writeFileSync(statePath(root, name), `${JSON.stringify({ nextSeed })}\n`);
}
