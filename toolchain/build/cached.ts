/** Leaves out work whose inputs have not changed since its outputs were written. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { BUILD } from "./tree.ts";

interface CacheEntry<Result> {
  readonly key: string;
  readonly outputs: readonly string[];
  readonly result: Result;
}

export interface CachedWork<Result> {
  /** Distinct for each kind of work and output. */
  readonly name: string;
  /** Stands for all inputs: see `contentKey`. */
  readonly key: string;
  /** Does the work and says which files it wrote, relative to the root. The result must survive JSON. */
  readonly work: () => Promise<{ readonly outputs: readonly string[]; readonly result: Result }>;
}

/** The result of `work`, done now or by an earlier run with the same key whose outputs are all still there. */
export async function cached<Result>(root: string, { name, key, work }: CachedWork<Result>): Promise<{ result: Result; fresh: boolean }> {
  const path = join(root, BUILD.cache, `${name.replaceAll("/", "-")}.json`);
  const known = readEntry<Result>(path);
  if (known !== null && known.key === key && known.outputs.every((output) => existsSync(join(root, output)))) {
    return { result: known.result, fresh: false };
  }

  const { outputs, result } = await work();
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, JSON.stringify({ key, outputs, result } satisfies CacheEntry<Result>));
  return { result, fresh: true };
}

/** A file that an interrupted run left half written counts as none. */
function readEntry<Result>(path: string): CacheEntry<Result> | null {
  if (!existsSync(path)) return null;
  try {
    return JSON.parse(readFileSync(path, "utf8")) as CacheEntry<Result>;
  } catch {
    return null;
  }
}
