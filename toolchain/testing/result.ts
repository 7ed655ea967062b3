/** Results of test suites, independent of the tool that ran them. */
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
  /** Uses what earlier suites have built; if run alone, the suite builds it. */
  readonly run: (context: SuiteContext) => Promise<readonly CaseResult[]>;
}

export interface SuiteContext {
  readonly root: string;
  /** Prints progress between cases. */
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

/** The closing line for people and programs. Skips are mentioned only if there are any. */
export function closingLine({ passed, failed, skipped }: Totals): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

/** Runs `work` as one case, which fails if `work` throws. */
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
