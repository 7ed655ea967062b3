import { createHash, type Hash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { BUILD } from "../build/tree.ts";
import { type Diagnostic, refuse } from "../report/diagnostic.ts";
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
  addText(hash, root, source, { file: source }, 0);
  const path = join(root, BUILD.cache, `assembly-${hash.digest("hex").slice(0, 32)}.o`);
  if (existsSync(path)) return path;

  // Another build may be at the same work: write beside, then rename.
  mkdirSync(join(root, BUILD.cache), { recursive: true });
  const draft = `${path}.${process.pid}`;
  runTool("nasm", [...options, "-o", draft, source], root, `cannot assemble ${source}`, (said) => readComplaints(root, said));
  renameSync(draft, path);
  return path;
}

/** What NASM says, with the column where the line that it names begins. */
function readComplaints(root: string, said: string): readonly Diagnostic[] {
  return [...said.matchAll(/^(.+?):(\d+): (?:error|fatal): (.*)$/gm)].map(([, file = "", number = "1", message = ""]) => {
    const line = Number(number);
    const text = existsSync(join(root, file)) ? readFileSync(join(root, file), "utf8").split("\n")[line - 1] : undefined;
    return { severity: "error", file, line, column: Math.max(1, (text ?? "").search(/\S/) + 1), message };
  });
}

interface Place {
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
}

/** The text of a source and of all that it includes. `from` is where it is asked for. */
function addText(hash: Hash, root: string, file: string, from: Place, depth: number): void {
  const path = INCLUDE_FOLDERS.map((folder) => join(root, folder, file)).find((candidate) => existsSync(candidate));
  if (path === undefined) return refuse(`there is no ${file}`, { ...from, help: depth > 0 ? "assembly includes by paths relative to the root or build/generated" : "name it relative to the root" });
  if (depth > INCLUDE_DEPTH_MAX) refuse("assembly files include each other", from);
  const text = readFileSync(path, "utf8");
  hash.update(`\0${file}\0${text.length}\0${text}`);
  for (const match of text.matchAll(INCLUDE)) {
    const before = text.slice(0, match.index + match[0].indexOf("%")).split("\n");
    addText(hash, root, match[1]!, { file, line: before.length, column: before.at(-1)!.length + 1 }, depth + 1);
  }
}
