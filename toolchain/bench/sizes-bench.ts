/** How large things are: what boots, and what has to be trusted. */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { buildImage } from "../make/build-image.ts";
import { matchingFiles } from "../cache/inputs.ts";
import type { Figure } from "./figure.ts";

/** Parts of the trusted base by their sources; tests and documents do not count. */
const LINES: readonly {
  readonly id: string;
  readonly about: string;
  readonly patterns: readonly string[];
}[] = [
  {
    id: "kernel-lines",
    about: "source lines of kernel and boot code",
    patterns: [
      "kernel/**/*.ts",
      "kernel/**/*.asm",
      "boot/**/*.asm",
      "boot/**/*.inc",
      "kernel/**/*.inc",
    ],
  },
  { id: "monitor-lines", about: "of these, the monitor", patterns: ["kernel/monitor/*.ts"] },
  {
    id: "assembly-lines",
    about: "of these, assembly",
    patterns: ["kernel/**/*.asm", "boot/**/*.asm", "boot/**/*.inc", "kernel/**/*.inc"],
  },
  {
    id: "verifier-lines",
    about: "source lines of the verifier",
    patterns: ["toolchain/verify/**/*.ts"],
  },
  {
    id: "policy-compiler-lines",
    about: "source lines of the policy compiler",
    patterns: ["policy/compiler/**/*.ts", "policy/compiler/**/*.langium"],
  },
];

export async function runSizesBench(root: string): Promise<Figure[]> {
  const iso = await buildImage(
    { root, image: "main", medium: "iso", release: false, without: undefined },
    "plain",
  );
  const bytes = (path: string): number => statSync(join(root, path)).size;
  return [
    {
      id: "kernel-bytes",
      about: "kernel, as it boots",
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
      ({ id, about, patterns }): Figure => ({
        id,
        about,
        value: sourceLines(root, patterns),
        unit: "lines",
      }),
    ),
  ];
}

/** Lines that hold something: neither blank nor only a comment. */
function sourceLines(root: string, patterns: readonly string[]): number {
  const files = matchingFiles(root, patterns).filter((file) => !file.endsWith(".test.ts"));
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
