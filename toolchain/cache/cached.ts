/** Leaves out work if nothing that it read, and nothing that it wrote, has changed since. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { threadId } from "node:worker_threads";
import { areUnchanged, fileDigest, type Inputs, noteInputs, recordInputs } from "./inputs.ts";
import { BUILD } from "./tree.ts";

interface CacheEntry<Result> {
  readonly key: string;
  readonly inputs: Inputs;
  /** Digest by path, relative to the root. */
  readonly outputs: Readonly<Record<string, string | null>>;
  readonly result: Result;
}

interface CachedWork<Result> {
  /** Distinct for each kind of work and output. */
  readonly name: string;
  /**
   * What decides the result besides the files that the work reads: options, and the tools
   * themselves. Plain data.
   */
  readonly key: readonly unknown[];
  /**
   * Does the work and says which files it wrote, relative to the root. What it reads is recorded:
   * `inputs.ts`. The result must survive JSON.
   */
  readonly work: () => Promise<{ readonly outputs: readonly string[]; readonly result: Result }>;
}

/**
 * The result of `work`, done now or by an earlier run with the same key and the same inputs whose
 * outputs are all still what it wrote.
 */
export async function cached<Result>(
  root: string,
  { name, key: values, work }: CachedWork<Result>,
): Promise<{ result: Result; fresh: boolean }> {
  const path = join(root, BUILD.cache, `${name.replaceAll(/[^\w.-]/g, "-")}.json`);
  const key = JSON.stringify(values);
  const known = readEntry<Result>(path);
  if (
    known !== null &&
    known.key === key &&
    areUnchanged(root, known.inputs) &&
    areWritten(root, known.outputs)
  ) {
    noteInputs(known.inputs);
    return { result: known.result, fresh: false };
  }

  const {
    result: { outputs, result },
    inputs,
  } = await recordInputs(work);
  const digests = Object.fromEntries(
    outputs.map((output) => [output, fileDigest(join(root, output))]),
  );
  mkdirSync(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}.${threadId}`;
  writeFileSync(
    draft,
    JSON.stringify({ key, inputs, outputs: digests, result } satisfies CacheEntry<Result>),
  );
  renameSync(draft, path);
  return { result, fresh: true };
}

function areWritten(root: string, outputs: CacheEntry<unknown>["outputs"]): boolean {
  return Object.entries(outputs).every(
    ([output, digest]) => digest !== null && fileDigest(join(root, output)) === digest,
  );
}

/** A file of another form, of an older version of the tools, counts as none. */
function readEntry<Result>(path: string): CacheEntry<Result> | null {
  try {
    const entry = JSON.parse(readFileSync(path, "utf8")) as Partial<CacheEntry<Result>> | null;
    return entry?.key === undefined ||
      entry.inputs?.files === undefined ||
      entry.inputs.listings === undefined ||
      entry.outputs === undefined ||
      Array.isArray(entry.outputs)
      ? null
      : (entry as CacheEntry<Result>);
  } catch {
    return null;
  }
}
