/** Writes what is generated from interfaces and manifests into build/generated. */
import { join } from "node:path";
import { listInputs } from "../cache/inputs.ts";
import { assemblyFile } from "../idl/generate/assembly-file.ts";
import { GENERATED_FOLDER, generateInterfaces } from "../idl/generate/interfaces.ts";
import { programFile } from "../idl/generate/program-file.ts";
import { writeIfChanged } from "../idl/generate/write-if-changed.ts";
import type { InterfaceModel } from "../idl/model.ts";
import { loadManifests } from "../image/manifest.ts";
import type { ProgramDescription } from "../vocabulary/program.ts";

/** Manifests of all programs. */
export const PROGRAM_GLOB = "{services,drivers,tests/*}/*/program.ts";

/**
 * Generates everything that sources of the tree at `root` import from build/generated. Returns the
 * interfaces.
 */
export async function generateAll(root: string): Promise<InterfaceModel[]> {
  const models = await generateInterfaces(root);
  const manifests = listInputs(root, PROGRAM_GLOB);
  const programs = await loadManifests(root, manifests);
  await Promise.all(
    programs.map((program, index) => generateProgram(root, program, manifests[index]!)),
  );
  return models;
}

/**
 * Generates handle constants in build/generated/programs/<name>.ts, and for a program in assembly
 * also in <name>.inc. `manifest` is the file that describes the program.
 */
export async function generateProgram(
  root: string,
  program: ProgramDescription,
  manifest: string,
  outDir: string = join(root, GENERATED_FOLDER),
): Promise<void> {
  await writeIfChanged(
    join(outDir, "programs", `${program.name}.ts`),
    programFile(program, manifest),
  );
  if (program.entry?.endsWith(".asm"))
    await writeIfChanged(
      join(outDir, "programs", `${program.name}.inc`),
      assemblyFile(program, manifest),
    );
}
