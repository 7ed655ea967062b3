import { expect, test } from "vitest";
import { formatJunit } from "./junit.ts";
import { closingLine, type SuiteResult, totals } from "./result.ts";
import { formatTap, parseTap } from "./tap.ts";

const results: SuiteResult[] = [
  {
    suite: "kernel",
    milliseconds: 1500,
    cases: [
      { name: "a call is answered", outcome: "passed", milliseconds: 20 },
      { name: "a # and <b>", outcome: "failed", milliseconds: 1, message: "line 1\nline \u001b2" },
      { name: "needs a TPM", outcome: "skipped", milliseconds: 0, message: "none here" },
    ],
  },
];

test("totals and closing line", () => {
  expect(closingLine(totals(results))).toBe("1 passed, 1 failed, 1 skipped");
  expect(closingLine({ passed: 3, failed: 0, skipped: 0 })).toBe("3 passed, 0 failed");
});

test("TAP out and in again keeps outcomes, names and reasons", () => {
  const text = formatTap(results);
  expect(text).toContain("1..3\nok 1 - kernel: a call is answered\n# line 1\n");
  const cases = parseTap(text);
  expect(cases.map((entry) => entry.outcome)).toEqual(["passed", "failed", "skipped"]);
  expect(cases[1]?.message).toBe("line 1\nline \u001b2");
  expect(cases[2]).toMatchObject({ name: "kernel: needs a TPM", message: "none here" });
});

test.each([
  ["no plan", "ok 1 - a\n", "ended before it printed its plan"],
  ["fewer cases than planned", "1..2\nok 1 - a\n", "2 cases are planned and only 1 reported"],
  ["a bail out", "1..1\nBail out! no memory\n", "Bail out! no memory"],
])("%s is a failure", (_what, text, message) => {
  expect(
    parseTap(text)
      .filter((entry) => entry.outcome === "failed")
      .map((entry) => entry.message)
      .join(),
  ).toContain(message);
});

test("lines of the booting system between the cases are no cases", () => {
  expect(
    parseTap("SeaBIOS\nokay then\n1..1\nkernel: ok\nok 1 - a\r\n").map((entry) => entry.name),
  ).toEqual(["a"]);
});

test("JUnit XML carries counts, and no character that XML does not allow", () => {
  const xml = formatJunit(results);
  expect(xml).toContain('<testsuites name="trine" tests="3" failures="1">');
  expect(xml).toContain('name="a # and &lt;b&gt;"');
  expect(xml).toContain("line 1&#10;line \ufffd2");
  expect(xml).toContain('<skipped message="none here"/>');
});
