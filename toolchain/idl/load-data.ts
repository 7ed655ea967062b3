/**
 * Loads description files (`*.idl.ts`, `program.ts`, `*.image.ts`): TypeScript modules whose
 * default export is data.
 *
 * They are bundled in memory and evaluated as scripts, so they may import the vocabularies and one
 * another, and nothing else. Mistakes of syntax, code that throws or does not end, and modules
 * without a default export are diagnostics; what the data means is for the caller to check.
 */
import { existsSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { SourceMap } from "node:module";
import { dirname, relative, resolve } from "node:path";
import { runInThisContext } from "node:vm";
import { build, type Message, type Plugin } from "esbuild";
import { currentRecorder } from "../cache/inputs.ts";
import { type Diagnostic, DiagnosticError } from "../report/diagnostic.ts";
import { type Place, locateProperty } from "./locate.ts";

/**
 * Processor time. A description takes far less than a millisecond; a description that takes this
 * long, even on the slowest host, does not end.
 */
const EVALUATE_PROCESSOR_MS_MAX = 1000;
/**
 * The part of the time limit that a loop certainly used: a loop that had the processor to itself is
 * stopped a little before its processor time reaches the limit.
 */
const SPENT_MIN = 0.9;
/** The name of a file's bundle in stack traces, and of the global that holds its exports. */
const BUNDLE = "trine-description";
const GLOBAL = "trineDescription";
/** Warnings of esbuild that are mistakes in data: a value would be lost, or never existed. */
const SERIOUS_WARNINGS = ["duplicate-object-key", "import-is-undefined"];

/** The default exports of `files`, paths relative to `root`, in their order. */
export async function loadDataModules(root: string, files: readonly string[]): Promise<unknown[]> {
  if (files.length === 0) return [];
  const bundles = await bundle(root, files);
  return Promise.all(files.map((file, index) => evaluate(root, file, bundles[index]!)));
}

/** The default export of one file. */
export async function loadDataModule(root: string, file: string): Promise<unknown> {
  return (await loadDataModules(root, [file]))[0];
}

interface Bundle {
  readonly text: string;
  readonly map: string;
}

async function bundle(root: string, files: readonly string[]): Promise<Bundle[]> {
  // Outputs are named by number: two files in different folders may have the same name.
  const entryPoints = files.map((file, index) => ({ in: resolve(root, file), out: String(index) }));
  try {
    const { outputFiles, warnings } = await build({
      entryPoints,
      bundle: true,
      write: false,
      format: "iife",
      globalName: GLOBAL,
      platform: "neutral",
      target: "node22",
      sourcemap: "external",
      outdir: resolve(root),
      absWorkingDir: resolve(root),
      // No tsconfig.json changes the meaning of a description.
      tsconfigRaw: {},
      plugins: [exactImports(root)],
      logLevel: "silent",
    });
    const serious = warnings.filter((warning) => SERIOUS_WARNINGS.includes(warning.id));
    if (serious.length > 0)
      throw new DiagnosticError(serious.map((message) => toDiagnostic(root, message)));
    const byName = new Map(
      outputFiles.map((output) => [/\d+\.js(?:\.map)?$/.exec(output.path)?.[0], output.text]),
    );
    return files.map((_file, index) => ({
      text: byName.get(`${index}.js`)!,
      map: byName.get(`${index}.js.map`)!,
    }));
  } catch (error) {
    const messages = (error as { errors?: readonly Message[] }).errors;
    if (messages === undefined) throw error;
    throw new DiagnosticError(messages.map((message) => toDiagnostic(root, message)));
  }
}

/**
 * An import names one file, by its path with its extension. An image is then made from exactly the
 * files that were read; a file that appears beside one of them cannot take its place.
 */
function exactImports(root: string): Plugin {
  // esbuild's callbacks run outside of the asynchronous context of the caller.
  const recorder = currentRecorder();
  return {
    name: "exact-imports",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /.*/ }, ({ path, kind, importer }) => {
        if (kind === "entry-point") return { path };
        const file = resolve(dirname(importer), path);
        if (/^\.{1,2}\//.test(path) && existsSync(file) && statSync(file).isFile())
          return { path: file };
        const near = [`${file}.ts`, `${file}/index.ts`].find((candidate) => existsSync(candidate));
        const text =
          near === undefined
            ? "a description imports by paths relative to itself"
            : `write its path with its ending: \`${path}${near.slice(file.length)}\``;
        return { errors: [{ text: `Could not resolve "${path}"`, notes: [{ text }] }] };
      });
      onLoad({ filter: /.*/ }, async ({ path }) => {
        const contents = await readFile(path);
        recorder?.file(relative(resolve(root), path).replace(/\\/g, "/"), contents);
        return { contents, loader: path.endsWith(".json") ? "json" : "ts" };
      });
    },
  };
}

