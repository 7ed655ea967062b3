/** Hands the terminal to QEMU and takes it back. */
import { spawn, spawnSync } from "node:child_process";
import { refuseToStart } from "../setup/programs.ts";
import { guestExitValue, type MachineOptions, QEMU_PROGRAM, qemuArguments } from "./machine.ts";

const EXIT_NOT_STARTED = 1;
const SAID_CHARACTERS_MAX = 4096;

/**
 * Runs the machine with its serial line on this terminal until it ends. Returns what the guest reported: 0 when it switched the
 * machine off, its own value when it ended by the debug exit port.
 */
export async function runOnTerminal(options: Omit<MachineOptions, "serial">): Promise<number> {
  const saved = terminalSettings();
  // In the terminal's raw mode ctrl-c is a character for the guest; a signal from elsewhere ends QEMU first and us after it.
  const child = spawn(QEMU_PROGRAM, qemuArguments({ ...options, serial: "terminal" }), { stdio: ["inherit", "inherit", "pipe"] });
  let said = "";
  child.stderr.on("data", (bytes: Buffer) => {
    process.stderr.write(bytes);
    said = `${said}${bytes.toString()}`.slice(-SAID_CHARACTERS_MAX);
  });
  const forward = (signal: NodeJS.Signals): void => void child.kill(signal);
  const ignore = (): void => {};
  process.on("SIGINT", ignore).on("SIGTERM", forward).on("SIGHUP", forward);
  try {
    const code = await new Promise<number | null>((resolve, reject) => child.on("error", reject).on("close", resolve));
    // QEMU ends with the same code where it cannot start the machine as where the guest switches it off.
    return isComplaint(said) ? EXIT_NOT_STARTED : (guestExitValue(code) ?? code ?? 1);
  } catch (error) {
    return refuseToStart(QEMU_PROGRAM, error as Error);
  } finally {
    process.off("SIGINT", ignore).off("SIGTERM", forward).off("SIGHUP", forward);
    // QEMU restores the terminal itself unless it is killed.
    if (saved !== null) spawnSync("stty", [saved], { stdio: ["inherit", "ignore", "ignore"] });
  }
}

/** Whether QEMU itself has something to say of a mistake, not only a warning or a signal. */
export function isComplaint(said: string): boolean {
  return new RegExp(`^${QEMU_PROGRAM}: (?!warning:|terminating on signal)`, "m").test(said);
}

function terminalSettings(): string | null {
  if (process.stdin.isTTY !== true) return null;
  const { status, stdout } = spawnSync("stty", ["-g"], { stdio: ["inherit", "pipe", "ignore"], encoding: "utf8" });
  return status === 0 ? stdout.trim() : null;
}
