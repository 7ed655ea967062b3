/**
 * Counts what the back end did: hits of each selection rule and of each event of the allocator and
 * the emitter. A fuzzing campaign resets them, runs, and lists what it never reached.
 */
const counts = new Map<string, number>();

/** Makes `name` known, so that it is listed with 0 hits if nothing reaches it. */
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
