/**
 * The Test Anything Protocol, version 13: reads the output of test images, and writes results. The
 * test image's own writer is tests/system/tap.ts; `tap-format.ts` has the words that both write.
 */
import type { CaseResult, SuiteResult } from "./result.ts";
import { TAP_COMMENT, TAP_FAILED, TAP_NAME, TAP_PASSED, TAP_PLAN } from "./tap-format.ts";

const CASE_LINE = /^(not )?ok(?:\s+(\d+))?(?:\s*-?\s*(.*?))?\s*$/;
const DIRECTIVE = /^(.*?)\s*#\s*(skip|todo)\S*\s*(.*)$/i;

/**
 * The cases in `text`. Missing cases, and a missing plan, are failed cases of their own, so that a
 * test image that dies early cannot pass.
 */
export function parseTap(text: string): CaseResult[] {
  const cases: CaseResult[] = [];
  let planned: number | null = null;
  let comments: string[] = [];

  for (const line of text.split(/\r?\n/)) {
    const plan = /^1\.\.(\d+)\s*(#|$)/.exec(line);
    const found = CASE_LINE.exec(line);
    if (plan !== null) planned = Number(plan[1]);
    else if (line.startsWith("Bail out!")) cases.push(failure("bail out", line));
    else if (line.startsWith("#")) comments.push(line.slice(1).trim());
    else if (found !== null && /^(not )?ok\b/.test(line)) {
      cases.push(toCase(found, cases.length + 1, comments));
      comments = [];
    }
  }

  if (planned === null)
    cases.push(failure("the plan", "the run ended before it printed its plan (1..n)"));
  else if (cases.length < planned)
    cases.push(
      failure("the plan", `${planned} cases are planned and only ${cases.length} reported`),
    );
  return cases;
}

/** All results as one TAP stream. */
export function formatTap(results: readonly SuiteResult[]): string {
  const lines = results.flatMap(({ suite, cases }) => cases.map((entry) => ({ suite, entry })));
  const body = lines.map(({ suite, entry }, index) =>
    formatCase(`${suite}: ${entry.name}`, entry, index + 1),
  );
  return ["TAP version 13", `${TAP_PLAN}${lines.length}`, ...body, ""].join("\n");
}

function toCase(match: RegExpExecArray, number: number, comments: readonly string[]): CaseResult {
  const title = match[3] ?? "";
  const directive = DIRECTIVE.exec(title);
  const name = (directive?.[1] ?? title) || `case ${number}`;
  if (directive !== null && /skip/i.test(directive[2]!))
    return { name, outcome: "skipped", milliseconds: 0, message: directive[3] ?? "" };
  if (match[1] === undefined) return { name, outcome: "passed", milliseconds: 0 };
  return { name, outcome: "failed", milliseconds: 0, message: comments.join("\n") };
}

function failure(name: string, message: string): CaseResult {
  return { name, outcome: "failed", milliseconds: 0, message };
}

function formatCase(title: string, { outcome, message }: CaseResult, number: number): string {
  // A `#` would start a directive.
  const name = title.replaceAll("#", "\\#").replaceAll("\n", " ");
  const passed = `${TAP_PASSED}${number}${TAP_NAME}${name}`;
  if (outcome === "skipped") return `${passed} # SKIP ${message ?? ""}`.trimEnd();
  if (outcome === "passed") return passed;
  const reasons = (message ?? "").split("\n").map((line) => `${TAP_COMMENT}${line}`);
  return [...reasons, `${TAP_FAILED}${number}${TAP_NAME}${name}`].join("\n");
}
