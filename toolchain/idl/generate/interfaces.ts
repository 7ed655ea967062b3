/**
 * Writes what is generated from interfaces: AssemblyScript stubs, the kernel's views and tables,
 * reference pages.
 */
import { join } from "node:path";
import { fieldNamesFile } from "./field-names.ts";
import { interfaceFile } from "./interface-file.ts";
import { kernelFile } from "./kernel-file.ts";
import { interfaceDigestsFile, isKernelInterface, methodShapesFile } from "./kernel-tables.ts";
import { referencePage } from "./reference-page.ts";
import { loadInterfaces } from "../load.ts";
import type { InterfaceModel } from "../model.ts";
import { writeIfChanged } from "./write-if-changed.ts";

/** The folder of generated sources, relative to the root. */
export const GENERATED_FOLDER = "build/generated";
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
