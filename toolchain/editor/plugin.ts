/**
 * The plugin of TypeScript's language server: adds the build's errors to the diagnostics of a
 * program's file. Forms and names that are refused are found at once. For the other errors the
 * compiler runs in a process of its own, on the texts as they stand in the editor; its errors
 * appear when it has finished.
 */
import { type ChildProcess, fork } from "node:child_process";
import { join, relative } from "node:path";
import ts from "typescript";
import type { Diagnostic } from "../report/diagnostic.ts";
import type { CheckRequest, CheckResult } from "./check.ts";
import { findRefusals } from "../language/find-refusals.ts";
import { helpText } from "../language/refusals.ts";

/** Below the numbers of TypeScript's own messages there are none of this size. */
const CODE = 90_000;
/** The compiler starts this long after the last change. */
const QUIET_MS = 300;
/** Sources of programs; the rest of the tree runs on the host. */
const PROGRAM_FILE = /^(services|drivers|kernel)\/.*\.ts$/;
const HOST_FILE = /\.(test|idl|d)\.ts$|\/program\.ts$/;

/**
 * For the programs of the tree at `root`. The editor's own TypeScript may be another than ours: its
 * syntax trees are never looked into.
 */
export function plugin(root: string): ts.server.PluginModule {
  return { create: (info) => create(root, info) };
}

function create(root: string, info: ts.server.PluginCreateInfo): ts.LanguageService {
  const checks = new ProgramChecks(root, info);
  const proxy: ts.LanguageService = Object.create(null) as ts.LanguageService;
  for (const key of Object.keys(info.languageService) as (keyof ts.LanguageService)[]) {
    const method = info.languageService[key] as (...parameters: unknown[]) => unknown;
    (proxy as unknown as Record<string, unknown>)[key] = (...parameters: unknown[]) =>
      method.apply(info.languageService, parameters);
  }
  proxy.getSemanticDiagnostics = (fileName) => {
    const before = info.languageService.getSemanticDiagnostics(fileName);
    const file = relative(root, fileName).replaceAll("\\", "/");
    const sourceFile = info.languageService.getProgram()?.getSourceFile(fileName);
    if (sourceFile === undefined || !PROGRAM_FILE.test(file) || HOST_FILE.test(file)) return before;
    const found = refusals(sourceFile);
    return [...before, ...found, ...checks.diagnostics(file, sourceFile, found)];
  };
  return proxy;
}

function refusals(file: ts.SourceFile): ts.Diagnostic[] {
  // Parsed once more by our own TypeScript: the editor's may number its syntax otherwise.
  const own = ts.createSourceFile(file.fileName, file.text, ts.ScriptTarget.Latest, true);
  return findRefusals(own).map(({ start, end, refusal }) => ({
    file,
    start,
    length: end - start,
    category: ts.DiagnosticCategory.Error,
    code: CODE,
    source: "trine",
    messageText: `${refusal.what} is not in the language of programs; help: ${helpText(refusal)}`,
  }));
}

/** What the compiler says of each program, for the texts that it was last asked about. */
class ProgramChecks {
  private readonly known = new Map<
    string,
    { readonly version: string; readonly diagnostics: readonly Diagnostic[] }
  >();
  private readonly timers = new Map<string, NodeJS.Timeout>();
  private worker: ChildProcess | null = null;

  constructor(
    private readonly root: string,
    private readonly info: ts.server.PluginCreateInfo,
  ) {}

  /**
   * Of a file, as far as they are known, but not on lines of `refused`, which are marked already;
   * asks for what is not known.
   */
  diagnostics(
    file: string,
    sourceFile: ts.SourceFile,
    refused: readonly ts.Diagnostic[],
  ): ts.Diagnostic[] {
    const folder = /^((?:services|drivers)\/[^/]+)\//.exec(file)?.[1];
    if (folder === undefined) return [];
    const texts = this.texts(folder);
    const version = JSON.stringify(texts);
    const known = this.known.get(folder);
    if (known?.version !== version) this.ask(folder, version, texts);
    if (known === undefined) return [];
    const lines = sourceFile.getLineStarts();
    const marked = new Set(refused.map(({ start = 0 }) => lineAt(lines, start)));
    return known.diagnostics.flatMap((diagnostic) => {
      const { line = 1, column = 1, message, help, severity } = diagnostic;
      const lineStart = lines[line - 1];
      if (diagnostic.file !== file || lineStart === undefined || marked.has(line - 1)) return [];
      const start = Math.min(lineStart + column - 1, sourceFile.text.length);
      const category =
        severity === "error" ? ts.DiagnosticCategory.Error : ts.DiagnosticCategory.Warning;
      return [
        {
          file: sourceFile,
          start,
          length: wordLength(sourceFile.text, start),
          category,
          code: CODE + 1,
          source: "trine",
          messageText: help === undefined ? message : `${message}; help: ${help}`,
        },
      ];
    });
  }

  /** The program's own files as they stand in the editor. */
  private texts(folder: string): Record<string, string> {
    const texts: Record<string, string> = {};
    for (const file of this.info.languageService.getProgram()?.getSourceFiles() ?? []) {
      const path = relative(this.root, file.fileName).replaceAll("\\", "/");
      if (path.startsWith(`${folder}/`)) texts[path] = file.text;
    }
    return texts;
  }

  private ask(folder: string, version: string, texts: Record<string, string>): void {
    clearTimeout(this.timers.get(folder));
    this.timers.set(
      folder,
      setTimeout(() => {
        const request: CheckRequest = { folder, version, texts };
        this.startedWorker().send(request);
      }, QUIET_MS),
    );
  }

  private startedWorker(): ChildProcess {
    if (this.worker !== null) return this.worker;
    const program = join(this.root, "build/toolchain/editor-check.js");
    const worker = fork(program, [this.root], {
      execPath: join(this.root, "build/node/bin/node"),
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    });
    worker.on("message", (result: CheckResult) => {
      this.known.set(result.folder, { version: result.version, diagnostics: result.diagnostics });
      // The server tells the editor to ask again.
      this.info.project.refreshDiagnostics();
    });
    const end = (): void => {
      if (this.worker === worker) this.worker = null;
    };
    worker.on("exit", end).on("error", end);
    // The worker must not keep the server alive. It ends when the channel closes, so it does not
    // outlive the server.
    worker.unref();
    worker.channel?.unref();
    return (this.worker = worker);
  }
}

function lineAt(lines: readonly number[], at: number): number {
  let line = lines.length - 1;
  while (line > 0 && lines[line]! > at) line--;
  return line;
}

function wordLength(text: string, start: number): number {
  return Math.max(1, /^\w+/.exec(text.slice(start, start + 80))?.[0].length ?? 1);
}
