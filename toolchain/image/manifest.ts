/** Loads program manifests (`program.ts`) and checks each by itself. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { loadDataModules } from "../idl/load-data.ts";
import { diagnosticAt } from "../idl/locate.ts";
import type { ShapeFinding } from "../idl/shape.ts";
import { DiagnosticError } from "../report/diagnostic.ts";
import { checkProgram } from "./check.ts";
import type { ProgramDescription } from "../vocabulary/program.ts";

/**
 * The manifests at `files`, relative to the root, in their order. Throws a DiagnosticError with
 * everything that is wrong with them.
 */
export async function loadManifests(
  root: string,
  files: readonly string[],
): Promise<ProgramDescription[]> {
  const descriptions = await loadDataModules(root, files);
  const mistakes = descriptions.flatMap((description, index) =>
    findingsOf(root, files[index]!, description).map((finding) =>
      diagnosticAt(root, files[index]!, finding),
    ),
  );
  if (mistakes.length > 0) throw new DiagnosticError(await Promise.all(mistakes));
  return descriptions as ProgramDescription[];
}

function findingsOf(root: string, file: string, description: unknown): ShapeFinding[] {
  const findings = checkProgram(description);
  if (findings.length > 0) return findings;
  const { entry } = description as ProgramDescription;
  if (existsSync(join(root, dirname(file), entry))) return [];
  return [
    {
      path: ["entry"],
      message: `there is no file \`${entry}\` beside the manifest`,
      help: "write it, or name the file that the program starts with",
    },
  ];
}
