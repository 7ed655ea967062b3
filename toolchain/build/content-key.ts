/**
 * Keys that stand for contents: equal keys mean equal inputs, wherever the tree lies and whenever its files were written.
 */
import { createHash } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The key of all files that match `patterns` (names and contents) and of `values`. */
export function contentKey(root: string, patterns: readonly string[], values: readonly unknown[] = []): string {
  const hash = createHash("sha256");
  hash.update(JSON.stringify(values));
  for (const file of matchingFiles(root, patterns)) {
    const contents = readFileSync(join(root, file));
    hash.update(`\0${file}\0${contents.length}\0`).update(contents);
  }
  return hash.digest("hex");
}

/** Paths relative to the root, sorted, so that the order of folders on disk does not matter. */
export function matchingFiles(root: string, patterns: readonly string[]): string[] {
  const entries = patterns.flatMap((pattern) => globSync(pattern, { cwd: root, withFileTypes: true }));
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
  return [...new Set(files)].sort();
}
