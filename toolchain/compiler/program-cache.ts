import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { contentKey } from "../build/content-key.ts";
import { BUILD } from "../build/tree.ts";

/** What a program's executable depends on besides its own sources: everything that works on it. */
const TOOLCHAIN_FILES = [
  ...["compiler", "wasm", "ir", "x64", "elf", "verify", "listing", "targets"].map((folder) => `toolchain/${folder}/**/*`), "kernel/abi/*.ts", "package-lock.json",
];

const toolchainKeys = new Map<string, string>();

/** Stands for the tools; computed once a process. */
export function toolchainKey(root: string): string {
  let key = toolchainKeys.get(root);
  if (key === undefined) {
    key = contentKey(root, TOOLCHAIN_FILES);
    toolchainKeys.set(root, key);
  }
  return key;
}

interface Entry<Result> {
  readonly key: string;
  /** Digest by path relative to the root; null: the file did not exist. */
  readonly files: Readonly<Record<string, string | null>>;
  readonly outputs: Readonly<Record<string, string>>;
  readonly result: Result;
}

/**
 * The result of an earlier run with the same key, if every file that it read and wrote is still what it was. The files are
 * known only after a run, so they are recorded with the result instead of being part of the key.
 */
export function recallProgram<Result>(root: string, name: string, key: string): Result | null {
  const path = entryPath(root, name);
  if (!existsSync(path)) return null;
  let entry: Entry<Result>;
  try {
    entry = JSON.parse(readFileSync(path, "utf8")) as Entry<Result>;
  } catch {
    return null; // half written by a run that was interrupted
  }
  if (entry.key !== key) return null;
  for (const [file, digest] of [...Object.entries(entry.files), ...Object.entries(entry.outputs)]) {
    if (fileDigest(join(root, file)) !== digest) return null;
  }
  return entry.result;
}

/** Remembers `result` together with the files read and the files written, paths relative to the root. */
export function rememberProgram<Result>(
  root: string, name: string, key: string, files: readonly string[], outputs: readonly string[], result: Result,
): void {
  const digests = (paths: readonly string[]) => Object.fromEntries(paths.map((path) => [path, fileDigest(join(root, path))]));
  const path = entryPath(root, name);
  mkdirSync(join(root, BUILD.cache), { recursive: true });
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, JSON.stringify({ key, files: digests(files), outputs: digests(outputs), result }));
  renameSync(draft, path);
}

function entryPath(root: string, name: string): string {
  return join(root, BUILD.cache, `program-${name.replaceAll(/[^\w.-]/g, "-")}.json`);
}

function fileDigest(path: string): string | null {
  if (!existsSync(path)) return null;
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}
