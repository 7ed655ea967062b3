import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { cached } from "./cached.ts";
import { contentKey } from "./content-key.ts";

let root = "";
let runs = 0;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "trine-cache-"));
  mkdirSync(join(root, "source/inner"), { recursive: true });
  writeFileSync(join(root, "source/a.ts"), "one");
  runs = 0;
});
afterEach(() => rmSync(root, { recursive: true }));

const key = (values: readonly unknown[] = []) => contentKey(root, ["source/**/*.ts"], values);

function work(values: readonly unknown[] = []) {
  return cached(root, {
    name: "test",
    key: key(values),
    work: async () => {
      runs += 1;
      writeFileSync(join(root, "output"), "made");
      return { outputs: ["output"], result: { runs } };
    },
  });
}

test("unchanged inputs are worked on once, and the result stays", async () => {
  expect(await work()).toEqual({ result: { runs: 1 }, fresh: true });
  expect(await work()).toEqual({ result: { runs: 1 }, fresh: false });
});

test.each<[string, () => void]>([
  ["a file's contents change", () => writeFileSync(join(root, "source/a.ts"), "two")],
  ["a file is added deeper down", () => writeFileSync(join(root, "source/inner/b.ts"), "")],
  ["a file is removed", () => rmSync(join(root, "source/a.ts"))],
  ["an output is gone", () => rmSync(join(root, "output"))],
  ["the record is damaged", () => writeFileSync(join(root, "build/cache/test.json"), "{")],
])("the work is done again when %s", async (_when, change) => {
  await work();
  change();
  expect((await work()).fresh).toBe(true);
  expect(runs).toBe(2);
});

test("values count as inputs", async () => {
  await work(["debug"]);
  expect((await work(["release"])).fresh).toBe(true);
});

test("the key does not depend on where the tree lies", () => {
  const other = mkdtempSync(join(tmpdir(), "trine-other-"));
  mkdirSync(join(other, "source"));
  writeFileSync(join(other, "source/a.ts"), "one");
  expect(contentKey(other, ["source/**/*.ts"])).toBe(key());
  rmSync(other, { recursive: true });
});

test("text moved from one file's end to the next one's start changes the key", () => {
  writeFileSync(join(root, "source/b.ts"), "xy");
  const before = key();
  writeFileSync(join(root, "source/a.ts"), "onex");
  writeFileSync(join(root, "source/b.ts"), "y");
  expect(key()).not.toBe(before);
});
