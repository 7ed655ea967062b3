/**
 * The process in which the editor's plugin has programs compiled as far as the compiler's errors
 * go. Requests are handled one after the other; no file is written.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { readProgram } from "../compiler/read-program.ts";
import { loadDataModule } from "../idl/load-data.ts";
import type { ProgramDescription } from "../vocabulary/program.ts";
import { type Diagnostic, DiagnosticError } from "../report/diagnostic.ts";
import { readInput } from "../cache/inputs.ts";
import { explain } from "../language/explain.ts";

export interface CheckRequest {
  /** Of the program, relative to the root. */
  readonly folder: string;
  /** Comes back with the result. */
  readonly version: string;
  /** Texts that take the place of files. */
  readonly texts: Readonly<Record<string, string>>;
}

export interface CheckResult {
  readonly folder: string;
  readonly version: string;
  readonly diagnostics: readonly Diagnostic[];
}

const root = process.argv[2] ?? process.cwd();
let last: Promise<void> = Promise.resolve();

process.on("message", (request: CheckRequest) => {
  last = last.then(async () => {
    const diagnostics = await check(request).catch((error: unknown) =>
      error instanceof DiagnosticError ? error.diagnostics : [],
    );
    process.send?.({
      folder: request.folder,
      version: request.version,
      diagnostics,
    } satisfies CheckResult);
  });
});
process.on("disconnect", () => process.exit(0));

async function check({ folder, texts }: CheckRequest): Promise<readonly Diagnostic[]> {
  const manifest = `${folder}/program.ts`;
  if (!existsSync(join(root, manifest))) return [];
  const { entry, name } = (await loadDataModule(root, manifest)) as ProgramDescription;
  if (!entry.endsWith(".ts")) return [];
  try {
    return (
      await readProgram({
        root,
        entry: `${folder}/${entry}`,
        target: "domain",
        name,
        virtualFiles: texts,
        isDriver: folder.startsWith("drivers/"),
      })
    ).source.diagnostics;
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    return explain(
      error.diagnostics,
      (file) => texts[file] ?? readInput(root, file)?.toString("utf8"),
    );
  }
}
