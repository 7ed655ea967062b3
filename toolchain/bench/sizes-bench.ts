/** How large things are: what boots, and what has to be trusted. */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { buildImage } from "../make/build-image.ts";
import { matchingFiles } from "../cache/inputs.ts";
import { PT_LOAD } from "../elf/format.ts";
import { readElf, symbolNamed } from "../elf/read.ts";
import { SYMBOLS_SYMBOL } from "../elf/symbol-table.ts";
import type { Figure } from "./figure.ts";

/** Parts of the trusted base by their sources, and code that is often counted with them. */
const LINES: readonly {
  readonly id: string;
  readonly about: string;
  readonly patterns: readonly string[];
  readonly isTest?: boolean;
}[] = [
  {
    id: "kernel-lines",
    about: "code lines of the kernel and its boot code",
    patterns: ["kernel/**/*.ts", "kernel/**/*.{asm,inc}", "boot/*.{asm,inc}"],
  },
  { id: "monitor-lines", about: "of these, the monitor", patterns: ["kernel/monitor/**/*.ts"] },
  {
    id: "assembly-lines",
    about: "of these, assembly",
    patterns: ["kernel/**/*.{asm,inc}", "boot/*.{asm,inc}"],
  },
  {
    id: "bios-lines",
    about: "code lines of the BIOS loader, and of what UEFI starts",
    patterns: ["boot/*/*.{asm,inc}"],
  },
  {
    id: "kernel-test-lines",
    about: "code lines of the kernel's tests",
    patterns: ["kernel/**/*.test.ts", "tests/kernel/**/*.ts"],
    isTest: true,
  },
  {
    id: "verifier-lines",
    about: "code lines of the verifier",
    patterns: ["toolchain/verify/**/*.ts"],
  },
  {
    id: "policy-compiler-lines",
    about: "code lines of the policy compiler",
    patterns: ["policy/compiler/**/*.ts"],
  },
];

export async function runSizesBench(root: string): Promise<Figure[]> {
  const iso = await buildImage(
    { root, image: "main", medium: "iso", release: false, without: undefined },
    "plain",
  );
  const bytes = (path: string): number => statSync(join(root, path)).size;
  const kernel = kernelSizes(readFileSync(join(root, iso.kernelPath)), iso.kernelPath);
  return [
    {
      id: "kernel-code-bytes",
      about: "kernel, code and data",
      value: kernel.codeAndData,
      unit: "bytes",
    },
    {
      id: "kernel-names-bytes",
      about: "kernel, names and lines of its backtraces",
      value: kernel.names,
      unit: "bytes",
    },
    {
      id: "kernel-bytes",
      about: "kernel, its file with both, in whole pages",
      value: bytes(iso.kernelImagePath),
      unit: "bytes",
    },
    {
      id: "archive-bytes",
      about: "boot archive: policy and programs",
      value: bytes(iso.archivePath),
      unit: "bytes",
    },
    { id: "iso-bytes", about: "main ISO", value: bytes(iso.bootPath), unit: "bytes" },
    ...LINES.map(
      ({ id, about, patterns, isTest = false }): Figure => ({
        id,
        about,
        value: codeLines(root, patterns, isTest),
        unit: "lines",
      }),
    ),
  ];
}

/** What the kernel's segments take in its file; the symbol table counts apart from the rest. */
function kernelSizes(
  bytes: Uint8Array,
  path: string,
): { readonly codeAndData: number; readonly names: number } {
  const elf = readElf(bytes, path);
  const loaded = elf.programHeaders
    .filter(({ type }) => type === PT_LOAD)
    .reduce((sum, { fileBytes }) => sum + fileBytes, 0);
  const names = symbolNamed(elf, SYMBOLS_SYMBOL)!.bytes;
  return { codeAndData: loaded - names, names };
}

/** Lines that hold code: neither blank nor only a comment. */
function codeLines(root: string, patterns: readonly string[], isTest: boolean): number {
  const files = matchingFiles(root, patterns).filter(
    (file) => isTest || !file.endsWith(".test.ts"),
  );
  const isCode = (line: string): boolean => line !== "" && !/^(\/\/|\/\*|\*|;)/.test(line);
  return files.reduce(
    (sum, file) =>
      sum +
      readFileSync(join(root, file), "utf8")
        .split("\n")
        .filter((line) => isCode(line.trim())).length,
    0,
  );
}
