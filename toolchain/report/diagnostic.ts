/**
 * A message about wrong input: where, what, and what would be right. Every tool reports mistakes of
 * its user in this way; any other thrown value is a bug of the tool.
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
  /** What to write instead, or where to find out. */
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
export function refuse(
  message: string,
  where: Omit<Diagnostic, "severity" | "message"> = {},
): never {
  throw new DiagnosticError([{ severity: "error", ...where, message }]);
}

/** Does `work`; diagnostics without a file get `file`. */
export function about<Result>(file: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    throw new DiagnosticError(
      error.diagnostics.map((diagnostic) =>
        diagnostic.file === undefined ? { ...diagnostic, file, line: 1, column: 1 } : diagnostic,
      ),
    );
  }
}

/** Errors of files and folders that only the user can correct. */
const SYSTEM_ERRORS: Readonly<Record<string, string>> = {
  EACCES: "permission is denied",
  EPERM: "permission is denied",
  EROFS: "the file system is read-only",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  ENOTDIR: "a part of the path is no folder",
  EISDIR: "it is a folder",
  EEXIST: "something of that name is in the way",
  ENOENT: "it does not exist",
  EMFILE: "too many files are open",
  ELOOP: "its links lead round in a circle",
  ENAMETOOLONG: "the name is too long",
  ENOTEMPTY: "the folder is not empty",
};

/** The diagnostic for a system error about a file; undefined for any other error. */
export function systemRefusal(error: unknown): Diagnostic | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code = "", path, syscall } = error as NodeJS.ErrnoException;
  const reason = SYSTEM_ERRORS[code];
  // The error of a `read` has no path.
  if (reason === undefined || syscall === undefined) return undefined;
  return {
    severity: "error",
    ...(path === undefined ? {} : { file: path }),
    message: `the system refuses \`${syscall}\`: ${reason} (${code})`,
  };
}

/** Throws if one of `diagnostics` is an error; warnings alone do not throw. */
export function throwOnError(diagnostics: readonly Diagnostic[]): void {
  if (diagnostics.some((diagnostic) => diagnostic.severity === "error"))
    throw new DiagnosticError(diagnostics);
}

/** `file:line:column: message; help: …`, on one line, without the parts that are unknown. */
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

/** Omits a column without a line, and a line without a file. */
function firstMissing(place: readonly (string | number | undefined)[]): number {
  const missing = place.indexOf(undefined);
  return missing < 0 ? place.length : missing;
}
