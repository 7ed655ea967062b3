/** The kernel test image: boots in QEMU, prints TAP on the kernel's log, and ends the machine with 0 if all cases passed, else 1. */
import { bootMedium, buildImage } from "../build/build-image.ts";
import { guestExitValue } from "../run/machine.ts";
import { runToEnd } from "../run/run-to-end.ts";
import type { CaseResult, SuiteContext } from "./result.ts";
import { parseTap } from "./tap.ts";

/** Ten times what it takes on a slow machine. */
const TIMEOUT_MS = 180_000;

/** CPUs on which the same cases must hold. */
const CPUS = ["max", "max,-smap"];

export async function runKernel({ root, log }: SuiteContext): Promise<CaseResult[]> {
  const built = await buildImage({ root, image: "test", medium: "kernel", release: false, without: undefined }, "plain");
  const cases: CaseResult[] = [];
  for (const cpu of CPUS) {
    log(`on QEMU's CPU ${cpu}`);
    const { output, exitCode } = await runToEnd({ boot: bootMedium(root, built), cpu }, TIMEOUT_MS);
    const found = parseTap(tapOf(output)).map((entry) => ({ ...entry, name: `${cpu}: ${entry.name}` }));
    const failed = found.filter(({ outcome }) => outcome === "failed").length;
    cases.push(...found, ending(cpu, exitCode, failed, output));
  }
  return cases;
}

/** The lines of the tester's first run in the kernel's log: `tester: ok 1 - …`. If it dies, it is started again; that is no second chance. */
export function tapOf(output: string): string {
  const lines = [...output.matchAll(/^tester: (.*?)\r?$/gm)].map((match) => match[1]!);
  const second = lines.findIndex((line, index) => index > 0 && /^(not )?ok 1\b/.test(line) && lines.slice(0, index).some((before) => /^(not )?ok 1\b/.test(before)));
  return lines.slice(0, second < 0 ? lines.length : second).join("\n");
}

/** The exit value is a case of its own: a user's CI looks at nothing else. */
function ending(cpu: string, exitCode: number | null, failed: number, output: string): CaseResult {
  const name = `${cpu}: QEMU's exit code tells whether all cases passed`;
  const value = guestExitValue(exitCode);
  if (value === (failed === 0 ? 0 : 1)) return { name, outcome: "passed", milliseconds: 0 };
  const tail = output.split("\n").slice(-20).join("\n");
  return { name, outcome: "failed", milliseconds: 0, message: `${failed} cases failed, exit code ${exitCode}\n${tail}` };
}
