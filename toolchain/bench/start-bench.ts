/** From the start of QEMU to the shell's prompt, in real time. */
import { spawn } from "node:child_process";
import { bootMedium, buildImage } from "../make/build-image.ts";
import { QEMU_PROGRAM, qemuArguments } from "../run/machine.ts";
import { type Figure, median } from "./figure.ts";

/** An odd number, so that the median is one of them. */
const RUNS = 9;
const TIMEOUT_MS = 60_000;
/** What the shell prints when it waits for a command. */
const PROMPT = "trine> ";

export async function runStartBench(root: string, log: (line: string) => void): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const medium of ["iso", "kernel"] as const) {
    const built = await buildImage(
      { root, image: "main", medium, release: false, without: undefined },
      "plain",
    );
    const samples: number[] = [];
    for (let run = 0; run < RUNS; run += 1)
      samples.push(
        await secondsToPrompt(qemuArguments({ boot: bootMedium(root, built), serial: "pipe" })),
      );
    log(`${medium}: ${samples.map((sample) => sample.toFixed(2)).join(" ")}`);
    const how = medium === "iso" ? "ISO by BIOS" : "kernel by PVH";
    const id = medium === "iso" ? "start-to-prompt" : "start-to-prompt-pvh";
    figures.push({
      id,
      about: `QEMU start to prompt, ${how}`,
      value: median(samples),
      unit: "seconds",
      samples,
    });
  }
  return figures;
}

function secondsToPrompt(parameters: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const child = spawn(QEMU_PROGRAM, parameters, { stdio: ["pipe", "pipe", "inherit"] });
    const timer = setTimeout(() => child.kill("SIGKILL"), TIMEOUT_MS);
    let output = "";
    let seconds: number | null = null;
    child.stdout.setEncoding("latin1").on("data", (text: string) => {
      output += text;
      if (seconds !== null || !output.includes(PROMPT)) return;
      seconds = (performance.now() - start) / 1000;
      child.kill("SIGKILL");
    });
    child.on("error", reject).on("close", () => {
      clearTimeout(timer);
      if (seconds === null)
        reject(new Error(`no prompt within ${TIMEOUT_MS / 1000} s\n${output.slice(-2000)}`));
      else resolve(seconds);
    });
  });
}
