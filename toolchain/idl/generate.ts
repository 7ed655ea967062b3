/**
 * Writes what is generated from interfaces and manifests: AssemblyScript stubs, the kernel's views
 * and tables, handle constants and reference pages. A file whose text is unchanged is not written
 * again, so that its time of modification stays.
 */
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { listInputs } from "../cache/inputs.ts";
import type { ProgramDescription } from "../vocabulary/program.ts";
import { loadManifests } from "../image/manifest.ts";
import { assemblyFile } from "./generate/assembly-file.ts";
import { fieldNamesFile } from "./generate/field-names.ts";
import { interfaceFile } from "./generate/interface-file.ts";
import { kernelFile } from "./generate/kernel-file.ts";
import {
  interfaceDigestsFile,
  isKernelInterface,
  methodShapesFile,
} from "./generate/kernel-tables.ts";
import { programFile } from "./generate/program-file.ts";
import { referencePage } from "./generate/reference-page.ts";
import { loadInterfaces } from "./load.ts";
import type { InterfaceModel } from "./model.ts";

/** The folder of generated sources, relative to the root. */
const GENERATED_FOLDER = "build/generated";
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
 * Generates stubs in build/generated/interfaces/<Name>.ts, pages in
 * build/generated/reference/<Name>.md, and the kernel's side of its own interfaces in
 * build/generated/kernel.
 */
export async function generateInterfaces(
  root: string,
  outDir: string = join(root, GENERATED_FOLDER),
): Promise<InterfaceModel[]> {
  const models = await loadInterfaces(root);
  const kernel = models.filter(isKernelInterface);
  await writeIfChanged(join(outDir, "interfaces", "field-names.ts"), fieldNamesFile(models));
  await writeIfChanged(join(outDir, "kernel", "method-shapes.ts"), methodShapesFile(kernel));
  await writeIfChanged(
    join(outDir, "kernel", "interface-digests.ts"),
    interfaceDigestsFile(kernel),
  );
  await Promise.all(
    kernel.map((model) =>
      writeIfChanged(join(outDir, "kernel", `${model.name}.ts`), kernelFile(model)),
    ),
  );
  await Promise.all(
    models.flatMap((model) => [
      writeIfChanged(join(outDir, "interfaces", `${model.name}.ts`), interfaceFile(model)),
      writeIfChanged(join(outDir, "reference", `${model.name}.md`), referencePage(model)),
    ]),
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

/**
 * Writes a file beside `path` and renames it, so that a reader sees the old text or the new one.
 */
async function writeIfChanged(path: string, text: string): Promise<void> {
  const before = await readFile(path, "utf8").catch(() => null);
  if (before === text) return;
  await mkdir(dirname(path), { recursive: true });
  const temporary = resolve(`${path}.${process.pid}.tmp`);
  await writeFile(temporary, text);
  await rename(temporary, path);
}
