import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { BUILD } from "../build/tree.ts";
import type { Target } from "../ir/module.ts";
import { assemble } from "./assemble.ts";
import { runTool } from "./run-tool.ts";

export interface LinkOptions {
  readonly root: string;
  readonly target: Target;
  /** The compiled module (toolchain/elf/object.ts). */
  readonly object: Uint8Array;
  /** NASM sources (`.asm`) and finished objects (`.o`), relative to the root, in the order in which they shall be linked. */
  readonly assembly: readonly string[];
  /** Numbers that the NASM sources are assembled with. */
  readonly assemblyDefinitions: Readonly<Record<string, number>>;
  /** Numbers that the linker script refers to. */
  readonly linkerDefinitions: Readonly<Record<string, number>>;
}

const LINKER_OPTIONS = [
  "-static", "-nostdlib", "--build-id=none", "-z", "max-page-size=4096", "-z", "noseparate-code", "-z", "noexecstack", "-z", "norelro",
  "--orphan-handling=error", "--fatal-warnings",
];

/**
 * The finished executable, by GNU ld and the target's linker script. Its bytes depend on the contents of the inputs alone: the
 * linker runs in a folder of its own in which every input has a fixed name.
 */
export function linkProgram(options: LinkOptions): Uint8Array {
  const root = resolve(options.root);
  mkdirSync(join(root, BUILD.cache), { recursive: true });
  const folder = mkdtempSync(join(root, BUILD.cache, "link-"));
  try {
    writeFileSync(join(folder, "program.o"), options.object);
    copyFileSync(join(root, `toolchain/targets/${options.target}/${options.target}.ld`), join(folder, "script.ld"));
    const inputs = ["program.o"];
    for (const [index, source] of options.assembly.entries()) {
      const object = source.endsWith(".asm") ? assemble(root, source, options.assemblyDefinitions) : resolve(root, source);
      inputs.push(`assembly${index}.o`);
      copyFileSync(object, join(folder, inputs.at(-1)!));
    }
    const definitions = Object.entries(options.linkerDefinitions).map(([name, value]) => `--defsym=${name}=${value}`);
    runTool("ld", [...LINKER_OPTIONS, ...definitions, "-T", "script.ld", "-o", "program.elf", ...inputs], folder, "cannot link");
    // A plain array: what Buffer calls a slice is no copy.
    return new Uint8Array(readFileSync(join(folder, "program.elf")));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
