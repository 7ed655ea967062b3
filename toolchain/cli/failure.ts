/** Turns an error into text and an exit code. */
import { DiagnosticError, formatDiagnostics, systemRefusal } from "../report/diagnostic.ts";

/** The user's input is wrong, or a check failed. */
const EXIT_REFUSED = 1;
/** Trine itself has a bug; as `EX_SOFTWARE` of sysexits. */
const EXIT_INTERNAL = 70;

/** Thrown by a command that has already printed its error. */
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
