/**
 * What a piece of work reads, recorded as it reads it. Its result may be used again as long as all
 * of that is what it was: the contents of files, the absence of files that it looked for, the names
 * that a pattern found. No list of folders says what that is.
 *
 * The recorder belongs to the work, whichever functions it goes through: whoever reads an input
 * reads it by `readInput` or `listInputs`, or tells it to `noteInput`.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { createHash } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Plain data. Paths and patterns are relative to the root of the tree. */
export interface Inputs {
  /** Digest of each file that was read; null: there was none. */
  readonly files: Readonly<Record<string, string | null>>;
  /** Digest of the names that each pattern matched. */
  readonly listings: Readonly<Record<string, string>>;
}

/** Takes the place of a digest where the input changed while the work went on: equal to none. */
const CHANGED = "changed while it was used";

export class InputRecorder {
  private readonly files = new Map<string, string | null>();
  private readonly listings = new Map<string, string>();

  file(path: string, bytes: Uint8Array | string | null): void {
    this.note(this.files, path, bytes === null ? null : digestOf(bytes));
  }

  listing(pattern: string, names: readonly string[]): void {
    this.note(this.listings, pattern, digestOfNames(names));
  }

  add({ files, listings }: Inputs): void {
    for (const [path, digest] of Object.entries(files)) this.note(this.files, path, digest);
    for (const [pattern, digest] of Object.entries(listings))
      this.note(this.listings, pattern, digest);
  }

  inputs(): Inputs {
    return { files: Object.fromEntries(this.files), listings: Object.fromEntries(this.listings) };
  }

  private note<Digest extends string | null>(
    known: Map<string, Digest | string>,
    name: string,
    digest: Digest,
  ): void {
    const before = known.get(name);
    known.set(name, before === undefined || before === digest ? digest : CHANGED);
  }
}

const current = new AsyncLocalStorage<InputRecorder>();

/**
 * The recorder of the work under way, for callbacks that are called from outside of it; undefined
 * where nobody wants to know.
 */
export function currentRecorder(): InputRecorder | undefined {
  return current.getStore();
}

/** Does `work` so that what it reads is told to `recorder`. */
export function withRecorder<Result>(
  recorder: InputRecorder | undefined,
  work: () => Promise<Result>,
): Promise<Result> {
  return recorder === undefined ? work() : current.run(recorder, work);
}

/** Does `work`, and tells what it read. If it is part of other work, that has read the same. */
export async function recordInputs<Result>(
  work: () => Promise<Result>,
): Promise<{ readonly result: Result; readonly inputs: Inputs }> {
  const recorder = new InputRecorder();
  const result = await current.run(recorder, work);
  const inputs = recorder.inputs();
  noteInputs(inputs);
  return { result, inputs };
}

/** The file's contents; null if it cannot be read. */
export function readInput(root: string, file: string): Buffer | null {
  let bytes: Buffer | null = null;
  try {
    bytes = readFileSync(join(root, file));
  } catch {
    // No such file, or a folder: either may become a file.
  }
  noteInput(file, bytes);
  return bytes;
}

/** Files that match `pattern`, sorted, so that the order of folders on disk does not matter. */
export function listInputs(root: string, pattern: string): string[] {
  const names = matchingFiles(root, [pattern]);
  current.getStore()?.listing(pattern, names);
  return names;
}

/** That the work has read `bytes` from the file, or found that there is none. */
export function noteInput(file: string, bytes: Uint8Array | string | null): void {
  current.getStore()?.file(file, bytes);
}

/** That the work has used what others read. */
export function noteInputs(inputs: Inputs): void {
  current.getStore()?.add(inputs);
}

export function areUnchanged(root: string, { files, listings }: Inputs): boolean {
  return (
    Object.entries(files).every(([path, digest]) => fileDigest(join(root, path)) === digest) &&
    Object.entries(listings).every(
      ([pattern, digest]) => digestOfNames(matchingFiles(root, [pattern])) === digest,
    )
  );
}

/** Null where there is no file. */
export function fileDigest(path: string): string | null {
  try {
    return digestOf(readFileSync(path));
  } catch {
    return null;
  }
}

/** Files that match one of `patterns`, relative to the root, each once and sorted. */
export function matchingFiles(root: string, patterns: readonly string[]): string[] {
  const names = patterns.flatMap((pattern) =>
    globSync(pattern, { cwd: root, withFileTypes: true }),
  );
  // A link counts as what it leads to: whoever reads it finds out.
  const files = names
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
  return [...new Set(files)].sort();
}

function digestOf(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function digestOfNames(names: readonly string[]): string {
  return digestOf(names.join("\0"));
}
