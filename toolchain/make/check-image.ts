/**
 * What can be said of an image before anything of it is compiled: interfaces, description,
 * manifests, policy. Writes nothing.
 */
import { globSync } from "node:fs";
import { parsePolicy } from "../../policy/compiler/parse.ts";
import { loadInterfaces } from "../idl/load.ts";
import { type CheckedSystem, checkSystem } from "../image/draft.ts";
import { type Diagnostic, throwOnError } from "../report/diagnostic.ts";
import { imageNames, loadDescription, loadImage } from "./description.ts";

export interface CheckedImage extends CheckedSystem {
  readonly image: string;
}

/** Throws a DiagnosticError with what is wrong. */
export async function checkImage(root: string, image: string): Promise<CheckedImage> {
  await loadInterfaces(root);
  const { file, description, programs } = await loadImage(root, image);
  return { image, ...(await checkSystem({ root, imageFile: file, image: description, programs })) };
}

/**
 * Checks a policy file, relative to the root, in each image that names it: its rules mean something
 * only there. Of one that no image names only the syntax can be checked.
 */
export async function checkPolicy(
  root: string,
  file: string,
  text: string,
): Promise<{ readonly images: readonly CheckedImage[]; readonly warnings: readonly Diagnostic[] }> {
  const { diagnostics } = parsePolicy({ file, text });
  throwOnError(diagnostics);
  const images: CheckedImage[] = [];
  for (const image of await imagesWith(root, file)) images.push(await checkImage(root, image));
  if (images.length > 0) return { images, warnings: [] };
  const help = "add it to the `policy` of an image in images/";
  return {
    images,
    warnings: [
      ...diagnostics,
      {
        severity: "warning",
        file,
        message: "no image names this file: only its syntax was checked",
        help,
      },
    ],
  };
}

/** An image whose description is wrong matters only where no other has the file. */
async function imagesWith(root: string, file: string): Promise<string[]> {
  const errors: unknown[] = [];
  const names: string[] = [];
  for (const name of imageNames(root)) {
    try {
      const { policy } = await loadDescription(root, name);
      if (policy.some((pattern) => globSync(pattern, { cwd: root }).includes(file)))
        names.push(name);
    } catch (error) {
      errors.push(error);
    }
  }
  if (names.length === 0 && errors.length > 0) throw errors[0];
  return names;
}
