/**
 * Under CI, a skipped test is a failure unless `tests/skips.json` names it with a reason. An entry
 * without a skipped test is a failure too, since it would hide a later skip.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Diagnostic, refuse } from "../report/diagnostic.ts";
import type { SuiteResult } from "./result.ts";

const SKIPS_FILE = "tests/skips.json";

interface AllowedSkip {
  readonly suite: string;
  readonly name: string;
  readonly reason: string;
}

export function readAllowedSkips(root: string): AllowedSkip[] {
  const value: unknown = JSON.parse(readFileSync(join(root, SKIPS_FILE), "utf8"));
  if (!Array.isArray(value))
    refuse("must be a list of { suite, name, reason }", { file: SKIPS_FILE });
  return value.map((entry: unknown, index) => {
    const { suite, name, reason } = (entry ?? {}) as Partial<AllowedSkip>;
    if (
      typeof suite !== "string" ||
      typeof name !== "string" ||
      typeof reason !== "string" ||
      reason.trim() === ""
    ) {
      refuse(`entry ${index + 1} must have suite, name and a reason`, { file: SKIPS_FILE });
    }
    return { suite, name, reason };
  });
}

/** The failures of the skips in `results`; entries for suites that did not run are ignored. */
export function judgeSkips(
  results: readonly SuiteResult[],
  allowed: readonly AllowedSkip[],
): Diagnostic[] {
  const skipped = results.flatMap(({ suite, cases }) =>
    cases.filter(({ outcome }) => outcome === "skipped").map(({ name }) => ({ suite, name })),
  );
  const isSame = (
    a: { suite: string; name: string },
    b: { suite: string; name: string },
  ): boolean => a.suite === b.suite && a.name === b.name;

  const unnamed = skipped.filter((skip) => !allowed.some((entry) => isSame(entry, skip)));
  const unused = allowed.filter(
    (entry) =>
      results.some(({ suite }) => suite === entry.suite) &&
      !skipped.some((skip) => isSame(entry, skip)),
  );
  return [
    ...unnamed.map(({ suite, name }): Diagnostic => {
      return {
        severity: "error",
        message: `${suite}: "${name}" is skipped`,
        help: `run it, or name it in ${SKIPS_FILE} with the reason`,
      };
    }),
    ...unused.map(({ suite, name }): Diagnostic => {
      return {
        severity: "error",
        file: SKIPS_FILE,
        message: `${suite}: "${name}" is not skipped any more`,
        help: "remove the entry",
      };
    }),
  ];
}
