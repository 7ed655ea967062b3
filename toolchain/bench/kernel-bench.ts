/** The bench image: measures the kernel from inside and writes a line `bench NAME: MINIMUM MEDIAN` to the kernel's log for each figure. */
import { bootMedium, buildImage } from "../build/build-image.ts";
import { runToEnd } from "../run/run-to-end.ts";
import type { Figure } from "./figure.ts";

const TIMEOUT_MS = 300_000;

/** What a line's name is as a figure. Times contain the cost of reading the counter, which the image measures too. */
const FIGURES: Readonly<Record<string, Pick<Figure, "id" | "about" | "unit">>> = {
  "round trip, 0 words": { id: "ipc-round-trip-0", about: "IPC round trip, 0 words", unit: "instructions" },
  "round trip, 4 words": { id: "ipc-round-trip-4", about: "IPC round trip, 4 words", unit: "instructions" },
  "round trip, 64 words": { id: "ipc-round-trip-64", about: "IPC round trip, 64 words", unit: "instructions" },
  "round trip, 4 KiB": { id: "ipc-round-trip-4096", about: "IPC round trip, 4 KiB of arena both ways", unit: "instructions" },
  "denied call": { id: "denied-call", about: "denied call, audit record included", unit: "instructions" },
  "clock.now": { id: "cheapest-call", about: "cheapest checked system call (Clock.now)", unit: "instructions" },
  "bad handle": { id: "bad-handle", about: "call on a handle that does not exist", unit: "instructions" },
  "notice, signal and receive": { id: "notice", about: "notice: signal and receive", unit: "instructions" },
  "domain start and reclamation": { id: "domain-start", about: "domain start and reclamation", unit: "instructions" },
  "idle domain, bytes": { id: "idle-domain-bytes", about: "memory of an idle domain", unit: "bytes" },
};
const COUNTER = "counter";
/** As the kernel's log shows it. */
const LINE = /^bencher: bench ([^:\n]+): (\d+) (\d+)\.?\r?$/gm;

export async function runKernelBench(root: string): Promise<Figure[]> {
  const built = await buildImage({ root, image: "bench", medium: "kernel", release: false, without: undefined }, "plain");
  const { output } = await runToEnd({ boot: bootMedium(root, built), countInstructions: true }, TIMEOUT_MS);
  return figuresOf(output);
}

/** The figures in the image's output, medians, less the cost of the counter itself where it is part of them. */
export function figuresOf(output: string): Figure[] {
  const medians = new Map([...output.matchAll(LINE)].map((match) => [match[1]!, Number(match[3])]));
  const counter = medians.get(COUNTER);
  if (counter === undefined) throw new Error(`the bench image ended without figures\n${output.slice(-2000)}`);
  return Object.entries(FIGURES).map(([name, figure]) => {
    const value = medians.get(name);
    if (value === undefined) throw new Error(`the bench image did not print "${name}"\n${output.slice(-2000)}`);
    return { ...figure, value: figure.unit === "instructions" ? value - counter : value };
  });
}
