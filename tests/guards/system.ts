/** Builds what the guard tests boot: one archive, and kernels that each lack one guard. */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CompilePool } from "../../toolchain/make/compile-pool.ts";
import { BUILD } from "../../toolchain/cache/tree.ts";
import { generateAll } from "../../toolchain/make/generate.ts";
import { buildArchive } from "../../toolchain/image/archive.ts";
import type { ProgramDescription } from "../../toolchain/vocabulary/program.ts";
import { type BuiltProgram, buildSystem } from "../../toolchain/image/system.ts";
import { KEY_RING_FILE, type Signer, signerFor } from "../../toolchain/keys/signer.ts";
import attacker from "../../services/attacker/program.ts";
import echo from "../../services/echo/program.ts";
import { smallExecutable } from "../support/small-executable.ts";
import image from "./image.ts";
import intruder from "../../services/intruder/program.ts";
import judge from "./judge/program.ts";
import victim from "./victim/program.ts";

export const GUARDS = [
  "smep",
  "smap",
  "nx",
  "rights",
  "token",
  "quota",
  "verdict",
  "structure",
  "digest",
  "ports",
] as const;
export type Guard = (typeof GUARDS)[number];

const OUT = "build/test/guards";
const PAGE = 4096;
const PARALLEL = 2;

export interface GuardSystem {
  /** Absolute paths. */
  readonly archive: string;
  /** The same with one program changed after signing. */
  readonly tampered: string;
  /** `null` is the kernel with all guards. */
  readonly kernels: ReadonlyMap<Guard | null, string>;
}

/** In the order in which the image names them first; `native` is the last but one. */
const PROGRAMS: readonly { readonly folder: string; readonly description: ProgramDescription }[] = [
  { folder: "tests/guards/judge", description: judge },
  { folder: "tests/guards/victim", description: victim },
  { folder: "services/echo", description: echo },
  { folder: "services/attacker", description: attacker },
  { folder: "services/intruder", description: intruder },
];
const NATIVE: ProgramDescription = { name: "native", entry: "native.asm", kernel: { log: "Log" } };

export async function buildGuardSystem(root: string): Promise<GuardSystem> {
  const signer = signerFor(false);
  const pool = new CompilePool();
  try {
    await generateAll(root);
    mkdirSync(join(root, OUT), { recursive: true });
    const kernels = new Map<Guard | null, string>();
    const programs = new Map<string, BuiltProgram>();
    const compileKernel = async (guard: Guard | null) => {
      const built = await pool.run({
        kind: "kernel",
        options: {
          root,
          outDir: OUT,
          name: guard === null ? "kernel" : `kernel-without-${guard}`,
          entry: "tests/guards/kernel.ts",
          extraAssembly: ["tests/boot/planted.asm"],
          virtualFiles: { [KEY_RING_FILE]: signer.keyRing },
          ...(guard === null ? {} : { guardsOff: guard }),
        },
      });
      kernels.set(guard, join(root, built.imagePath));
    };
    const compileProgram = async ({ folder, description }: (typeof PROGRAMS)[number]) => {
      const built = await pool.run({
        kind: "program",
        options: {
          root,
          entry: `${folder}/${description.entry}`,
          target: "domain",
          outDir: BUILD.programs,
          name: description.name,
        },
      });
      programs.set(description.name, {
        folder,
        description,
        elf: readFileSync(join(root, built.binaryPath!)),
        verified: built.verified,
      });
    };
    await inParallel(PARALLEL, [
      ...PROGRAMS.map((program) => () => compileProgram(program)),
      ...[null, ...GUARDS].map((guard) => () => compileKernel(guard)),
    ]);
    const ordered = PROGRAMS.map(({ description }) => programs.get(description.name)!);
    return { ...(await writeArchives(root, ordered, signer)), kernels };
  } finally {
    await pool.close();
  }
}

async function writeArchives(
  root: string,
  compiled: readonly BuiltProgram[],
  signer: Signer,
): Promise<{ archive: string; tampered: string }> {
  const native: BuiltProgram = {
    folder: "tests/guards/native",
    description: NATIVE,
    elf: nativeExecutable(root),
    verified: false,
  };
  const programs = [...compiled.slice(0, -1), native, ...compiled.slice(-1)];
  const { blob } = await buildSystem({
    root,
    imageFile: "tests/guards/image.ts",
    image,
    programs,
    signer,
    outDir: OUT,
  });
  const archive = buildArchive({ blob, programs: programs.map(({ elf }) => elf) });
  const paths = {
    archive: join(root, OUT, "guards.arc"),
    tampered: join(root, OUT, "tampered.arc"),
  };
  writeFileSync(paths.archive, archive);
  const changed = Buffer.from(archive);
  changed.write("forged!", changed.indexOf("genuine"), "latin1");
  writeFileSync(paths.tampered, changed);
  return paths;
}

/** native.asm: a page of code, then its data. */
function nativeExecutable(root: string): Uint8Array {
  const path = join(root, OUT, "native.bin");
  const assembled = spawnSync("nasm", ["-f", "bin", "-o", path, "tests/guards/native.asm"], {
    cwd: root,
    encoding: "utf8",
  });
  if (assembled.status !== 0) throw new Error(assembled.stderr);
  const bytes = readFileSync(path);
  const data = bytes.subarray(PAGE);
  const file = smallExecutable({ name: "native", data });
  file.set(bytes.subarray(0, PAGE), PAGE * (1 + Math.ceil(data.length / PAGE)));
  return file;
}

/** Runs all jobs, at most `limit` at a time. */
export async function inParallel(
  limit: number,
  jobs: readonly (() => Promise<void>)[],
): Promise<void> {
  const rest = [...jobs];
  const work = async (): Promise<void> => {
    for (let job = rest.shift(); job !== undefined; job = rest.shift()) await job();
  };
  await Promise.all(Array.from({ length: limit }, work));
}
