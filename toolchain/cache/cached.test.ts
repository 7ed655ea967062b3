import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { cached } from "./cached.ts";
import { listInputs, readInput } from "./inputs.ts";

let root = "";
let runs = 0;
/** What happens after the work has read, before it is done. */
let meanwhile: () => void = () => {};
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "trine-cache-"));
  mkdirSync(join(root, "source/inner"), { recursive: true });
  mkdirSync(join(root, "elsewhere"));
  write("source/a.ts", "one");
  write("elsewhere/b.ts", "two");
  runs = 0;
  meanwhile = () => {};
});
afterEach(() => rmSync(root, { recursive: true }));

const write = (file: string, text: string): void => writeFileSync(join(root, file), text);

/**
 * Reads what it finds in a folder, a file of its own choice elsewhere, and looks for one that is
 * not there.
 */
function work(key: readonly unknown[] = []) {
  return cached(root, {
    name: "test",
    key,
    work: async () => {
      runs += 1;
      for (const file of listInputs(root, "source/**/*.ts")) readInput(root, file);
      readInput(root, "elsewhere/b.ts");
      readInput(root, "elsewhere/shadow.ts");
      meanwhile();
      write("output", "made");
      return { outputs: ["output"], result: { runs } };
    },
  });
}

/** Work that is part of other work. */
const outer = () =>
  cached(root, {
    name: "outer",
    key: [],
    work: async () => ({ outputs: [], result: (await work()).result }),
  });

test("unchanged inputs are worked on once, and the result stays", async () => {
  expect(await work()).toEqual({ result: { runs: 1 }, fresh: true });
  expect(await work()).toEqual({ result: { runs: 1 }, fresh: false });
});

const CHANGES: readonly [string, () => void][] = [
  ["a file's contents change", () => write("source/a.ts", "two")],
  ["a file's contents change that no input names", () => write("elsewhere/b.ts", "three")],
  ["a file appears that was looked for in vain", () => write("elsewhere/shadow.ts", "")],
  ["a file is added deeper down", () => write("source/inner/b.ts", "")],
  ["a file is removed", () => rmSync(join(root, "source/a.ts"))],
  [
    "a file becomes a link to another",
    () => (
      rmSync(join(root, "source/a.ts")), symlinkSync("../elsewhere/b.ts", join(root, "source/a.ts"))
    ),
  ],
  ["an output is gone", () => rmSync(join(root, "output"))],
  ["an output was overwritten", () => write("output", "by somebody else")],
];

test.each(CHANGES)("the work is done again when %s", async (_when, change) => {
  await work();
  change();
  expect((await work()).fresh).toBe(true);
  expect(runs).toBe(2);
});

test.each(["{", "null", "7", '{"key":"[]","outputs":["output"],"result":{"runs":1}}'])(
  "a record that holds %j counts as none",
  async (record) => {
    await work();
    write("build/cache/test.json", record);
    expect((await work()).fresh).toBe(true);
  },
);

test("the key counts", async () => {
  await work(["debug"]);
  expect((await work(["release"])).fresh).toBe(true);
});

test("what a part reads counts for the whole, also where the part itself was left out", async () => {
  await work();
  expect((await outer()).fresh).toBe(true);
  expect(runs).toBe(1);
  expect((await outer()).fresh).toBe(false);
  write("elsewhere/b.ts", "three");
  expect((await outer()).fresh).toBe(true);
  expect(runs).toBe(2);
});

test("a file that changes between two readings of one work is never taken for unchanged", async () => {
  for (const text of ["three", "two"]) {
    meanwhile = () => {
      write("elsewhere/b.ts", text);
      readInput(root, "elsewhere/b.ts");
    };
    await work();
  }
  expect(runs).toBe(2);
  meanwhile = () => {};
  expect((await work()).fresh).toBe(true);
});

test("an edit right behind the reading is seen by the next run", async () => {
  meanwhile = () => write("elsewhere/b.ts", "edited while the compiler runs");
  await work();
  meanwhile = () => {};
  expect((await work()).fresh).toBe(true);
});
