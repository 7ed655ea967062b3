/** An image's description together with the manifests of its programs. */
import { existsSync, globSync } from "node:fs";
import { basename, join } from "node:path";
import { loadDataModule, loadDataModules } from "../idl/load-data.ts";
import type { ImageDescription, ProgramDescription } from "../image/define.ts";
import { type Diagnostic, refuse, throwOnError } from "../report/diagnostic.ts";

export interface LoadedProgram {
  /** Relative to the root, as the image names it. */
  readonly folder: string;
  readonly description: ProgramDescription;
}

export interface LoadedImage {
  /** Relative to the root. */
  readonly file: string;
  readonly description: ImageDescription;
  /** Each program once, in the order in which the image names them first: their order in archive and blob. */
  readonly programs: readonly LoadedProgram[];
}

/** Loads images/NAME.image.ts and the manifest of each of its programs. */
export async function loadImage(root: string, name: string): Promise<LoadedImage> {
  const file = `images/${name}.image.ts`;
  if (!existsSync(join(root, file))) refuse(`there is no image \`${name}\``, { file, help: `images are ${imageNames(root).join(", ")}` });
  const description = (await loadDataModule(root, file)) as ImageDescription;
  if (typeof description?.slots !== "object") refuse("an image has `slots`", { file, help: "write `export default defineImage({ … })`" });
  if (description.name !== name) refuse(`the image calls itself \`${description.name}\``, { file, help: `name it \`${name}\` as its file is called` });

  const folders = [...new Set(Object.values(description.slots).map((slot) => slot.program))];
  throwOnError(missingManifests(root, file, folders));
  const manifests = (await loadDataModules(root, folders.map((folder) => `${folder}/program.ts`))) as ProgramDescription[];
  const programs = folders.map((folder, index) => ({ folder, description: manifests[index]! }));
  throwOnError(duplicateNames(programs));
  return { file, description, programs };
}

export function imageNames(root: string): string[] {
  return globSync("images/*.image.ts", { cwd: root }).map((file) => basename(file, ".image.ts")).sort();
}

function missingManifests(root: string, file: string, folders: readonly string[]): Diagnostic[] {
  const missing = folders.filter((folder) => !existsSync(join(root, folder, "program.ts")));
  return missing.map((folder) => ({
    severity: "error",
    file,
    message: `\`${folder}\` is no program: it has no program.ts`,
    help: "name a folder such as services/console, relative to the root",
  }));
}

/** Outputs and policy name a program by its name alone. */
function duplicateNames(programs: readonly LoadedProgram[]): Diagnostic[] {
  return programs.flatMap(({ folder, description }, index) => {
    const first = programs.findIndex((other) => other.description.name === description.name);
    if (first === index) return [];
    const message = `the program's name \`${description.name}\` is taken by ${programs[first]!.folder}`;
    return [{ severity: "error" as const, file: `${folder}/program.ts`, message, help: "names are unique in an image" }];
  });
}
