import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { join, normalize } from "node:path";
import { threadId } from "node:worker_threads";
import { readInput } from "../cache/inputs.ts";
import { toolKey } from "../cache/tool-key.ts";
import { BUILD } from "../cache/tree.ts";
import { type Diagnostic, refuse } from "../report/diagnostic.ts";
import { runTool } from "./run-tool.ts";

/** Where `%include` looks, relative to the root, in this order. */
const INCLUDE_FOLDERS = [".", "build/generated"];
/** In NASM's three kinds of quotes. */
const INCLUDE = /^[^;\n]*?(?<what>%include|\bincbin)\s+(?<quote>["'`])(?<file>[^\n]+?)\k<quote>/gim;
const INCLUDE_DEPTH_MAX = 16;

/**
 * Assembles a NASM source and returns the path of the object, or with the format `bin` of the bare
 * code. `source` is relative to the root, and so are the names in the output, which is the same
 * wherever the tree lies. What was assembled before from the same texts and definitions comes from
 * the cache.
 */
export function assemble(
  root: string,
  source: string,
  definitions: Readonly<Record<string, number>>,
  format: "elf64" | "bin" = "elf64",
): string {
  const options = ["-f", format, ...INCLUDE_FOLDERS.flatMap((folder) => ["-I", `${folder}/`])];
  options.push(...Object.entries(definitions).map(([name, value]) => `-D${name}=${value}`));

  const texts = new Texts(root);
  texts.add(source, { file: source }, 0);
  const key = createHash("sha256")
    .update(JSON.stringify([toolKey("compile"), options]))
    .update(texts.digest());
  const path = join(
    root,
    BUILD.cache,
    `assembly-${key.digest("hex").slice(0, 32)}.${format === "bin" ? "bin" : "o"}`,
  );
  if (existsSync(path)) return path;

  // Another build, or another thread of this one, may be at the same work: write beside, then
  // rename.
  mkdirSync(join(root, BUILD.cache), { recursive: true });
  const draft = `${path}.${process.pid}.${threadId}`;
  runTool("nasm", [...options, "-o", draft, source], root, `cannot assemble ${source}`, (said) =>
    readComplaints(root, said),
  );
  refuseUnseen(
    source,
    texts,
    runTool("nasm", ["-M", ...options, source], root, `cannot tell what ${source} includes`),
  );
  renameSync(draft, path);
  return path;
}

/** What NASM says, with the column where the line that it names begins. */
function readComplaints(root: string, said: string): readonly Diagnostic[] {
  return [...said.matchAll(/^(.+?):(\d+): (?:error|fatal): (.*)$/gm)].map(
    ([, file = "", number = "1", message = ""]) => {
      const line = Number(number);
      const text = existsSync(join(root, file))
        ? readFileSync(join(root, file), "utf8").split("\n")[line - 1]
        : undefined;
      return {
        severity: "error",
        file,
        line,
        column: Math.max(1, (text ?? "").search(/\S/) + 1),
        message,
      };
    },
  );
}

interface Place {
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
}

/**
 * NASM itself says which files it opens: one that we did not see would make an object that nothing
 * makes anew when that file changes.
 */
function refuseUnseen(source: string, texts: Texts, dependencies: string): void {
  // A makefile's rule: lines go on behind a backslash, and so do names with blanks.
  const names = dependencies
    .replaceAll("\\\n", " ")
    .replace(/^.*? : /, "")
    .split(/(?<!\\)\s+/)
    .map((name) => name.replaceAll("\\", ""));
  const unseen = names.find((name) => name !== "" && !texts.has(name));
  if (unseen === undefined) return;
  refuse(`\`${unseen}\` is included in a way that cannot be followed`, {
    file: source,
    line: 1,
    column: 1,
    help: `write \`%include "${unseen}"\``,
  });
}

/** A source and all that it includes or takes in as bytes. */
class Texts {
  private readonly hash = createHash("sha256");
  private readonly paths = new Set<string>();

  constructor(private readonly root: string) {}

  /** Whether the file at that path, relative to the root, is one of them. */
  has(path: string): boolean {
    return this.paths.has(normalize(path));
  }

  digest(): Buffer {
    return this.hash.digest();
  }

  /** `from` is where the file is asked for. What is taken in as bytes includes nothing. */
  add(file: string, from: Place, depth: number, isBytes = false): void {
    const found = this.find(file);
    if (found === undefined)
      return refuse(`there is no ${file}`, {
        ...from,
        help:
          depth > 0
            ? "assembly includes by paths relative to the root or build/generated"
            : "name it relative to the root",
      });
    if (depth > INCLUDE_DEPTH_MAX) refuse("assembly files include each other", from);
    const { path, bytes } = found;
    this.paths.add(path);
    this.hash.update(`\0${file}\0${bytes.length}\0`).update(bytes);
    if (isBytes) return;
    const text = bytes.toString("utf8");
    for (const { index, groups } of text.matchAll(INCLUDE)) {
      const { what, file: included } = groups as { readonly what: string; readonly file: string };
      const start = text.indexOf(what, index);
      const before = text.slice(0, start).split("\n");
      const place = { file, line: before.length, column: before.at(-1)!.length + 1 };
      this.add(included, place, depth + 1, what.toLowerCase() === "incbin");
    }
  }

  /** As NASM looks for it; what is missing on the way would be found first if it appeared. */
  private find(file: string): { readonly path: string; readonly bytes: Buffer } | undefined {
    for (const folder of INCLUDE_FOLDERS) {
      const path = normalize(join(folder, file));
      const bytes = readInput(this.root, path);
      if (bytes !== null) return { path, bytes };
    }
    return undefined;
  }
}
