import { createHash, type Hash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { BUILD } from "../build/tree.ts";
import { refuse } from "../report/diagnostic.ts";
import { runTool } from "./run-tool.ts";

/** Where `%include` looks, relative to the root, in this order. */
const INCLUDE_FOLDERS = [".", "build/generated"];
const INCLUDE = /^\s*%include\s+"([^"]+)"/gm;
const INCLUDE_DEPTH_MAX = 16;

/**
 * Assembles a NASM source and returns the object's path. `source` is relative to the root, and so are the names in the output, which is
 * the same wherever the tree lies. What was assembled before from the same texts and definitions comes from the cache.
 */
export function assemble(root: string, source: string, definitions: Readonly<Record<string, number>>): string {
  const options = ["-f", "elf64", ...INCLUDE_FOLDERS.flatMap((folder) => ["-I", `${folder}/`])];
  options.push(...Object.entries(definitions).map(([name, value]) => `-D${name}=${value}`));

  const hash = createHash("sha256").update(JSON.stringify(options));
  addText(hash, root, source, 0);
  const path = join(root, BUILD.cache, `assembly-${hash.digest("hex").slice(0, 32)}.o`);
  if (existsSync(path)) return path;

  // Another build may be at the same work: write beside, then rename.
  mkdirSync(join(root, BUILD.cache), { recursive: true });
  const draft = `${path}.${process.pid}`;
  runTool("nasm", [...options, "-o", draft, source], root, `cannot assemble ${source}`);
  renameSync(draft, path);
  return path;
}

/** The text of a source and of all that it includes. */
function addText(hash: Hash, root: string, file: string, depth: number): void {
  const path = INCLUDE_FOLDERS.map((folder) => join(root, folder, file)).find((candidate) => existsSync(candidate));
  if (path === undefined) refuse(`there is no ${file}`, { help: depth > 0 ? "it is included by assembly code, relative to the root or build/generated" : "name it relative to the root" });
  if (depth > INCLUDE_DEPTH_MAX) refuse("assembly files include each other", { file });
  const text = readFileSync(path, "utf8");
  hash.update(`\0${file}\0${text.length}\0${text}`);
  for (const [, included] of text.matchAll(INCLUDE)) addText(hash, root, included!, depth + 1);
}
