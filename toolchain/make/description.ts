/** An image's description together with the manifests of its programs. */
import { existsSync, globSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { PROGRAM_GLOB } from "./generate.ts";
import { loadDataModule } from "../idl/load-data.ts";
import { diagnosticAt } from "../idl/locate.ts";
import type { ShapeFinding } from "../idl/shape.ts";
import { checkImage } from "../image/check.ts";
import type { ImageDescription } from "../vocabulary/image.ts";
import type { ProgramDescription } from "../vocabulary/program.ts";
import { loadManifests } from "../image/manifest.ts";
import { type Diagnostic, refuse, throwOnError } from "../report/diagnostic.ts";
import { didYouMean } from "../report/suggest.ts";

export interface LoadedProgram {
  /** Relative to the root, as the image names it. */
  readonly folder: string;
  readonly description: ProgramDescription;
}

export interface LoadedImage {
  /** Relative to the root. */
  readonly file: string;
  readonly description: ImageDescription;
  /**
   * Each program once, in the order in which the image names them first: their order in archive and
   * blob.
   */
  readonly programs: readonly LoadedProgram[];
}

/** Loads images/NAME.image.ts and the manifest of each of its programs. */
export async function loadImage(root: string, name: string): Promise<LoadedImage> {
  const file = descriptionFile(name);
  const description = await loadDescription(root, name);
  await throwOnFindings(root, file, missingManifests(root, description));

  const folders = [...new Set(Object.values(description.slots).map((slot) => slot.program))];
  const manifests = await loadManifests(
    root,
    folders.map((folder) => `${folder}/program.ts`),
  );
  const programs = folders.map((folder, index) => ({ folder, description: manifests[index]! }));
  throwOnError(await duplicateNames(root, programs));
  return { file, description, programs };
}

/** Loads images/NAME.image.ts alone. */
export async function loadDescription(root: string, name: string): Promise<ImageDescription> {
  const file = descriptionFile(name);
  const names = imageNames(root);
  // The path of a description stands for the image of that name.
  if (!names.includes(name))
    refuse(`there is no image \`${name}\``, {
      file: "images",
      help: didYouMean(basename(name, ".image.ts"), names, `images are ${names.join(", ")}`),
    });
  const description = (await loadDataModule(root, file)) as ImageDescription;
  await throwOnFindings(root, file, checkImage(description));
  await throwOnFindings(root, file, misnamed(description, name));
  return description;
}

function descriptionFile(name: string): string {
  return `images/${name}.image.ts`;
}

export function imageNames(root: string): string[] {
  return globSync("images/*.image.ts", { cwd: root })
    .map((file) => basename(file, ".image.ts"))
    .sort();
}

async function throwOnFindings(
  root: string,
  file: string,
  findings: readonly ShapeFinding[],
): Promise<void> {
  throwOnError(await Promise.all(findings.map((finding) => diagnosticAt(root, file, finding))));
}

function misnamed(description: ImageDescription, name: string): ShapeFinding[] {
  return description.name === name
    ? []
    : [
        {
          path: ["name"],
          message: `the image calls itself \`${description.name}\``,
          help: `name it \`${name}\` as its file is called`,
        },
      ];
}

function missingManifests(root: string, { slots }: ImageDescription): ShapeFinding[] {
  const isProgram = (folder: string): boolean => existsSync(join(root, folder, "program.ts"));
  return Object.entries(slots).flatMap(([slot, { program }]) => {
    if (isProgram(program)) return [];
    const near = didYouMean(
      program,
      globSync(PROGRAM_GLOB, { cwd: root }).map((manifest) => dirname(manifest)),
      "name a folder such as services/console, relative to the root",
    );
    return [
      {
        path: ["slots", slot, "program"],
        message: `\`${program}\` is no program: it has no program.ts`,
        ...(near === undefined ? {} : { help: near }),
      },
    ];
  });
}

/** Outputs and policy name a program by its name alone. */
async function duplicateNames(
  root: string,
  programs: readonly LoadedProgram[],
): Promise<Diagnostic[]> {
  const mistakes = programs.flatMap(({ folder, description }, index) => {
    const first = programs.findIndex((other) => other.description.name === description.name);
    if (first === index) return [];
    const message = `the program's name \`${description.name}\` is taken by ${programs[first]!.folder}`;
    return [
      diagnosticAt(root, `${folder}/program.ts`, {
        path: ["name"],
        message,
        help: "names are unique in an image",
      }),
    ];
  });
  return Promise.all(mistakes);
}
