/**
 * The kernel test image: boots in QEMU, prints TAP on the kernel's log, and ends the machine with 0
 * if all cases passed, else 1.
 */
import { bootMedium, buildImage } from "../make/build-image.ts";
import { guestExitValue } from "../run/machine.ts";
import { runToEnd } from "../run/run-to-end.ts";
import type { CaseResult, SuiteContext } from "./result.ts";
import { parseTap } from "./tap.ts";

/** A hundred times what it takes on an idle machine. */
const TIMEOUT_MS = 180_000;

/**
 * CPUs on which the same cases must hold: with all fences, without some, and the processors of real
 * machines, from the first of 64 bits on. QEMU lacks some of what their names promise; what it has
 * of them is what CPUID says.
 */
const CPUS = [
  "max",
  "max,-smap",
  "max,-smep,-smap,-umip",
  "qemu64",
  "kvm64",
  "Nehalem",
  "SandyBridge",
  "Denverton",
  "Snowridge",
  "Opteron_G1",
  "Haswell",
  "EPYC",
];

export async function runKernel({ root, log }: SuiteContext): Promise<CaseResult[]> {
  const built = await buildImage(
    { root, image: "test", medium: "kernel", release: false, without: undefined },
    "plain",
  );
  const cases: CaseResult[] = [];
  for (const cpu of CPUS) {
    log(`on QEMU's CPU ${cpu}`);
    const start = performance.now();
    // By counted instructions, a case that looks at the clock says the same on a busy host, and
    // nobody waits for a timer.
    const machine = { boot: bootMedium(root, built), cpu, countInstructions: true };
    const { output, exitCode } = await runToEnd(machine, TIMEOUT_MS);
    const found = parseTap(tapOf(output)).map((entry) => ({
      ...entry,
      name: `${cpu}: ${entry.name}`,
    }));
    const failed = found.filter(({ outcome }) => outcome === "failed").length;
    const milliseconds = Math.round(performance.now() - start);
    const end = { ...ending(cpu, exitCode, failed, output), milliseconds };
    cases.push(...found, levelCase(cpu, output), end);
  }
  return cases;
}

/**
 * The lines of the tester's first run in the kernel's log: `tester: ok 1 - …`. If it dies, it is
 * started again; that is no second chance.
 */
export function tapOf(output: string): string {
  const lines = [...output.matchAll(/^tester: (.*?)\r?$/gm)].map((match) => match[1]!);
  const second = lines.findIndex(
    (line, index) =>
      index > 0 &&
      /^(not )?ok 1\b/.test(line) &&
      lines.slice(0, index).some((before) => /^(not )?ok 1\b/.test(before)),
  );
  return lines.slice(0, second < 0 ? lines.length : second).join("\n");
}

/** Level of x86-64 that a program of the image needs. */
const NEEDED = 3;
const REFUSED =
  /^trine: cannot start modern: its code needs x86-64-v3; the processor lacks( [a-z0-9.]+)+\r?$/m;

/**
 * The kernel starts a program that needs more than the least processor exactly where the processor
 * has it; where not, it names what is missing.
 */
export function levelCase(cpu: string, output: string): CaseResult {
  const level = Number(/^trine: cpu x86-64-v(\d)/m.exec(output)?.[1] ?? 0);
  const isRefused = REFUSED.test(output);
  const name = `${cpu}: a program for newer processors is refused on older ones, and told why`;
  if (level > 0 && isRefused === level < NEEDED)
    return { name, outcome: "passed", milliseconds: 0 };
  const message = `the processor's level is ${level}, and the refusal is ${isRefused ? "" : "not "}there`;
  return { name, outcome: "failed", milliseconds: 0, message };
}

/** The exit value is a case of its own: a user's CI looks at nothing else. */
function ending(cpu: string, exitCode: number | null, failed: number, output: string): CaseResult {
  const name = `${cpu}: QEMU's exit code tells whether all cases passed`;
  const value = guestExitValue(exitCode);
  if (value === (failed === 0 ? 0 : 1)) return { name, outcome: "passed", milliseconds: 0 };
  const tail = output.split("\n").slice(-20).join("\n");
  return {
    name,
    outcome: "failed",
    milliseconds: 0,
    message: `${failed} cases failed, exit code ${exitCode}\n${tail}`,
  };
}
