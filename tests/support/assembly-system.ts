/**
 * Images whose programs are written in NASM, all in one source: what no compiled program does to
 * the processor. What such sources share is in assembly-program.inc.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Status } from "../../kernel/abi/status.ts";
import { findRoot } from "../../toolchain/cache/tree.ts";
import { buildArchive } from "../../toolchain/image/archive.ts";
import { type BuiltProgram, buildSystem } from "../../toolchain/image/system.ts";
import { signerFor } from "../../toolchain/keys/signer.ts";
import type { ImageDescription } from "../../toolchain/vocabulary/image.ts";
import type { ProgramDescription } from "../../toolchain/vocabulary/program.ts";
import { smallExecutable } from "./small-executable.ts";

const PAGE = 4096;
/** Statuses that the sources know, by their names there. */
const STATUSES = {
  STATUS_NOTIFIED: Status.Notified,
  STATUS_AGAIN: Status.Again,
  STATUS_RESTARTED: Status.Restarted,
  STATUS_PEER_DIED: Status.PeerDied,
};

type Slot = ImageDescription["slots"][string];

interface AssemblySystem {
  /** The test that describes the image, and the source of its programs: paths from the root. */
  readonly testFile: string;
  readonly source: string;
  /** Folder for what is built, from the root. */
  readonly outDir: string;
  /** Name of the archive. */
  readonly name: string;
  /** The role of a program has its name in the source: ROLE_ECHO is the program `echo`. */
  readonly programs: readonly ProgramDescription[];
  /** Programs that the image may have, and that are not in the source. */
  readonly compiled?: readonly BuiltProgram[];
  /** Further constants of the source. */
  readonly constants?: Readonly<Record<string, number>>;
  readonly image: ImageDescription;
  /** The text of the policy file that `image` names. */
  readonly rules: string;
  /** What the signed image says of a program. */
  readonly isVerified: (program: string) => boolean;
}

/** Where a slot of such an image says that a program lies. */
const folderOf = (program: string): string => `tests/system/${program}`;

/** A slot that starts a program once, when it is told to: with a class of the program's name. */
export function slotOf(program: string, more: Pick<Slot, "quota"> & Partial<Slot>): Slot {
  return {
    program: folderOf(program),
    class: program[0]!.toUpperCase() + program.slice(1),
    priority: 100,
    autostart: false,
    restart: "never",
    ...more,
  };
}

/** Builds the image and returns the path of its archive. */
export async function buildAssemblySystem(system: AssemblySystem): Promise<string> {
  const root = findRoot();
  mkdirSync(join(root, system.outDir), { recursive: true });
  writeFileSync(join(root, system.image.policy[0]!), system.rules);
  const programs = new Map(
    [
      ...(system.compiled ?? []),
      ...system.programs.map((description) => ({
        folder: folderOf(description.name),
        description,
        elf: assemble(root, system, description.name),
        verified: system.isVerified(description.name),
      })),
    ].map((program): [string, BuiltProgram] => [program.folder, program]),
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
  { source, outDir, constants }: AssemblySystem,
  name: string,
): Uint8Array {
  const path = join(root, outDir, `${name}.bin`);
  const defined = { ROLE: `ROLE_${name.toUpperCase()}`, ...STATUSES, ...constants };
  const definitions = Object.entries(defined).map(([word, value]) => `-D${word}=${value}`);
  const assembled = spawnSync("nasm", ["-f", "bin", ...definitions, "-o", path, source], {
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
