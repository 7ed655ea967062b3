import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import {
  type Diagnostic,
  DiagnosticError,
  formatDiagnostic,
  refuse,
  systemRefusal,
  throwOnError,
} from "./diagnostic.ts";

const unknownObject: Diagnostic = {
  severity: "error",
  file: "policy/modules/block.policy",
  line: 9,
  column: 7,
  message: "unknown object `disk_register`",
  help: "did you mean `disk_registers`?",
};

test.each<[string, Diagnostic, string]>([
  [
    "everything is known",
    unknownObject,
    "policy/modules/block.policy:9:7: unknown object `disk_register`; help: did you mean `disk_registers`?",
  ],
  [
    "there is no help",
    { severity: "error", file: "a.ts", line: 1, column: 2, message: "no" },
    "a.ts:1:2: no",
  ],
  [
    "the column is not known",
    { severity: "error", file: "a.ts", line: 1, message: "no" },
    "a.ts:1: no",
  ],
  [
    "the line is not known",
    { severity: "error", file: "a.ts", column: 4, message: "no" },
    "a.ts: no",
  ],
  ["nothing is known", { severity: "error", message: "no" }, "no"],
  [
    "it is a warning",
    { severity: "warning", file: "a.ts", line: 1, column: 2, message: "slow" },
    "a.ts:1:2: warning: slow",
  ],
])("a diagnostic is one line when %s", (_when, diagnostic, text) => {
  expect(formatDiagnostic(diagnostic)).toBe(text);
});

test("an error's message is the lines of its diagnostics", () => {
  const error = new DiagnosticError([unknownObject, { severity: "error", message: "and more" }]);
  expect(error.message.split("\n")).toEqual([formatDiagnostic(unknownObject), "and more"]);
});

test("refuse throws one error with its place", () => {
  expect(() => refuse("no such image", { file: "images", help: "main" })).toThrow(
    "images: no such image; help: main",
  );
});

test("warnings alone do not throw, one error does", () => {
  const warning: Diagnostic = { severity: "warning", message: "slow" };
  expect(() => throwOnError([warning])).not.toThrow();
  expect(() => throwOnError([warning, unknownObject])).toThrow(DiagnosticError);
});

test.each<[string, () => unknown, string | undefined]>([
  [
    "a file below a file",
    () => writeFileSync("/dev/null/x", ""),
    "/dev/null/x: the system refuses `open`: a part of the path is no folder (ENOTDIR)",
  ],
  [
    "a folder in place of a file",
    () => writeFileSync("/", ""),
    "/: the system refuses `open`: it is a folder (EISDIR)",
  ],
  [
    "a folder that is read",
    () => readFileSync("/"),
    "the system refuses `read`: it is a folder (EISDIR)",
  ],
  [
    "an error of ours",
    () => {
      throw new TypeError("no");
    },
    undefined,
  ],
])(
  "what the system says of %s is the user's to know, and nothing else",
  (_what, work, expected) => {
    let refusal: Diagnostic | undefined;
    try {
      work();
    } catch (error) {
      refusal = systemRefusal(error);
    }
    expect(refusal === undefined ? undefined : formatDiagnostic(refusal)).toBe(expected);
  },
);
