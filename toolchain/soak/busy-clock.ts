/**
 * Boots beside a busy process on the same core: the kernel must find the rate of its clock although
 * the emulator is interrupted often.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bootMedium, buildImage } from "../make/build-image.ts";
import { type MachineOptions, QEMU_PROGRAM, qemuArguments } from "../run/machine.ts";
import type { Iteration } from "./slice.ts";

/** A larger error of the clock makes timers visibly wrong. */
export const CLOCK_ERROR_MAX = 0.005;
const BOOTS = 20;
const BOOT_TIMEOUT_MS = 60_000;
const CLOCK = /clock (\d+) MHz/;

export async function prepareBusyClock(root: string): Promise<Iteration> {
  const built = await buildImage(
    { root, image: "main", medium: "kernel", release: false, without: undefined },
    "plain",
  );
  return async () => {
    const truth = hostTscHz(root);
    const found = await clocksBesideBusyProcess({ boot: bootMedium(root, built) }, BOOTS);
    for (const hz of found) {
      if (Math.abs(hz / truth - 1) > CLOCK_ERROR_MAX)
        throw new Error(
          `the clock is ${truth / 1e6} MHz, and boots found ${found.map((each) => each / 1e6).join(", ")}`,
        );
    }
    return BOOTS;
  };
}

/** The rates in Hz that `boots` boots print while a busy process has the same core. */
export async function clocksBesideBusyProcess(
  options: Omit<MachineOptions, "serial">,
  boots: number,
): Promise<number[]> {
  const core = firstCore();
  const busy = spawn("taskset", ["-c", core, "sh", "-c", "while :; do :; done"], {
    stdio: "ignore",
  });
  try {
    const found: number[] = [];
    while (found.length < boots) found.push(await bootedClock(core, options));
    return found;
  } finally {
    busy.kill("SIGKILL");
  }
}

function bootedClock(core: string, options: Omit<MachineOptions, "serial">): Promise<number> {
  const machine = spawn(
    "taskset",
    ["-c", core, QEMU_PROGRAM, ...qemuArguments({ ...options, serial: "pipe" })],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  return untilClock(machine).finally(() => machine.kill("SIGKILL"));
}

function untilClock(machine: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let output = "";
    const fail = (why: string) => reject(new Error(`no boot line: ${why}\n${output}`));
    const timer = setTimeout(() => fail(`after ${BOOT_TIMEOUT_MS} ms`), BOOT_TIMEOUT_MS);
    machine.stdout!.setEncoding("latin1").on("data", (text: string) => {
      output += text;
      const found = CLOCK.exec(output);
      if (found === null) return;
      clearTimeout(timer);
      resolve(Number(found[1]) * 1e6);
    });
    machine
      .on("error", ({ message }) => fail(message))
      .on("close", () => {
        clearTimeout(timer);
        fail("the emulator ended");
      });
  });
}

/** The first core that this process may use. */
function firstCore(): string {
  return /^Cpus_allowed_list:\s*(\d+)/m.exec(readFileSync("/proc/self/status", "utf8"))![1]!;
}

/** The rate of the host's time-stamp counter, which the emulator passes on, by the host's clock. */
export function hostTscHz(root: string): number {
  const folder = mkdtempSync(join(tmpdir(), "trine-tsc-"));
  try {
    run("nasm", [
      "-f",
      "elf64",
      "-o",
      join(folder, "tsc-rate.o"),
      join(root, "toolchain/soak/tsc-rate.asm"),
    ]);
    run("ld", ["-o", join(folder, "tsc-rate"), join(folder, "tsc-rate.o")]);
    return Number(run(join(folder, "tsc-rate"), []));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function run(program: string, parameters: readonly string[]): string {
  const { error, status, stdout, stderr } = spawnSync(program, parameters, { encoding: "utf8" });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${program} fails: ${stderr}`);
  return stdout;
}
