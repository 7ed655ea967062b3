import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { type MachineOptions, QEMU_PROGRAM, qemuArguments } from "./machine.ts";

export interface MachineEnd {
  /** The whole output on the serial line. */
  readonly output: string;
  /** Null if the machine was stopped because its time was over. */
  readonly exitCode: number | null;
}

/** Boots a machine that ends by itself and returns what it printed. */
export function runToEnd(
  options: Omit<MachineOptions, "serial">,
  timeoutMs: number,
): Promise<MachineEnd> {
  return new Promise((resolve, reject) => {
    const parameters = qemuArguments({ ...options, serial: "pipe" });
    const child = spawn(QEMU_PROGRAM, parameters, { stdio: ["ignore", "pipe", "pipe"] });
    const timer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
    let output = "";
    forwardComplaints(child.stderr);
    child.stdout.setEncoding("latin1").on("data", (text: string) => (output += text));
    child.on("error", reject).on("close", (exitCode) => {
      clearTimeout(timer);
      resolve({ output, exitCode });
    });
  });
}

/**
 * Prints what QEMU has said, except that it lacks features of the processor that was named: that is
 * expected.
 */
const KNOWN_LACK = /warning: TCG doesn't support requested feature/;

function forwardComplaints(stderr: Readable): void {
  createInterface({ input: stderr }).on("line", (line) => {
    if (!KNOWN_LACK.test(line)) process.stderr.write(`${line}\n`);
  });
}
