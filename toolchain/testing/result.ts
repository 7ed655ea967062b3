/** What a test suite came to, whatever it was run with. */
export interface CaseResult {
  /** Unique within its suite. */
  readonly name: string;
  readonly outcome: "passed" | "failed" | "skipped";
  readonly milliseconds: number;
  /** Why it failed or was skipped. */
  readonly message?: string;
}

export interface SuiteResult {
  readonly suite: string;
  readonly milliseconds: number;
  readonly cases: readonly CaseResult[];
}

export interface Suite {
  readonly name: string;
  /** One line for `trine test --list`. */
  readonly about: string;
  /** Needs what earlier suites build; run alone, it builds that itself. */
  readonly run: (context: SuiteContext) => Promise<readonly CaseResult[]>;
}

export interface SuiteContext {
  readonly root: string;
  /** Shows what is going on between cases. */
  readonly log: (line: string) => void;
}

interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export function totals(results: readonly SuiteResult[]): Totals {
  const count = (outcome: CaseResult["outcome"]): number =>
    results.reduce(
      (sum, result) => sum + result.cases.filter((entry) => entry.outcome === outcome).length,
      0,
    );
  return { passed: count("passed"), failed: count("failed"), skipped: count("skipped") };
}

/**
 * The closing line that people and machines look for. Skips are named only where there are some.
 */
export function closingLine({ passed, failed, skipped }: Totals): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

/** Runs one thing as one case; what it throws is the failure. */
export async function runCase(name: string, work: () => Promise<void>): Promise<CaseResult> {
  const start = performance.now();
  try {
    await work();
    return { name, outcome: "passed", milliseconds: performance.now() - start };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { name, outcome: "failed", milliseconds: performance.now() - start, message };
  }
}
