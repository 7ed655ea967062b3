/**
 * The kernel test image: boots in QEMU, prints TAP on the kernel's log, and ends the machine with 0
 * if all cases passed, else 1.
 */
import { bootMedium, buildImage } from "../make/build-image.ts";
import { guestExitValue } from "../run/machine.ts";
import { runToEnd } from "../run/run-to-end.ts";
import type { CaseResult, SuiteContext } from "./result.ts";
import { parseTap } from "./tap.ts";

/** A hundred times the duration on an idle host. */
const TIMEOUT_MS = 180_000;

/**
 * QEMU's CPU models on which the same cases must pass: with and without SMEP, SMAP and UMIP, and
 * the processors of real machines, from the first with 64 bits on. QEMU lacks some features of
 * these processors; its CPUID reports only the features that it has.
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
    // With counted instructions, the clock does not depend on the load of the host, and a wait for
    // a timer takes no time.
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
 * The lines of the tester in the kernel's log, `tester: ok 1 - …`, of its first instance only: the
 * kernel restarts a tester that dies, and the second run must not hide the first.
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

/** Level of x86-64 that one program of the image needs. */
const NEEDED = 3;
const REFUSED =
  /^trine: cannot start modern: its code needs x86-64-v3; the processor lacks( [a-z0-9.]+)+\r?$/m;

/**
 * The case that the kernel starts a program for newer processors exactly if the processor has the
 * level, and otherwise names the missing features.
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

/** The case that the exit code is right: a user's CI sees only the exit code. */
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
