/**
 * What stands for the tools themselves in the keys of caches: the modules that run, the npm
 * packages, the programs that they start.
 */
import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { delimiter, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * `build` is all that takes part in building an image, `compile` what compiles one program or the
 * kernel.
 */
type ToolPart = "build" | "compile";

interface Entry {
  readonly bundled: string;
  readonly source: string;
}

const COMPILER: Entry = { bundled: "compile-worker.js", source: "../make/compile-worker.ts" };
/**
 * In the bundle, and under vitest in the sources. A thread's module is started, not imported: it is
 * an entry of its own.
 */
const ENTRIES: Readonly<Record<ToolPart, readonly Entry[]>> = {
  build: [{ bundled: "main.js", source: "../cli/main.ts" }, COMPILER],
  compile: [COMPILER],
};
/** Relative to this module, in the bundle as in the sources. */
const PACKAGES = "../../package-lock.json";
const PROGRAMS = ["nasm", "ld", "xorriso"];
const IMPORT = /\b(?:from|import)\s*\(?\s*["'](\.{1,2}\/[^"'\n]+)["']/g;

const keys = new Map<ToolPart, string>();

/** Computed once a process. */
export function toolKey(part: ToolPart): string {
  const known = keys.get(part);
  if (known !== undefined) return known;
  const hash = createHash("sha256");
  const folder = dirname(fileURLToPath(import.meta.url));
  for (const [file, text] of toolModules(part, folder, import.meta.url.endsWith(".ts"))) {
    hash.update(`\0${relative(folder, file)}\0${text?.length}\0${text}`);
  }
  hash
    .update(readFileSync(new URL(PACKAGES, import.meta.url)))
    .update(JSON.stringify([process.version, PROGRAMS.map(identityOf)]));
  const key = hash.digest("hex");
  keys.set(part, key);
  return key;
}

/**
 * The modules of a part by file, with their texts: the sources beside this one, or the bundle in
 * `folder`.
 */
export function toolModules(
  part: ToolPart,
  folder: string,
  isSource: boolean,
): ReadonlyMap<string, string | null> {
  const entries = ENTRIES[part].map(({ bundled, source }) =>
    resolve(folder, isSource ? source : bundled),
  );
  return moduleClosure(...entries);
}

/**
 * The texts of modules and of all that they import by relative paths, in the order in which they
 * are met. Words that only look like an import do no harm: null is the text of a module that is not
 * there.
 */
export function moduleClosure(...entries: readonly string[]): ReadonlyMap<string, string | null> {
  const texts = new Map<string, string | null>();
  const waiting = [...entries];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (texts.has(file)) continue;
    const text = readText(file);
    texts.set(file, text);
    for (const [, path] of (text ?? "").matchAll(IMPORT))
      waiting.push(resolve(dirname(file), path!));
  }
  return texts;
}

function readText(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return null;
  }
}

/** Of the program that PATH finds: an upgrade changes its size or its time. */
function identityOf(program: string): readonly unknown[] {
  for (const folder of (process.env["PATH"] ?? "").split(delimiter)) {
    try {
      const { size, mtimeMs } = statSync(join(folder, program));
      return [program, size, mtimeMs];
    } catch {
      // Not in this folder.
    }
  }
  return [program];
}
