/**
 * Loads description files (`*.idl.ts`, `program.ts`, `*.image.ts`): TypeScript modules whose default export is data.
 *
 * They are bundled in memory and evaluated, so they may import the vocabularies and one another, and nothing else. Mistakes of
 * syntax and modules without a default export are diagnostics; what the data means is for the caller to check.
 */
import { relative, resolve } from "node:path";
import { build, type Message } from "esbuild";
import { type Diagnostic, DiagnosticError } from "../report/diagnostic.ts";

/** The default exports of `files`, paths relative to `root`, in their order. */
export async function loadDataModules(root: string, files: readonly string[]): Promise<unknown[]> {
  if (files.length === 0) return [];
  const texts = await bundle(root, files);
  const results: unknown[] = [];
  for (const [index, file] of files.entries()) results.push(await evaluate(file, texts[index]!));
  return results;
}

/** The default export of one file. */
export async function loadDataModule(root: string, file: string): Promise<unknown> {
  return (await loadDataModules(root, [file]))[0];
}

async function bundle(root: string, files: readonly string[]): Promise<string[]> {
  // Named by number, so that two files of one name in different folders do not meet in the output folder.
  const entryPoints = files.map((file, index) => ({ in: resolve(root, file), out: String(index) }));
  try {
    const { outputFiles } = await build({
      entryPoints,
      bundle: true,
      write: false,
      format: "esm",
      platform: "node",
      target: "node22",
      outdir: "/",
      absWorkingDir: resolve(root),
      logLevel: "silent",
    });
    const byName = new Map(outputFiles.map((output) => [/(\d+)\.js$/.exec(output.path)?.[1], output.text]));
    return files.map((_file, index) => byName.get(String(index))!);
  } catch (error) {
    const messages = (error as { errors?: readonly Message[] }).errors;
    if (messages === undefined) throw error;
    throw new DiagnosticError(messages.map((message) => toDiagnostic(root, message)));
  }
}

function toDiagnostic(root: string, { text, location, notes }: Message): Diagnostic {
  const help = notes.map((note) => note.text).join(" ") || undefined;
  if (location === null) return { severity: "error", message: text, help };
  const file = relative(root, resolve(root, location.file)).replace(/\\/g, "/");
  return { severity: "error", file, line: location.line, column: location.column + 1, message: text, help };
}

async function evaluate(file: string, text: string): Promise<unknown> {
  const url = `data:text/javascript;base64,${Buffer.from(text).toString("base64")}`;
  const module = await import(url).catch((error: unknown) => {
    const message = error instanceof Error ? error.message : String(error);
    throw new DiagnosticError([{ severity: "error", file, message: `cannot be evaluated: ${message}` }]);
  });
  const value: unknown = (module as { default?: unknown }).default;
  if (value !== undefined) return value;
  const help = "write `export default defineInterface({ … })`, `defineProgram` or `defineImage`";
  throw new DiagnosticError([{ severity: "error", file, line: 1, column: 1, message: "the file has no default export", help }]);
}
