/** The one place where an error becomes text and an exit code. */
import { DiagnosticError, formatDiagnostics, systemRefusal } from "../report/diagnostic.ts";

/** Something that the user gave is wrong, or a check failed. */
const EXIT_REFUSED = 1;
/** Something of ours is wrong; as `EX_SOFTWARE` of sysexits. */
const EXIT_INTERNAL = 70;

/** Thrown by a command that has said all there is to say. */
export class Refused extends Error {}

/** Prints `error` and returns the exit code that goes with it. */
export function reportFailure(error: unknown, json: boolean): number {
  if (error instanceof Refused) return EXIT_REFUSED;
  const refusal = systemRefusal(error);
  const diagnostics =
    error instanceof DiagnosticError
      ? error.diagnostics
      : refusal === undefined
        ? undefined
        : [refusal];
  if (diagnostics !== undefined) {
    process.stderr.write(
      `${json ? JSON.stringify({ diagnostics }) : formatDiagnostics(diagnostics)}\n`,
    );
    return EXIT_REFUSED;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`trine: internal error, please report it\n${text}\n`);
  return EXIT_INTERNAL;
}
