/** `trine verify`: runs the verifier on executables. */
import { refuse } from "../report/diagnostic.ts";
import { verifyExecutable } from "../verify/verify.ts";
import { formatFinding } from "../verify/finding.ts";
import { Refused } from "./failure.ts";
import { readInputFile } from "./input-file.ts";

const TARGETS = ["kernel", "domain", "linux"] as const;

export async function verify(
  files: readonly string[],
  options: { readonly target: string; readonly json: boolean },
): Promise<void> {
  const target =
    TARGETS.find((known) => known === options.target) ??
    refuse(`no target \`${options.target}\``, { help: TARGETS.join(", ") });
  let isAccepted = true;
  for (const file of files) {
    const findings = verifyExecutable(readInputFile(file), target, file);
    if (findings.length > 0) isAccepted = false;
    if (options.json)
      process.stdout.write(
        `${JSON.stringify({ file, target, accepted: findings.length === 0, findings })}\n`,
      );
    else {
      for (const finding of findings) process.stdout.write(`${formatFinding(finding)}\n`);
      process.stdout.write(
        `${file}: ${findings.length === 0 ? "accepted" : `refused, ${findings.length} findings`}\n`,
      );
    }
  }
  if (!isAccepted) throw new Refused();
}
