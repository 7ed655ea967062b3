/** How much of the tools the tests in Node reach. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { refuse } from "../report/diagnostic.ts";
import { preparedPath } from "../setup/prepared-path.ts";
import { runVitest } from "../testing/vitest-suite.ts";
import type { Figure } from "./figure.ts";

/** Where vitest.config.ts lets the counts be written. */
const SUMMARY = "build/test/coverage/coverage-summary.json";

const KINDS = ["lines", "branches", "functions"] as const;

interface Summary {
  readonly total: Readonly<Record<(typeof KINDS)[number], { readonly pct: number }>>;
}

/**
 * Runs the host tests with the programs that the suite `host` sees. Refused if a test fails: the
 * counts would be low.
 */
export async function runCoverageBench(
  root: string,
  log: (line: string) => void,
): Promise<Figure[]> {
  const before = process.env["PATH"];
  process.env["PATH"] = preparedPath(root, "test", join(root, "build/test/programs")) ?? before;
  const cases = await runVitest({ root, log }, "host", ["--coverage"]).finally(() => {
    process.env["PATH"] = before;
  });
  const failed = cases.find(({ outcome }) => outcome === "failed");
  if (failed !== undefined)
    refuse(`${failed.name} failed`, { help: "`make test ARGS=host` shows why" });
  return coverageFigures(readFileSync(join(root, SUMMARY), "utf8"));
}

function coverageFigures(summary: string): Figure[] {
  const { total } = JSON.parse(summary) as Summary;
  return KINDS.map((kind) => ({
    id: `coverage-${kind}`,
    about: `${kind} of toolchain and policy compiler that tests in Node reach`,
    value: total[kind].pct,
    unit: "percent",
  }));
}
