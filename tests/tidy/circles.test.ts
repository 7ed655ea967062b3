// Files and folders of kernel and tools that import each other, directly or by way of others.
import { posix } from "node:path";
import { describe, expect, test } from "vitest";
import { type Graph, circles } from "./circles.ts";
import { importsOf, sourceFiles } from "./source-tree.ts";

/** Records that point at each other. AssemblyScript has no import of a type alone. */
const FILE_CIRCLES: readonly string[] = [
  "kernel/object/handle-entry kernel/object/kernel-object kernel/object/mapping kernel/object/memory-object",
  "kernel/object/domain kernel/object/endpoint kernel/object/inbox kernel/object/interrupt kernel/object/thread",
];

const files = sourceFiles().filter((file) => /^(kernel|toolchain)\/.*(?<!\.test)\.ts$/.test(file));

function addEdge(graph: Map<string, Set<string>>, from: string, to: string): void {
  const targets = graph.get(from) ?? new Set();
  graph.set(from, targets.add(to));
}

/** What imports what, types left out; `nameOf` says which node a file belongs to. */
function importGraph(nameOf: (path: string) => string): Graph {
  const graph = new Map<string, Set<string>>();
  const known = new Set(files.map((file) => file.replace(/\.ts$/, "")));
  for (const file of files)
    for (const { path, isTypeOnly } of importsOf(file)) {
      if (path === null || isTypeOnly || !known.has(path)) continue;
      const [from, to] = [nameOf(file.replace(/\.ts$/, "")), nameOf(path)];
      if (from !== to) addEdge(graph, from, to);
    }
  return graph;
}

const names = (graph: Graph): string[] => circles(graph).map((circle) => circle.join(" "));

test("no files import each other but the records that point at each other", () => {
  expect(names(importGraph((path) => path))).toEqual([...FILE_CIRCLES].sort());
});

test("no folders import each other", () => {
  expect(names(importGraph((path) => posix.dirname(path)))).toEqual([]);
});

describe("circles", () => {
  const graphOf = (text: string): Graph =>
    new Map(
      text.split("; ").map((line) => {
        const [from, to] = line.split(" > ") as [string, string];
        return [from, new Set(to.split(" "))];
      }),
    );

  test.each<[string, string[]]>([
    ["a > b; b > c", []],
    ["a > b; b > a", ["a b"]],
    ["a > b; b > c; c > a; d > a", ["a b c"]],
    ["a > b c; b > a; c > d; d > c", ["a b", "c d"]],
    ["a > b; b > d c; c > a; d > c", ["a b c d"]],
  ])("of %s are %j", (text, expected) => {
    expect(names(graphOf(text))).toEqual(expected);
  });
});
