import { spawnSync } from "node:child_process";
import { refuse } from "../report/diagnostic.ts";

/** Debian packages of the tools that we run. */
const PACKAGES: Readonly<Record<string, string>> = { nasm: "nasm", ld: "binutils" };

/** Runs an external tool; what it complains about becomes a diagnostic that starts with `refusal`. */
export function runTool(command: string, commandArguments: readonly string[], folder: string, refusal: string): void {
  const { error, status, stderr } = spawnSync(command, commandArguments, { cwd: folder, stdio: ["ignore", "ignore", "pipe"], maxBuffer: 1 << 26 });
  if (error !== undefined) refuse(`cannot run ${command}: ${error.message}`, { help: `install the package ${PACKAGES[command] ?? command}` });
  if (status !== 0) refuse(`${refusal}: ${stderr.toString().trim()}`);
}
