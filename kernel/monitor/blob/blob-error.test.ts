import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { BlobError } from "../../abi/blob-error.ts";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../../..");
const text = (file: string): string => readFileSync(join(ROOT, file), "utf8");
const errors = Object.values(BlobError).filter(
  (name): name is keyof typeof BlobError => typeof name === "string" && name !== "None",
);

test("every error of a blob has a number and words of its own, and stands in policy/blob.md", () => {
  const words = new Map(
    [...text("kernel/entry/boot.ts").matchAll(/case BlobError\.(\w+):\s+return "([^"]+)";/g)].map(
      (match) => [match[1]!, match[2]!],
    ),
  );
  const documented = text("policy/blob.md");
  expect(errors.filter((name) => !documented.includes(`\`${name}\``))).toEqual([]);
  // What is no more than bad structure has the words of every error without its own.
  expect(errors.filter((name) => !words.has(name))).toEqual(["BadStructure"]);
  expect(new Set(words.values()).size).toBe(words.size);
  expect(new Set(errors.map((name) => BlobError[name])).size).toBe(errors.length);
  for (const [, name, number, said] of documented.matchAll(/^\| `(\w+)` \| (\d+) \| (.+) \|$/gm)) {
    expect([name, BlobError[name as keyof typeof BlobError], words.get(name!)]).toEqual([
      name,
      Number(number),
      said,
    ]);
  }
});
