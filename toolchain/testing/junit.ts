/** Results as JUnit XML, which build servers read. */
import type { CaseResult, SuiteResult } from "./result.ts";
import { totals } from "./result.ts";

export function formatJunit(results: readonly SuiteResult[]): string {
  const all = totals(results);
  const lines = ['<?xml version="1.0" encoding="UTF-8"?>'];
  lines.push(
    `<testsuites name="trine" tests="${all.passed + all.failed + all.skipped}" failures="${all.failed}">`,
  );
  for (const result of results) {
    const own = totals([result]);
    const counts = `tests="${result.cases.length}" failures="${own.failed}" skipped="${own.skipped}"`;
    lines.push(
      `  <testsuite name="${escape(result.suite)}" ${counts} time="${seconds(result.milliseconds)}">`,
    );
    lines.push(...result.cases.map((entry) => formatCase(result.suite, entry)));
    lines.push("  </testsuite>");
  }
  return [...lines, "</testsuites>", ""].join("\n");
}

function formatCase(suite: string, { name, outcome, milliseconds, message }: CaseResult): string {
  const start = `    <testcase classname="${escape(suite)}" name="${escape(name)}" time="${seconds(milliseconds)}"`;
  if (outcome === "passed") return `${start}/>`;
  if (outcome === "skipped")
    return `${start}><skipped message="${escape(message ?? "")}"/></testcase>`;
  const first = (message ?? "").split("\n", 1)[0] ?? "";
  return `${start}><failure message="${escape(first)}">${escape(message ?? "")}</failure></testcase>`;
}

function seconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(3);
}

/** Replaces control characters that XML 1.0 does not allow; a serial line may contain any. */
function escape(text: string): string {
  return text
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "\ufffd")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("\n", "&#10;");
}
