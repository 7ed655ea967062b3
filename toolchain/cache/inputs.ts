/**
 * Records what a piece of work reads. The work's result may be used again as long as all inputs are
 * unchanged: contents of files, absence of files that the work looked for, names that a pattern
 * found. Inputs are never listed by hand.
 *
 * The recorder belongs to the work, through all functions that the work calls. Code reads inputs by
 * `readInput` or `listInputs`, or reports them to `noteInput`.
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
 * The recorder of the current work, for callbacks that run outside of it; undefined if nothing is
 * recorded.
 */
export function currentRecorder(): InputRecorder | undefined {
  return current.getStore();
}

/** Does `work` and records in `recorder` what it reads. */
export function withRecorder<Result>(
  recorder: InputRecorder | undefined,
  work: () => Promise<Result>,
): Promise<Result> {
  return recorder === undefined ? work() : current.run(recorder, work);
}

/** Does `work` and returns what it read. Work that this is part of has read the same. */
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
    // No such file, or a folder. Both may become a file later, which changes the input.
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

/** Records that the work has read `bytes` from the file, or (null) found that there is none. */
export function noteInput(file: string, bytes: Uint8Array | string | null): void {
  current.getStore()?.file(file, bytes);
}

/** Records what other work has read and this work has used. */
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
  // A link counts as a file: reading it follows the link.
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
