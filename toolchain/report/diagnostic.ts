/**
 * What a tool says about wrong input: where, what, and what would be right. Every tool reports a mistake of its user this way;
 * a thrown value that is not a `DiagnosticError` is a mistake of ours.
 */
export interface Diagnostic {
  readonly severity: "error" | "warning";
  /** Relative to the root of the tree, so that messages are the same in every clone. */
  readonly file?: string;
  /** Counted from 1. */
  readonly line?: number;
  /** Counted from 1. */
  readonly column?: number;
  readonly message: string;
  /** What to write instead, or where to look. */
  readonly help?: string;
}

/** Carries diagnostics to the outermost caller, which prints them and ends with exit code 1. */
export class DiagnosticError extends Error {
  override readonly name = "DiagnosticError";
  readonly diagnostics: readonly Diagnostic[];

  /** `diagnostics` holds at least one error. */
  constructor(diagnostics: readonly Diagnostic[]) {
    super(formatDiagnostics(diagnostics));
    this.diagnostics = diagnostics;
  }
}

/** Ends the current work with one error. */
export function refuse(message: string, where: Omit<Diagnostic, "severity" | "message"> = {}): never {
  throw new DiagnosticError([{ severity: "error", ...where, message }]);
}

/** Throws when one of `diagnostics` is an error; warnings alone pass. */
export function throwOnError(diagnostics: readonly Diagnostic[]): void {
  if (diagnostics.some((diagnostic) => diagnostic.severity === "error")) throw new DiagnosticError(diagnostics);
}

/** `file:line:column: message; help: …`, on one line; parts that are not known are left out. */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  const place = [diagnostic.file, diagnostic.line, diagnostic.column];
  const known = place.slice(0, firstMissing(place)).join(":");
  const severity = diagnostic.severity === "warning" ? "warning: " : "";
  const help = diagnostic.help === undefined ? "" : `; help: ${diagnostic.help}`;
  return `${known === "" ? "" : `${known}: `}${severity}${diagnostic.message}${help}`;
}

/** One line for each diagnostic, in their order. */
export function formatDiagnostics(diagnostics: readonly Diagnostic[]): string {
  return diagnostics.map(formatDiagnostic).join("\n");
}

/** A column without its line, or a line without its file, says nothing. */
function firstMissing(place: readonly (string | number | undefined)[]): number {
  const missing = place.indexOf(undefined);
  return missing < 0 ? place.length : missing;
}
