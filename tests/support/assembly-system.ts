/**
 * Images whose programs are written in NASM, all in one source: what no compiled program does to
 * the processor.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findRoot } from "../../toolchain/cache/tree.ts";
import { buildArchive } from "../../toolchain/image/archive.ts";
import { type BuiltProgram, buildSystem } from "../../toolchain/image/system.ts";
import { signerFor } from "../../toolchain/keys/signer.ts";
import type { ImageDescription } from "../../toolchain/vocabulary/image.ts";
import type { ProgramDescription } from "../../toolchain/vocabulary/program.ts";
import { smallExecutable } from "./small-executable.ts";

const PAGE = 4096;

interface AssemblySystem {
  /** The test that describes the image, and the source of its programs: paths from the root. */
  readonly testFile: string;
  readonly source: string;
  /** Folder for what is built, from the root. */
  readonly outDir: string;
  /** Name of the archive. */
  readonly name: string;
  /** In the order of the roles in the source. A slot names a program's folder by `folderOf`. */
  readonly programs: readonly ProgramDescription[];
  readonly image: ImageDescription;
  /** The text of the policy file that `image` names. */
  readonly rules: string;
  /** What the signed image says of a program. */
  readonly isVerified: (program: string) => boolean;
}

/** Where a slot of such an image says that a program lies. */
export const folderOf = (program: string): string => `tests/system/${program}`;

/** Builds the image and returns the path of its archive. */
export async function buildAssemblySystem(system: AssemblySystem): Promise<string> {
  const root = findRoot();
  mkdirSync(join(root, system.outDir), { recursive: true });
  writeFileSync(join(root, system.image.policy[0]!), system.rules);
  const programs = new Map(
    system.programs.map((description, role): [string, BuiltProgram] => [
      folderOf(description.name),
      {
        folder: folderOf(description.name),
        description,
        elf: assemble(root, system, role, description.name),
        verified: system.isVerified(description.name),
      },
    ]),
  );
  const folders = new Set(Object.values(system.image.slots).map(({ program }) => program));
  const ordered = [...folders].map((folder) => programs.get(folder)!);
  const { blob } = await buildSystem({
    root,
    imageFile: system.testFile,
    image: system.image,
    programs: ordered,
    signer: signerFor(false),
    outDir: system.outDir,
  });
  const archive = join(root, system.outDir, `${system.name}.arc`);
  writeFileSync(archive, buildArchive({ blob, programs: ordered.map(({ elf }) => elf) }));
  return archive;
}

/** A page of code, then linear memory from 64 KiB on. */
function assemble(
  root: string,
  { source, outDir }: AssemblySystem,
  role: number,
  name: string,
): Uint8Array {
  const path = join(root, outDir, `${name}.bin`);
  const assembled = spawnSync("nasm", ["-f", "bin", `-DROLE=${role}`, "-o", path, source], {
    cwd: root,
    encoding: "utf8",
  });
  if (assembled.status !== 0) throw new Error(assembled.stderr);
  const bytes = readFileSync(path);
  const data = bytes.subarray(PAGE);
  const file = smallExecutable({ name, data, stackBytes: PAGE, threadBlockBytes: 64 });
  file.set(bytes.subarray(0, PAGE), PAGE * (1 + Math.ceil(data.length / PAGE)));
  return file;
}
