import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { readInput } from "../cache/inputs.ts";
import { BUILD } from "../cache/tree.ts";
import type { Target } from "../ir/module.ts";
import { assemble } from "./assemble.ts";
import { EXPORT_PREFIX, IMPORT_PREFIX, importText, unescaped } from "../ir/link-name.ts";
import { type Diagnostic, refuse } from "../report/diagnostic.ts";
import { runTool } from "./run-tool.ts";

interface LinkOptions {
  readonly root: string;
  readonly target: Target;
  /** The compiled module (toolchain/elf/object.ts). */
  readonly object: Uint8Array;
  /**
   * NASM sources (`.asm`) and finished objects (`.o`), relative to the root, in the order in which
   * they shall be linked.
   */
  readonly assembly: readonly string[];
  /** Numbers that the NASM sources are assembled with. */
  readonly assemblyDefinitions: Readonly<Record<string, number>>;
  /** Numbers that the linker script refers to. */
  readonly linkerDefinitions: Readonly<Record<string, number>>;
}

const LINKER_OPTIONS = [
  "-static",
  "-nostdlib",
  "--build-id=none",
  "-z",
  "max-page-size=4096",
  "-z",
  "noseparate-code",
  "-z",
  "noexecstack",
  "-z",
  "norelro",
  "--orphan-handling=error",
  "--fatal-warnings",
];

/**
 * The finished executable, by GNU ld and the target's linker script. Its bytes depend on the
 * contents of the inputs alone: the linker runs in a folder of its own in which every input has a
 * fixed name.
 */
export function linkProgram(options: LinkOptions): Uint8Array {
  const root = resolve(options.root);
  mkdirSync(join(root, BUILD.cache), { recursive: true });
  const folder = mkdtempSync(join(root, BUILD.cache, "link-"));
  try {
    writeFileSync(join(folder, "program.o"), options.object);
    copyInput(
      root,
      `toolchain/targets/${options.target}/${options.target}.ld`,
      join(folder, "script.ld"),
    );
    const inputs = ["program.o"];
    for (const [index, source] of options.assembly.entries()) {
      inputs.push(`assembly${index}.o`);
      const copy = join(folder, inputs.at(-1)!);
      if (source.endsWith(".asm"))
        copyFileSync(assemble(root, source, options.assemblyDefinitions), copy);
      else copyInput(root, source, copy);
    }
    const definitions = Object.entries(options.linkerDefinitions).map(
      ([name, value]) => `--defsym=${name}=${value}`,
    );
    const command = [
      ...LINKER_OPTIONS,
      ...definitions,
      "-T",
      "script.ld",
      "-o",
      "program.elf",
      ...inputs,
    ];
    runTool("ld", command, folder, "cannot link", (said) =>
      unresolved(
        said,
        inputs.map((input) => join(folder, input)),
      ),
    );
    // A plain array: what Buffer calls a slice is no copy.
    return new Uint8Array(readFileSync(join(folder, "program.elf")));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * All symbols that hand-written code and the module need from each other and do not find, as
 * diagnostics instead of the linker's messages.
 */
function unresolved(said: string, objects: readonly string[]): Diagnostic[] {
  const wanted = new Set(
    [...said.matchAll(/undefined reference to `([^'\n]+)'/g)].map((match) => match[1]!),
  );
  const names = objects.map((path) => readFileSync(path, "latin1")).join("\0");
  return [...wanted].flatMap((symbol): Diagnostic[] => {
    if (symbol.startsWith(EXPORT_PREFIX)) {
      const name = unescaped(symbol.slice(EXPORT_PREFIX.length));
      return [
        {
          severity: "error",
          message: `the program exports no function \`${name}\`, which hand-written code calls`,
          help: `export function ${name}(…)`,
        },
      ];
    }
    if (!symbol.startsWith(IMPORT_PREFIX)) return [];
    const withoutType = symbol.slice(0, symbol.lastIndexOf(".") + 1);
    const others = names
      .split("\0")
      .filter(
        (name) =>
          name.startsWith(withoutType) &&
          /^[il]*_[il]*$/.test(name.slice(withoutType.length)) &&
          name !== symbol,
      );
    const help =
      others.length === 0
        ? {}
        : { help: `there is ${[...new Set(others)].map(importText).join(", ")}` };
    return [
      {
        severity: "error",
        message: `${importText(symbol)} is imported, and nothing provides it`,
        ...help,
      },
    ];
  });
}

function copyInput(root: string, file: string, to: string): void {
  const bytes = readInput(root, file) ?? refuse("there is no such file to link", { file });
  writeFileSync(to, bytes);
}
