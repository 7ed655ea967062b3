/** Finds, loads and checks all interface descriptions of a tree. */
import { listInputs } from "../cache/inputs.ts";
import { DiagnosticError } from "../report/diagnostic.ts";
import { checkInterfaces, type LoadedDescription } from "./check.ts";
import type { InterfaceDescription } from "../vocabulary/interface.ts";
import { loadDataModules } from "./load-data.ts";
import { diagnosticAt } from "./locate.ts";
import { buildModel, type InterfaceModel } from "./model.ts";

/** Where descriptions are looked for. */
const INTERFACE_GLOB = "{services/interfaces,tests/*}/**/*.idl.ts";

/**
 * All interfaces of the tree at `root`, by id. Throws a DiagnosticError that lists everything wrong
 * with them.
 */
export async function loadInterfaces(root: string): Promise<InterfaceModel[]> {
  return loadInterfaceFiles(root, listInputs(root, INTERFACE_GLOB));
}

/** The interfaces of `files`, paths relative to `root`, checked as a set of their own. */
async function loadInterfaceFiles(
  root: string,
  files: readonly string[],
): Promise<InterfaceModel[]> {
  const values = await loadDataModules(root, files);
  const loaded = files.map(
    (file, index): LoadedDescription => ({
      file,
      description: values[index] as InterfaceDescription,
    }),
  );

  const findings = checkInterfaces(loaded);
  if (findings.length > 0)
    throw new DiagnosticError(
      await Promise.all(findings.map((finding) => diagnosticAt(root, finding.file, finding))),
    );

  return loaded
    .map(({ file, description }) => buildModel(file, description))
    .sort((a, b) => a.id - b.id);
}
