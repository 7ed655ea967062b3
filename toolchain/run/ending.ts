/** How a machine ended, as its user should hear it. */
import { constants } from "node:os";
import { guestExitValue, QEMU_PROGRAM } from "./machine.ts";

export interface MachineEnding {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What QEMU wrote on its standard error. */
  readonly said: string;
  /** The last line on the console that holds something. */
  readonly lastLine: string | undefined;
  /** The user ended it: by a signal to us, or by ctrl-a x. */
  readonly isWanted: boolean;
}

const LINE_COLUMNS_MAX = 200;
/** Shells say so of a program that a signal ended. */
const EXIT_SIGNAL = 128;
const EXIT_FAILED = 1;
const LEFT = "QEMU: Terminated";

/** Null where nothing is to be said: the guest switched its machine off, or the user left. */
export function describeEnding(ending: MachineEnding): string | null {
  const reason = reasonOf(ending);
  if (reason === null) return null;
  const { lastLine } = ending;
  return `${reason}; ${lastLine === undefined ? "its console showed nothing" : `the last line of its console: ${lastLine.slice(0, LINE_COLUMNS_MAX)}`}`;
}

function reasonOf({ code, signal, said, lastLine, isWanted }: MachineEnding): string | null {
  if (isWanted || lastLine?.startsWith(LEFT) === true) return null;
  if (signal !== null) return `QEMU was ended by ${signal}`;
  if (isComplaint(said)) return `QEMU ended with status ${code}`;
  if (code === 0) return null;
  const value = guestExitValue(code);
  if (value === 0) return null;
  return value === null
    ? `QEMU ended with status ${code}`
    : `the machine ended itself with the value ${value}`;
}

/**
 * What our own process ends with: 0 when the guest switched the machine off, its own value when it
 * ended by the debug exit port.
 */
export function exitStatus({ code, signal, said }: MachineEnding): number {
  if (signal !== null) return EXIT_SIGNAL + constants.signals[signal];
  // QEMU ends with the same code where it cannot start the machine as where the guest switches it
  // off.
  return isComplaint(said) ? EXIT_FAILED : (guestExitValue(code) ?? code ?? EXIT_FAILED);
}

/** Whether QEMU itself has something to say of a mistake, not only a warning or a signal. */
export function isComplaint(said: string): boolean {
  return new RegExp(`^${QEMU_PROGRAM}: (?!warning:|terminating on signal)`, "m").test(said);
}
