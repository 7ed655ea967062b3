import { expect, test } from "vitest";
import { casesOfReport } from "./vitest-suite.ts";

test("tests are named by file and title, and a file that does not load is a failure", () => {
  const cases = casesOfReport("/tree", {
    testResults: [
      {
        name: "/tree/toolchain/a.test.ts",
        status: "failed",
        assertionResults: [
          { fullName: "adds", status: "passed", duration: 2 },
          { fullName: "subtracts", status: "failed", duration: 1, failureMessages: ["1 is not 2"] },
          { fullName: "divides", status: "todo", duration: null },
        ],
      },
      {
        name: "/tree/kernel/b.test.ts",
        status: "failed",
        message: "cannot find ./b.ts",
        assertionResults: [{ fullName: "never ran", status: "skipped" }],
      },
    ],
  });
  expect(cases).toEqual([
    { name: "toolchain/a.test.ts: adds", outcome: "passed", milliseconds: 2 },
    {
      name: "toolchain/a.test.ts: subtracts",
      outcome: "failed",
      milliseconds: 1,
      message: "1 is not 2",
    },
    { name: "toolchain/a.test.ts: divides", outcome: "skipped", milliseconds: 0 },
    { name: "kernel/b.test.ts", outcome: "failed", milliseconds: 0, message: "cannot find ./b.ts" },
  ]);
});
