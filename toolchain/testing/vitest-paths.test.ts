import { expect, test } from "vitest";
import { isPath } from "./vitest-paths.ts";

test("a path is distinguished from the name of a suite", () => {
  expect(["host", "kernel", "services/greeter", "services/", "a.test.ts"].map(isPath)).toEqual([
    false,
    false,
    true,
    true,
    true,
  ]);
});
