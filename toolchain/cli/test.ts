/**
 * `trine test`: runs suites in their order, and prints the time of each and the closing line; or
 * runs the tests at the given paths.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findRoot } from "../cache/tree.ts";
import { type Diagnostic, formatDiagnostic, refuse } from "../report/diagnostic.ts";
import { formatSeconds } from "../report/duration.ts";
import { preparedPath } from "../setup/prepared-path.ts";
import { findProgram, outsidePrograms } from "../setup/programs.ts";
import { formatJunit } from "../testing/junit.ts";
import { closingLine, type Suite, type SuiteResult, totals } from "../testing/result.ts";
import { judgeSkips, readAllowedSkips } from "../testing/skips.ts";
import { SUITES } from "../testing/suites.ts";
import { formatTap } from "../testing/tap.ts";
import { isPath, runVitestOn } from "../testing/vitest-paths.ts";
import { Refused } from "./failure.ts";

export interface TestOptions {
  readonly list?: boolean;
  readonly results: string;
  readonly json: boolean;
}

/** Lines of a failure that are printed; the results hold all of them. */
const FAILURE_LINES_MAX = 30;

export async function test(names: readonly string[], options: TestOptions): Promise<void> {
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  if (options.list === true)
    return SUITES.forEach((suite) => print(`${suite.name.padEnd(10)} ${suite.about}`));

  const root = findRoot();
  useOnlyWhatSetUpInstalls(root);
  if (names.some(isPath)) {
    const suite = names.find((name) => !isPath(name));
    if (suite !== undefined)
      refuse(`\`${suite}\` is not a path`, {
        help: "name either suites or paths in one call",
      });
    if (!runVitestOn(root, names)) throw new Refused();
    return;
  }
  const results: SuiteResult[] = [];
  for (const suite of chooseSuites(names)) {
    if (!options.json) print(`${suite.name}: ${suite.about}`);
    const result = await runSuite(
      suite,
      root,
      options.json ? () => {} : (line) => print(`  ${line}`),
    );
    results.push(result);
    if (!options.json) printSuite(result, print);
  }

  const findings = process.env["CI"] === "true" ? judgeSkips(results, readAllowedSkips(root)) : [];
  if (findings.length > 0) results.push(findingsAsSuite(findings));
  writeResults(join(root, options.results), results);

  const sum = totals(results);
  if (options.json) print(JSON.stringify({ suites: results, ...sum }));
  else {
    for (const finding of findings) print(formatDiagnostic(finding));
    print("");
    for (const result of results)
      print(
        `${result.suite.padEnd(10)} ${formatSeconds(result.milliseconds).padStart(12)}  ${closingLine(totals([result]))}`,
      );
    print("");
    print(closingLine(sum));
  }
  if (sum.failed > 0) throw new Refused();
}

/** Hides all other programs, so that a test which needs one of them fails on every machine. */
function useOnlyWhatSetUpInstalls(root: string): void {
  const missing = outsidePrograms(root).filter(
    ({ name, tasks }) => tasks.includes("test") && findProgram(name) === null,
  );
  if (missing.length > 0)
    process.stderr.write(
      `${missing.map(({ name }) => name).join(", ")}: not installed; \`make test\` installs what tests need\n`,
    );
  const path = preparedPath(root, "test", join(root, "build/test/programs"));
  if (path === null) process.stderr.write("not a Debian: tests see all programs of this machine\n");
  else process.env["PATH"] = path;
}

function chooseSuites(names: readonly string[]): readonly Suite[] {
  if (names.length === 0) return SUITES;
  return names.map((name) => {
    const suite = SUITES.find((candidate) => candidate.name === name);
    return (
      suite ??
      refuse(`no test suite \`${name}\``, {
        help: `${SUITES.map((candidate) => candidate.name).join(", ")}, or a path`,
      })
    );
  });
}

/** A suite that cannot run is one failed case. */
async function runSuite(
  suite: Suite,
  root: string,
  log: (line: string) => void,
): Promise<SuiteResult> {
  const start = performance.now();
  const cases = await Promise.resolve(suite.run({ root, log })).catch((error: unknown) => {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return [{ name: "the suite itself", outcome: "failed", milliseconds: 0, message } as const];
  });
  return { suite: suite.name, milliseconds: performance.now() - start, cases };
}

function printSuite(result: SuiteResult, print: (line: string) => void): void {
  for (const { name, outcome, message } of result.cases) {
    if (outcome === "passed") continue;
    print(`  ${outcome}: ${name}`);
    for (const line of (message ?? "").split("\n").slice(0, FAILURE_LINES_MAX))
      print(`    ${line}`);
  }
  print(`  ${closingLine(totals([result]))} (${formatSeconds(result.milliseconds)})`);
}

function findingsAsSuite(findings: readonly Diagnostic[]): SuiteResult {
  const cases = findings.map((finding) => ({
    name: finding.message,
    outcome: "failed" as const,
    milliseconds: 0,
    message: formatDiagnostic(finding),
  }));
  return { suite: "skips", milliseconds: 0, cases };
}

function writeResults(folder: string, results: readonly SuiteResult[]): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "results.xml"), formatJunit(results));
  writeFileSync(join(folder, "results.tap"), formatTap(results));
}
