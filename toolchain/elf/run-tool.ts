import { spawnSync } from "node:child_process";
import { type Diagnostic, DiagnosticError, refuse } from "../report/diagnostic.ts";
import { refuseToStart } from "../setup/programs.ts";

/**
 * Runs an external tool and returns what it prints; what it complains about becomes the diagnostics
 * that `read` finds in it, or one that starts with `refusal`.
 */
export function runTool(
  command: string,
  commandArguments: readonly string[],
  folder: string,
  refusal: string,
  read: (said: string) => readonly Diagnostic[] = () => [],
): string {
  const { error, status, stdout, stderr } = spawnSync(command, commandArguments, {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
    maxBuffer: 1 << 26,
  });
  if (error !== undefined) refuseToStart(command, error);
  if (status === 0) return stdout.toString();
  const said = stderr.toString().trim();
  const diagnostics = read(said);
  if (diagnostics.length > 0) throw new DiagnosticError(diagnostics);
  return refuse(`${refusal}: ${said}`);
}
