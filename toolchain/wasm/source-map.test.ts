import { expect, test } from "vitest";
import { readSourceMap } from "./source-map.ts";

const map = (mappings: string): string =>
  JSON.stringify({
    version: 3,
    sources: ["kernel/entry/main.ts", "kernel/entry/call.ts"],
    names: [],
    mappings,
  });

test("answers with the mapping at or before an offset, counted from 1", () => {
  // Offset 10: file 0, line 5, column 3; offset 14: file 1, line 4, column 5.
  const sourceOf = readSourceMap(map("UAIE,ICDE"));
  expect(sourceOf(9)).toBeNull();
  expect(sourceOf(10)).toEqual({ file: "kernel/entry/main.ts", line: 5, column: 3 });
  expect(sourceOf(13)).toEqual({ file: "kernel/entry/main.ts", line: 5, column: 3 });
  expect(sourceOf(14)).toEqual({ file: "kernel/entry/call.ts", line: 4, column: 5 });
  expect(sourceOf(-1)).toBeNull();
});

test("a mapping without a source ends the one before", () => {
  const sourceOf = readSourceMap(map("UAIE,I"));
  expect(sourceOf(13)).not.toBeNull();
  expect(sourceOf(14)).toBeNull();
});

test.each([
  ["{}"],
  ['{"version":3,"sources":[],"mappings":"!"}'],
  ['{"version":3,"sources":[],"mappings":"gggggggggggggggg"}'],
])("refuses %s", (text) => {
  expect(() => readSourceMap(text)).toThrow();
});
