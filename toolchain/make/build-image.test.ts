import { expect, test } from "vitest";
import { checkRequest } from "./build-image.ts";
import { findRoot } from "../cache/tree.ts";

const request = {
  root: findRoot(),
  image: "main",
  medium: "iso",
  release: false,
  without: undefined,
};

// Before anything is built: a mistake in a word must not cost a build.
test.each([
  ["a medium", { medium: "floppy" }, "no medium `floppy`"],
  ["a guard", { without: "foo" }, "there is no guard `foo`"],
  ["a release without a guard", { release: true, without: "smep" }, "a release has all its guards"],
])("%s that cannot be is refused", (_name, change, message) => {
  expect(() => checkRequest({ ...request, ...change })).toThrow(message);
});

test("a request that can be is taken", () => {
  expect(checkRequest({ ...request, without: "smep" })).toMatchObject({
    medium: "iso",
    without: "smep",
  });
});
