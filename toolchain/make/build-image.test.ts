import { expect, test } from "vitest";
import { buildImage, checkRequest } from "./build-image.ts";
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
  ["a kernel that judges nothing", { without: "unjudged" }, "there is no guard `unjudged`"],
  ["a release without a guard", { release: true, without: "smep" }, "a release has all its guards"],
])("%s that cannot be is refused", (_name, change, message) => {
  expect(() => checkRequest({ ...request, ...change })).toThrow(message);
});

test.each([
  ["main", false],
  ["test", false],
  ["bench-pcid", false],
  ["bench", true],
])(
  "no image but the bench's has a kernel whose fast path judges nothing: %s, release %s",
  (image, release) => {
    expect(() =>
      buildImage({ ...request, image, release, medium: "iso", without: "unjudged" }, "plain"),
    ).toThrow("only the image bench is measured");
  },
);

test("a request that can be is taken", () => {
  expect(checkRequest({ ...request, without: "smep" })).toMatchObject({
    medium: "iso",
    without: "smep",
  });
});
