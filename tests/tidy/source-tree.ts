/**
 * The tree's own files as the tidy tests see them: what git keeps and what it would keep, without
 * what is built.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join, posix, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

/** All files, relative to the root, sorted. */
export function sourceFiles(): string[] {
  const list = execFileSync(
    "git",
    ["ls-files", "--cached", "--others", "--exclude-standard", "-z"],
    { cwd: ROOT, encoding: "utf8" },
  );
  return [...new Set(list.split("\0").filter((file) => file !== ""))].sort();
}

export function read(file: string): string {
  return readFileSync(join(ROOT, file), "utf8");
}

interface Import {
  /** 1 for the first line. */
  readonly line: number;
  /** As it is written. */
  readonly specifier: string;
  /** The file or folder of the tree that is meant, without extension, or null for a package. */
  readonly path: string | null;
  /** Only types are imported: nothing of the import is left in the program. */
  readonly isTypeOnly: boolean;
}

// Static imports and exports with `from`, bare imports, and dynamic imports of a constant.
const IMPORT =
  /(?:^|\n)\s*(?:import|export)\b[^;"'`]*?\bfrom\s*["']([^"']+)["']|(?:^|\n)\s*import\s*["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']\s*\)/g;

/** What a TypeScript or AssemblyScript file imports. */
export function importsOf(file: string, text = read(file)): Import[] {
  return [...text.matchAll(IMPORT)].map((match) => {
    const specifier = match[1] ?? match[2] ?? match[3] ?? "";
    const line = text.slice(0, match.index + match[0].lastIndexOf(specifier)).split("\n").length;
    const path = specifier.startsWith(".")
      ? posix.join(posix.dirname(file), specifier).replace(/\.(ts|js)$/, "")
      : null;
    return { line, specifier, path, isTypeOnly: isTypeOnly(match[0]) };
  });
}

const SLASHES = /\/\*[^]*?\*\/|(?<=^|\s)\/\/.*$/gm;
const COMMENT: Readonly<Record<string, RegExp>> = {
  ".ts": SLASHES,
  ".js": SLASHES,
  ".policy": SLASHES,
  ".asm": /;.*$/gm,
  ".inc": /;.*$/gm,
  ".ld": /\/\*[^]*?\*\//g,
  ".sh": /(?<=^|\s)#.*$/gm,
};

/** The comments of a source file, in their order; none for a file of another kind. */
export function commentsOf(file: string): string[] {
  const comment = COMMENT[posix.extname(file)];
  return comment === undefined ? [] : (read(file).match(comment) ?? []);
}

/** `import type …`, `export type …`, or a list in braces in which each name says `type`. */
function isTypeOnly(statement: string): boolean {
  const [, clause = ""] = /^\s*(?:import|export)\b\s*([^"']*?)\s*\bfrom\b/.exec(statement) ?? [];
  if (/^type\b(?!\s*,)/.test(clause)) return true;
  const names =
    /^\{(.*)\}$/s
      .exec(clause)?.[1]
      ?.split(",")
      .map((name) => name.trim()) ?? [];
  return names.length > 0 && names.every((name) => name === "" || /^type\s/.test(name));
}
