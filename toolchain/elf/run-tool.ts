import { spawnSync } from "node:child_process";
import { type Diagnostic, DiagnosticError, refuse } from "../report/diagnostic.ts";

/** Debian packages of the tools that we run. */
const PACKAGES: Readonly<Record<string, string>> = { nasm: "nasm", ld: "binutils" };

/** Runs an external tool; what it complains about becomes the diagnostics that `read` finds in it, or one that starts with `refusal`. */
export function runTool(command: string, commandArguments: readonly string[], folder: string, refusal: string, read: (said: string) => readonly Diagnostic[] = () => []): void {
  const { error, status, stderr } = spawnSync(command, commandArguments, { cwd: folder, stdio: ["ignore", "ignore", "pipe"], maxBuffer: 1 << 26 });
  if (error !== undefined) refuse(`cannot run ${command}: ${error.message}`, { help: `install the package ${PACKAGES[command] ?? command}` });
  if (status === 0) return;
  const said = stderr.toString().trim();
  const diagnostics = read(said);
  if (diagnostics.length > 0) throw new DiagnosticError(diagnostics);
  refuse(`${refusal}: ${said}`);
}
