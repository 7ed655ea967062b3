import { expect, test } from "vitest";
import { formatDiagnostic } from "../report/diagnostic.ts";
import type { CaseResult, SuiteResult } from "./result.ts";
import { judgeSkips } from "./skips.ts";

const suite = (name: string, ...cases: CaseResult[]): SuiteResult => ({
  suite: name,
  milliseconds: 0,
  cases,
});
const skipped = (name: string): CaseResult => ({ name, outcome: "skipped", milliseconds: 0 });
const passed = (name: string): CaseResult => ({ name, outcome: "passed", milliseconds: 0 });

test("a skip with an entry passes", () => {
  expect(
    judgeSkips(
      [suite("host", skipped("a"))],
      [{ suite: "host", name: "a", reason: "no such CPU" }],
    ),
  ).toEqual([]);
});

test.each([
  ["no entry", []],
  ["an entry of another suite", [{ suite: "system", name: "a", reason: "r" }]],
])("a skip with %s fails", (_what, allowed) => {
  const [first] = judgeSkips([suite("host", skipped("a"))], allowed);
  expect(formatDiagnostic(first!)).toContain('host: "a" is skipped; help: run it, or name it');
});

test("an entry for a test that is no longer skipped fails", () => {
  const findings = judgeSkips(
    [suite("host", passed("a"))],
    [{ suite: "host", name: "a", reason: "r" }],
  );
  expect(findings.map(formatDiagnostic)).toEqual([
    'tests/skips.json: host: "a" is not skipped any more; help: remove the entry',
  ]);
});

test("entries of suites that did not run are ignored", () => {
  expect(
    judgeSkips([suite("host", passed("a"))], [{ suite: "system", name: "b", reason: "r" }]),
  ).toEqual([]);
});
