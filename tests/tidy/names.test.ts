import { homedir } from "node:os";
import { basename, dirname } from "node:path";
import { expect, test } from "vitest";
import { read, ROOT, sourceFiles } from "./source-tree.ts";

const files = sourceFiles();
const texts = files.filter(
  (file) =>
    /\.(ts|js|asm|inc|ld|sh|md|json|policy|yml)$|^Makefile$|^\.ci\/run$/.test(file) &&
    !file.endsWith("package-lock.json"),
);

/** Names that say nothing about what lies behind them. */
const EMPTY_NAMES = /^(utils?|helpers?|common|misc|.*-?manager|shared|stuff)$/;

test("no file or folder has a name that says nothing", () => {
  const parts = files.flatMap((file) =>
    file.split("/").map((part) => ({ file, part: part.replace(/\..*$/, "") })),
  );
  expect(parts.filter(({ part }) => EMPTY_NAMES.test(part)).map(({ file }) => file)).toEqual([]);
});

test("files are named in lower case with hyphens", () => {
  const capitals =
    /^(README|ARCHITECTURE|CHANGELOG|CONTRIBUTING|SECURITY|LICENSE|NOTICE|Makefile)(\.md)?$/;
  const odd = files.filter(
    (file) =>
      !capitals.test(basename(file)) && !/^\.?[a-z0-9]+([.-][a-z0-9]+)*$/.test(basename(file)),
  );
  expect(odd).toEqual([]);
});

test("every top folder says what lives there", () => {
  const folders = [
    ...new Set(files.filter((file) => file.includes("/")).map((file) => file.split("/")[0]!)),
  ];
  const visible = folders.filter((folder) => !folder.startsWith("."));
  expect(visible.filter((folder) => !files.includes(`${folder}/README.md`))).toEqual([]);
});

test("a README of a top folder fits on one screen", () => {
  const long = files.filter(
    (file) => /^[^/]+\/README\.md$/.test(file) && read(file).split("\n").length > 65,
  );
  expect(long).toEqual([]);
});

test("no file knows where this clone lies", () => {
  const places = [dirname(ROOT), homedir()]
    .filter((place) => place.length > 1)
    .map((place) => `${place}/`);
  expect(texts.filter((file) => places.some((place) => read(file).includes(place)))).toEqual([]);
});

test("a file's header is at most fourteen lines", () => {
  // The registers of the system calls are a table, and their file's header is where it stands.
  const sources = texts.filter(
    (file) => file.endsWith(".ts") && file !== "kernel/abi/system-call.ts",
  );
  expect(sources.filter((file) => headerLines(read(file)) > 14)).toEqual([]);
});

/** Lines of the comment that a file starts with. */
function headerLines(text: string): number {
  if (text.startsWith("/**"))
    return text
      .slice(0, text.indexOf("*/"))
      .split("\n")
      .filter((line) => !/^\s*\/\*\*\s*$|^\s*$/.test(line)).length;
  return text.split("\n").findIndex((line) => !line.startsWith("//"));
}

test.each([
  ["as any", /\bas any\b/],
  ["a suppressed compiler error", /@ts-(ignore|nocheck|expect-error)/],
  ["a mark for later work", /\b(TODO|FIXME|XXX)\b/],
])("no source contains %s", (_what, pattern) => {
  const sources = texts.filter((file) => file.endsWith(".ts") && !file.startsWith("tests/tidy/"));
  const found = sources.flatMap((file) =>
    read(file)
      .split("\n")
      .flatMap((line, index) => (pattern.test(line) ? [`${file}:${index + 1}`] : [])),
  );
  expect(found).toEqual([]);
});
