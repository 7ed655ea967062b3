import { spawn } from "node:child_process";
import { type MachineOptions, QEMU_PROGRAM, qemuArguments } from "./machine.ts";

export interface MachineEnd {
  /** All that came over the serial line. */
  readonly output: string;
  /** Null when the machine was stopped because its time was over. */
  readonly exitCode: number | null;
}

/** Boots a machine that ends by itself and returns what it printed. */
export function runToEnd(options: Omit<MachineOptions, "serial">, timeoutMs: number): Promise<MachineEnd> {
  return new Promise((resolve, reject) => {
    const child = spawn(QEMU_PROGRAM, qemuArguments({ ...options, serial: "pipe" }), { stdio: ["ignore", "pipe", "inherit"] });
    const timer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
    let output = "";
    child.stdout.setEncoding("latin1").on("data", (text: string) => (output += text));
    child.on("error", reject).on("close", (exitCode) => {
      clearTimeout(timer);
      resolve({ output, exitCode });
    });
  });
}
