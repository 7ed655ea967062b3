/** Runs a machine with its serial line on this terminal. */
import { spawn } from "node:child_process";
import { refuseToStart } from "../setup/programs.ts";
import { ConsoleText } from "./console-text.ts";
import { describeEnding, exitStatus, type MachineEnding } from "./ending.ts";
import { type MachineOptions, QEMU_PROGRAM, qemuArguments } from "./machine.ts";
import { TerminalInput } from "./terminal-input.ts";

const KEPT_CHARACTERS_MAX = 4096;

/**
 * Runs the machine until it ends, says how it ended unless the end was expected, and returns the
 * exit status. This process owns the terminal's input all the time, so that input for the machine
 * reaches no other program, whenever the machine ends.
 */
export async function runOnTerminal(
  options: Omit<MachineOptions, "serial" | "reboots">,
): Promise<number> {
  const child = spawn(
    QEMU_PROGRAM,
    qemuArguments({ ...options, serial: "terminal", reboots: true }),
    { stdio: ["pipe", "pipe", "pipe"] },
  );
  const input = new TerminalInput(process.stdin);
  let said = "";
  // Only its end is of interest.
  let shown = "";
  child.stderr.on("data", (bytes: Buffer) => {
    process.stderr.write(bytes);
    said = `${said}${bytes.toString()}`.slice(-KEPT_CHARACTERS_MAX);
  });
  child.stdout.on("data", (bytes: Buffer) => {
    process.stdout.write(bytes);
    shown = `${shown}${bytes.toString("latin1")}`.slice(-KEPT_CHARACTERS_MAX);
  });
  // A machine that has just ended accepts no input. Its end is reported below.
  child.stdin.on("error", () => {});
  input.handTo(child.stdin);

  let isWanted = false;
  const forward = (signal: NodeJS.Signals): void => {
    isWanted = true;
    child.kill(signal);
  };
  // In the terminal's raw mode, ctrl-c is a character for the guest. Any other signal ends QEMU
  // first, and then this process.
  const ignore = (): void => {};
  process.on("SIGINT", ignore).on("SIGTERM", forward).on("SIGHUP", forward);
  try {
    const end = await new Promise<Pick<MachineEnding, "code" | "signal">>((resolve, reject) => {
      child.on("error", reject).on("close", (code, signal) => resolve({ code, signal }));
    });
    const ending: MachineEnding = {
      ...end,
      said,
      lastLine: new ConsoleText(shown).last(1)[0],
      isWanted,
    };
    const text = describeEnding(ending);
    if (text !== null) process.stderr.write(`\r\ntrine: ${text}\r\n`);
    await input.swallow(text === null ? "pause" : "enter");
    return exitStatus(ending);
  } catch (error) {
    return refuseToStart(QEMU_PROGRAM, error as Error);
  } finally {
    process.off("SIGINT", ignore).off("SIGTERM", forward).off("SIGHUP", forward);
    input.giveBack();
  }
}
