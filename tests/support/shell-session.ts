/**
 * The main image's shell over the serial line: types a command, returns the lines of its output.
 */
import type { BootMedium } from "../../toolchain/run/machine.ts";
import { BootedMachine } from "./qemu.ts";

const PROMPT = "trine> ";
/** What the shell draws behind the prompt when it waits for a line. */
const READY = /trine> \x1b\[0m\x1b\[K\r\x1b\[7C$/;
const ESCAPE_SEQUENCE = /\x1b\[[0-9;?]*[A-Za-z]/g;

export class ShellSession {
  private constructor(readonly machine: BootedMachine) {}

  /** Boots and waits for the prompt. */
  static async start(
    boot: BootMedium,
    options: { readonly cpu?: string; readonly memoryMiB?: number } = {},
  ): Promise<ShellSession> {
    const machine = BootedMachine.start({ boot, ...options });
    try {
      await machine.waitFor(READY);
    } catch (error) {
      await machine.stop();
      throw error;
    }
    return new ShellSession(machine);
  }

  /**
   * The lines that `command` prints, without colours and without the echo of the command itself.
   */
  async run(command: string, timeoutMs?: number): Promise<string[]> {
    this.machine.type(`${command}\r`);
    // The echoed line redraws the prompt for each character; the command's output starts behind its
    // line end.
    await this.machine.waitFor("\n", timeoutMs);
    const output = await this.machine.waitFor(READY, timeoutMs);
    const lines = output
      .replace(ESCAPE_SEQUENCE, "")
      .split(/\r*\n/)
      .map((line) => line.replace(/^.*\r/, ""));
    return lines.filter((line) => !line.startsWith(PROMPT));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.machine.stop();
  }
}
