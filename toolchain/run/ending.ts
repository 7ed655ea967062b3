/** How a machine ended, in words for its user. */
import { constants } from "node:os";
import { guestExitValue, QEMU_PROGRAM } from "./machine.ts";

export interface MachineEnding {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What QEMU wrote on its standard error. */
  readonly said: string;
  /** The last line on the console that is not empty. */
  readonly lastLine: string | undefined;
  /** The user ended the machine: by a signal to this process, or by ctrl-a x. */
  readonly isWanted: boolean;
}

const LINE_COLUMNS_MAX = 200;
/** A shell's exit status for a program that a signal ended, without the signal's number. */
const EXIT_SIGNAL = 128;
const EXIT_FAILED = 1;
const LEFT = "QEMU: Terminated";

/** Null for an expected end: the guest switched its machine off, or the user ended it. */
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
 * The exit status of this process: 0 if the guest switched the machine off, the guest's own value
 * if it used the debug exit port.
 */
export function exitStatus({ code, signal, said }: MachineEnding): number {
  if (signal !== null) return EXIT_SIGNAL + constants.signals[signal];
  // QEMU's exit code is the same if it cannot start the machine and if the guest switches it off.
  return isComplaint(said) ? EXIT_FAILED : (guestExitValue(code) ?? code ?? EXIT_FAILED);
}

/** True if QEMU has printed an error of its own, not only a warning or a signal. */
export function isComplaint(said: string): boolean {
  return new RegExp(`^${QEMU_PROGRAM}: (?!warning:|terminating on signal)`, "m").test(said);
}