function toDiagnostic(root: string, { text, location, notes }: Message): Diagnostic {
  const help =
    notes
      .map((note) =>
        note.location === null
          ? note.text
          : `${note.text} ${note.location.line}:${note.location.column + 1}`,
      )
      .join(" ") || undefined;
  if (location === null) return { severity: "error", message: text, help };
  const file = relative(root, resolve(root, location.file)).replace(/\\/g, "/");
  return {
    severity: "error",
    file,
    line: location.line,
    column: location.column + 1,
    message: text,
    help,
  };
}

async function evaluate(root: string, file: string, { text, map }: Bundle): Promise<unknown> {
  let module: { readonly default?: unknown } | undefined;
  try {
    // The script's value is its last expression, so no global remains that another file could read.
    module = runWithinProcessorTime(
      `(() => { ${text.trimEnd()}\nreturn ${GLOBAL}; })()`,
    ) as typeof module;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_SCRIPT_EXECUTION_TIMEOUT") {
      throw new DiagnosticError([
        {
          severity: "error",
          file,
          line: 1,
          column: 1,
          message: `the file computes for more than ${EVALUATE_PROCESSOR_MS_MAX / 1000} s`,
          help: "a description is data: look for a loop that does not end",
        },
      ]);
    }
    const message = error instanceof Error ? error.message : String(error);
    throw new DiagnosticError([
      {
        severity: "error",
        ...thrownAt(root, file, error, map),
        message: `cannot be evaluated: ${message}`,
      },
    ]);
  }
  if (module?.default !== undefined) {
    const inherits = findPrototype(module.default, []);
    if (inherits === undefined) return module.default;
    const help = "write plain objects; `__proto__` in one is no key: choose another name";
    const message = `${inherits.length === 0 ? "the description" : `\`${inherits.join(".")}\``} inherits properties, which is no data`;
    throw new DiagnosticError([
      {
        severity: "error",
        file,
        ...(await locateProperty(root, file, [...inherits, "__proto__"])),
        message,
        help,
      },
    ]);
  }
  const help = "write `export default defineInterface({ … })`, `defineProgram` or `defineImage`";
  throw new DiagnosticError([
    {
      severity: "error",
      file,
      line: 1,
      column: 1,
      message: "the file has no default export",
      help,
    },
  ]);
}

/**
 * The path to an object that is not plain; undefined if there is none. A key `__proto__` sets what
 * an object inherits: inherited properties are in no list of keys, and yet found by their names.
 */
function findPrototype(
  value: unknown,
  path: readonly string[],
  seen = new Set<unknown>(),
): readonly string[] | undefined {
  if (typeof value !== "object" || value === null || seen.has(value)) return undefined;
  seen.add(value);
  if (Object.getPrototypeOf(value) !== (Array.isArray(value) ? Array.prototype : Object.prototype))
    return path;
  for (const [key, inner] of Object.entries(value)) {
    const found = findPrototype(inner, [...path, key], seen);
    if (found !== undefined) return found;
  }
  return undefined;
}

/**
 * The value of a script without side effects. The engine can limit only wall-clock time, and a busy
 * host may spend most of that on other processes. A script that was stopped before all its runs
 * together used enough processor time is run again with twice the limit.
 */
function runWithinProcessorTime(script: string): unknown {
  const start = processorTimeMs();
  for (let wallMs = EVALUATE_PROCESSOR_MS_MAX; ; wallMs *= 2) {
    try {
      return runInThisContext(script, { filename: BUNDLE, timeout: wallMs });
    } catch (error) {
      const isStopped = (error as NodeJS.ErrnoException).code === "ERR_SCRIPT_EXECUTION_TIMEOUT";
      if (!isStopped || processorTimeMs() - start >= EVALUATE_PROCESSOR_MS_MAX * SPENT_MIN)
        throw error;
    }
  }
}

/** Processor time of this thread; of the whole process in Node before 22.19. */
function processorTimeMs(): number {
  const { threadCpuUsage = process.cpuUsage } = process as {
    threadCpuUsage?: typeof process.cpuUsage;
  };
  const { user, system } = threadCpuUsage.call(process);
  return (user + system) / 1000;
}

/** The place in the sources where an error was thrown; the file's first line if it is unknown. */
function thrownAt(
  root: string,
  file: string,
  error: unknown,
  map: string,
): { readonly file: string } & Place {
  const first = { file, line: 1, column: 1 };
  const match = new RegExp(`${BUNDLE}:(\\d+):(\\d+)`).exec(
    error instanceof Error ? (error.stack ?? "") : "",
  );
  if (match === null) return first;
  const entry = new SourceMap(
    JSON.parse(map) as ConstructorParameters<typeof SourceMap>[0],
  ).findEntry(Number(match[1]) - 1, Number(match[2]) - 1);
  if (!("originalSource" in entry)) return first;
  return {
    file: relative(root, resolve(root, entry.originalSource)).replace(/\\/g, "/"),
    line: entry.originalLine + 1,
    column: entry.originalColumn + 1,
  };
}
