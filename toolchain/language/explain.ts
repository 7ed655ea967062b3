/**
 * Adds help to the compiler's errors about a program: what to write instead. Errors in the user's
 * own files come first.
 */
import { posix } from "node:path";
import ts from "typescript";
import type { Diagnostic } from "../report/diagnostic.ts";
import { findRefusals, type FoundRefusal } from "./find-refusals.ts";
import { helpText, MESSAGE_REFUSALS, NAME_REFUSALS } from "./refusals.ts";

/** Text of a file of the tree, undefined if there is none. */
export type TextOf = (file: string) => string | undefined;

const LIBRARY = "~lib/";
const GENERATED_INTERFACE = /^build\/generated\/interfaces\/(\w+)\.ts$/;

/** `diagnostics` in the order in which they help most, each mistake once. */
export function explain(diagnostics: readonly Diagnostic[], textOf: TextOf): Diagnostic[] {
  const files = new Map<string, FileView | null>();
  const viewOf = (file: string): FileView | null => {
    let view = files.get(file);
    if (view === undefined) files.set(file, (view = viewFile(file, textOf)));
    return view;
  };
  const explained = diagnostics.map((diagnostic) => {
    const help = diagnostic.help ?? helpOf(diagnostic, diagnostics, viewOf, textOf);
    return help === undefined ? diagnostic : { ...diagnostic, help };
  });
  const isLibrary = ({ file }: Diagnostic): boolean => file?.startsWith(LIBRARY) === true;
  return [
    ...explained.filter((diagnostic) => !isLibrary(diagnostic)),
    ...explained.filter(isLibrary),
  ].filter((diagnostic, index, all) => !isEcho(diagnostic, all.slice(0, index)));
}

interface FileView {
  readonly source: ts.SourceFile;
  readonly refusals: readonly FoundRefusal[];
}

function viewFile(file: string, textOf: TextOf): FileView | null {
  const text = textOf(file);
  if (text === undefined || !file.endsWith(".ts")) return null;
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  return { source, refusals: findRefusals(source) };
}

function helpOf(
  diagnostic: Diagnostic,
  all: readonly Diagnostic[],
  viewOf: (file: string) => FileView | null,
  textOf: TextOf,
): string | undefined {
  const { file, line, column = 1, message } = diagnostic;
  if (file === undefined || line === undefined) return undefined;
  const code = codeOf(message);
  const signature =
    code === 2394
      ? (all.find(
          (other) => other.line === line && other.file === file && codeOf(other.message) === 2322,
        )?.message ?? serverOf(all))
      : code === 2515
        ? message
        : undefined;
  const declared =
    signature === undefined ? undefined : serverMethod(signature, diagnostic, viewOf, textOf);
  if (declared !== undefined) return declared;

  const view = viewOf(file);
  const found = view === null ? undefined : nearest(view, line, column);
  if (found !== undefined) return helpText(found.refusal);
  // An import of the host is named after the object that has it: env.Date.now.
  const host = NAME_REFUSALS.get(/^env\.(\w+)/.exec(message)?.[1] ?? "");
  if (host !== undefined) return helpText(host);
  const known = MESSAGE_REFUSALS.find((candidate) => candidate.message.test(message));
  return known === undefined ? undefined : helpText(known);
}

/**
 * The refusal that contains the place, or else the first that begins on its line: asc reports the
 * place at which it stopped.
 */
function nearest(
  { source, refusals }: FileView,
  line: number,
  column: number,
): FoundRefusal | undefined {
  const lines = source.getLineStarts();
  const start = lines[line - 1];
  if (start === undefined) return undefined;
  const at = start + column - 1;
  const end = lines[line] ?? source.text.length + 1;
  const onLine = refusals.filter((refusal) => refusal.start >= start && refusal.start < end);
  return (
    refusals.findLast((refusal) => refusal.start <= at && at < refusal.end) ??
    onLine.find((refusal) => refusal.start >= at) ??
    onLine.at(-1)
  );
}

/**
 * `Echo.words` has other parameters than the generated server: its declaration, ready to be copied.
 */
function serverMethod(
  message: string,
  { file, line = 1, column = 1 }: Diagnostic,
  viewOf: (file: string) => FileView | null,
  textOf: TextOf,
): string | undefined {
  const [, folder = "", className = ""] =
    /(?:this: |from ')(build\/generated\/interfaces\/\w+)\/(\w+)/.exec(message) ?? [];
  const method =
    /abstract member '(\w+)'/.exec(message)?.[1] ?? wordAt(textOf(file ?? ""), line, column);
  const generated = `${folder}.ts`;
  const view = folder === "" ? null : viewOf(generated);
  if (view === null || method === undefined) return undefined;
  for (const statement of view.source.statements) {
    if (!ts.isClassDeclaration(statement) || statement.name?.text !== className) continue;
    for (const member of statement.members) {
      if (!ts.isMethodDeclaration(member) || member.name.getText(view.source) !== method) continue;
      const text = member
        .getText(view.source)
        .replace(/^abstract /, "")
        .replace(/;$/, "");
      return `the interface ${posix.basename(folder)} has it as \`${text}\``;
    }
  }
  return undefined;
}

function wordAt(text: string | undefined, line: number, column: number): string | undefined {
  return /^\w+/.exec(text?.split("\n")[line - 1]?.slice(column - 1) ?? "")?.[0];
}

function codeOf(message: string): number | undefined {
  const code = /\(AS(\d+)\)$/.exec(message)?.[1];
  return code === undefined ? undefined : Number(code);
}

/** Where a generated server calls a method that has another signature, as asc names the server. */
function serverOf(diagnostics: readonly Diagnostic[]): string | undefined {
  for (const { file = "" } of diagnostics) {
    const name = GENERATED_INTERFACE.exec(file)?.[1];
    if (name !== undefined) return `this: ${file.slice(0, -3)}/${name}Server`;
  }
  return undefined;
}

/** asc reports a wrong signature with two messages, and again where the generated server calls. */
function isEcho(
  { file, line, column, message }: Diagnostic,
  before: readonly Diagnostic[],
): boolean {
  if (
    GENERATED_INTERFACE.test(file ?? "") &&
    before.some((other) => codeOf(other.message) === 2394)
  )
    return true;
  return (
    codeOf(message) === 2322 &&
    before.some(
      (other) =>
        other.file === file &&
        other.line === line &&
        other.column === column &&
        codeOf(other.message) === 2394,
    )
  );
}
