import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LINEAR_NULL_BYTES, STACK_BYTES_DEFAULT } from "../../kernel/abi/address-space.ts";
import { readInput } from "../cache/inputs.ts";
import { linkProgram } from "../elf/link.ts";
import { writeNote } from "../elf/note-section.ts";
import { type ElfFile, readElf, sectionNamed } from "../elf/read.ts";
import { RelocatableFile } from "../elf/relocatable.ts";
import { LEVEL_LEAST } from "../ir/module.ts";
import { stripExecutable } from "../elf/strip.ts";
import { writeSymbolFile } from "../elf/symbol-file.ts";
import { disassemble } from "../inspect/disassemble.ts";
import { about, refuse } from "../report/diagnostic.ts";
import { verifyExecutable } from "../verify/verify.ts";
import type { CompiledProgram, CompileOptions } from "./compiled-program.ts";

/** The null page and one page of memory. */
const MEMORY_PAGES = 2;
const MEMORY_PAGES_MAX_DEFAULT = 256;

/**
 * A domain written in NASM: the same linker script, note and form as a compiled one. It defines
 * `_start` and has code (`.text`) and initial memory (`.linear`) only. The verifier looks at it
 * too; what it does not pass is marked as unverified wherever the program is shown.
 */
export function assembleProgram(
  root: string,
  outDir: string,
  options: CompileOptions,
): CompiledProgram {
  const { entry, name, target } = options;
  if (target !== "domain")
    refuse(`a program for ${target} whose entry is assembly`, {
      file: entry,
      help: "only domains are written so",
    });
  const start = performance.now();
  const file = new RelocatableFile();
  const stackBytes = options.stackBytes ?? STACK_BYTES_DEFAULT;
  writeNote(file, {
    memoryPages: MEMORY_PAGES,
    memoryPagesMax: options.memoryPagesMax ?? MEMORY_PAGES_MAX_DEFAULT,
    stackBytes,
    threadBlockBytes: 0,
    level: options.level ?? LEVEL_LEAST,
  });
  if (!String(readInput(root, entry)).includes("_start"))
    refuse("the program defines no `_start`", {
      file: entry,
      line: 1,
      column: 1,
      help: "`global _start` and the label `_start:` where it begins",
    });
  const bytes = about(entry, () =>
    linkProgram({
      root,
      target,
      object: file.write(),
      assembly: [entry],
      assemblyDefinitions: {},
      linkerDefinitions: { linear_address: LINEAR_NULL_BYTES, stack_bytes: stackBytes },
    }),
  );
  const elf = readElf(bytes, `${name}.elf`);
  const findings = verifyExecutable(bytes, target, `${name}.elf`);
  const binary = stripExecutable(bytes, `${name}.elf`);

  mkdirSync(join(root, outDir), { recursive: true });
  const write = (extension: string, content: Uint8Array | string): string => {
    const path = join(outDir, `${name}.${extension}`);
    writeFileSync(join(root, path), content);
    return path;
  };
  const size = (section: string): number => sectionNamed(elf, section)?.memoryBytes ?? 0;
  return {
    language: "assembly",
    elfPath: write("elf", bytes),
    binaryPath: write("bin", binary),
    listingPath: write("lst", listing(elf)),
    symbolsPath: write("sym", writeSymbolFile(elf, null, [])),
    collects: false,
    heapBytesMax: 0,
    pauseInstructionsMax: 0,
    verified: findings.length === 0,
    findings,
    sizes: {
      text: size(".text"),
      rodata: size(".rodata"),
      data: size(".data"),
      linear: size(".linear"),
      functions: functionsOf(elf).length,
      executable: binary.length,
    },
    stack: { bytes: null, chain: [] },
    diagnostics: [],
    timings: { assemble: Math.round(performance.now() - start) },
    fromCache: false,
  };
}

function functionsOf(elf: ElfFile): ElfFile["symbols"] {
  const text = elf.sections.findIndex((section) => section.name === ".text");
  return elf.symbols.filter((symbol) => symbol.section === text && symbol.bytes > 0);
}

function listing(elf: ElfFile): string {
  const text = sectionNamed(elf, ".text");
  if (text === undefined) return "";
  const names = new Map(elf.symbols.map((symbol) => [symbol.address, symbol.name]));
  return `${disassemble(text.bytes, text.address, (address) => names.get(address) ?? null).join("\n")}\n`;
}
