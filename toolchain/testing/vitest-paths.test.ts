import { expect, test } from "vitest";
import { isPath, runsFor } from "./vitest-paths.ts";

test("a path is told from a suite's name", () => {
  expect(["host", "kernel", "services/greeter", "services/", "a.test.ts"].map(isPath)).toEqual([
    false,
    false,
    true,
    true,
    true,
  ]);
});

test("tests that boot images are run as their suite runs them", () => {
  expect([
    ...runsFor([
      "services/greeter",
      "tests/system/shell.test.ts",
      "tests/blobs",
      "tests/guards",
      "tests/tidy",
    ]),
  ]).toEqual([
    ["vitest.config.ts", ["services/greeter", "tests/tidy"]],
    ["vitest.system.config.ts", ["tests/system/shell.test.ts", "tests/blobs"]],
    ["vitest.guards.config.ts", ["tests/guards"]],
  ]);
});
