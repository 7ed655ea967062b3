/**
 * Counts how often each selection rule and each event of the allocator and the encoder was reached.
 * A fuzzing campaign resets the counters, runs, and lists what was never reached.
 */
const counts = new Map<string, number>();

/** Declares `name`, so that the list shows it with 0 hits if nothing reaches it. */
export function declareCoverage(name: string): string {
  if (!counts.has(name)) counts.set(name, 0);
  return name;
}

export function hit(name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

export function resetCoverage(): void {
  for (const name of counts.keys()) counts.set(name, 0);
}

export const coverageCounts = (): ReadonlyMap<string, number> => counts;
