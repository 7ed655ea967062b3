/** What stands for the tools themselves in the keys of caches: the modules that run, the npm packages, the programs that they start. */
import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { delimiter, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** `build` is all that takes part in building an image, `compile` what compiles one program or the kernel. */
export type ToolPart = "build" | "compile";

/** In the bundle, and under vitest in the sources. */
const ENTRIES: Readonly<Record<ToolPart, { readonly bundled: string; readonly source: string }>> = {
  build: { bundled: "main.js", source: "../cli/main.ts" },
  compile: { bundled: "compile-worker.js", source: "compile-worker.ts" },
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
  const entry = entryFile(part);
  for (const [file, text] of moduleClosure(entry)) {
    hash.update(`\0${relative(dirname(entry), file)}\0${text?.length}\0${text}`);
  }
  hash.update(readFileSync(new URL(PACKAGES, import.meta.url))).update(JSON.stringify([process.version, PROGRAMS.map(identityOf)]));
  const key = hash.digest("hex");
  keys.set(part, key);
  return key;
}

function entryFile(part: ToolPart): string {
  const { bundled, source } = ENTRIES[part];
  return fileURLToPath(new URL(import.meta.url.endsWith(".ts") ? source : bundled, import.meta.url));
}

/**
 * The texts of the module and of all that it imports by relative paths, in the order in which they are met. Words that only look like
 * an import do no harm: null is the text of a module that is not there.
 */
export function moduleClosure(entry: string): ReadonlyMap<string, string | null> {
  const texts = new Map<string, string | null>();
  const waiting = [entry];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (texts.has(file)) continue;
    const text = readText(file);
    texts.set(file, text);
    for (const [, path] of (text ?? "").matchAll(IMPORT)) waiting.push(resolve(dirname(file), path!));
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
