import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Target } from "../ir/module.ts";
import { refuse } from "../report/diagnostic.ts";

export interface LinkOptions {
  /** Root of the tree. NASM sources and include files are named relative to it, so that no absolute path reaches the output. */
  readonly root: string;
  readonly target: Target;
  /** The compiled module (toolchain/elf/object.ts). */
  readonly object: Uint8Array;
  /** NASM sources (`.asm`) and finished objects (`.o`), relative to the root, in the order in which they shall be linked. */
  readonly assembly: readonly string[];
  /** Numbers that the start stubs are assembled with. */
  readonly assemblyDefinitions: Readonly<Record<string, number>>;
  /** Numbers that the linker script refers to. */
  readonly linkerDefinitions: Readonly<Record<string, number>>;
}

/** Folder of scratch and cache files, relative to the root. */
const CACHE_FOLDER = "build/cache";

/**
 * The finished executable, by NASM and GNU ld. Its bytes depend on the inputs' contents alone: the linker runs in a folder of its
 * own in which every input has a fixed name.
 */
export function linkProgram(options: LinkOptions): Uint8Array {
  const root = resolve(options.root);
  const cache = join(root, CACHE_FOLDER);
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, "link-"));
  try {
    writeFileSync(join(folder, "program.o"), options.object);
    copyFileSync(join(root, `toolchain/targets/${options.target}/${options.target}.ld`), join(folder, "script.ld"));
    const inputs = ["program.o"];
    for (const [index, source] of options.assembly.entries()) {
      const name = `assembly${index}.o`;
      const object = source.endsWith(".asm") ? assemble(root, source, options.assemblyDefinitions) : resolve(root, source);
      copyFileSync(object, join(folder, name));
      inputs.push(name);
    }
    runLinker(folder, inputs, options.linkerDefinitions);
    return readFileSync(join(folder, "program.elf"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Assembles one NASM source; unchanged ones come from the cache. Returns the object's path. */
function assemble(root: string, source: string, definitions: Readonly<Record<string, number>>): string {
  const argumentsBefore = ["-f", "elf64", "-I", "./", "-I", "build/generated/", ...Object.entries(definitions).map(([name, value]) => `-D${name}=${value}`)];
  const key = createHash("sha256").update(JSON.stringify([source, argumentsBefore]));
  key.update(run("nasm", [...argumentsBefore, "-e", source], root, source));
  const path = join(root, CACHE_FOLDER, `assembly-${key.digest("hex").slice(0, 32)}.o`);
  if (existsSync(path)) return path;

  // Another build may be at the same work: write beside, then rename.
  const draft = `${path}.${process.pid}`;
  run("nasm", [...argumentsBefore, "-o", draft, source], root, source);
  renameSync(draft, path);
  return path;
}

function runLinker(folder: string, inputs: readonly string[], definitions: Readonly<Record<string, number>>): void {
  const defined = Object.entries(definitions).map(([name, value]) => `--defsym=${name}=${value}`);
  run("ld", [
    "-static", "-nostdlib", "--build-id=none", "-z", "max-page-size=4096", "-z", "noseparate-code", "-z", "noexecstack", "-z", "norelro",
    "--no-warn-rwx-segments", "--orphan-handling=error", "--fatal-warnings", ...defined, "-T", "script.ld", "-o", "program.elf", ...inputs,
  ], folder, "the linker");
}

/** Output of a command; what it complains about becomes a diagnostic. */
function run(command: string, commandArguments: readonly string[], folder: string, about: string): Buffer {
  const { error, status, stdout, stderr } = spawnSync(command, commandArguments, { cwd: folder, maxBuffer: 1 << 28 });
  if (error !== undefined) refuse(`cannot run ${command}: ${error.message}`, { help: `install ${command === "ld" ? "binutils" : command}` });
  if (status !== 0) refuse(`${command} refuses ${about}: ${stderr.toString().trim()}`);
  return stdout;
}
