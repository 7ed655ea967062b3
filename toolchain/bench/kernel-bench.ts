/**
 * The bench image measures the kernel from inside and writes a line `bench NAME: MINIMUM MEDIAN
 * ROUNDS` to the kernel's log for each figure. The image counts operations that failed; after a
 * failure there are no figures.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bootMedium, buildImage, type BuiltImage } from "../make/build-image.ts";
import { readElf } from "../elf/read.ts";
import { refuse } from "../report/diagnostic.ts";
import { guestExitValue } from "../run/machine.ts";
import { type MachineEnd, runToEnd } from "../run/run-to-end.ts";
import { planTrace, readTrace, traceArguments, typicalCounts } from "./cost-trace.ts";
import type { CostlyCounts } from "./costly-instructions.ts";
import type { Figure } from "./figure.ts";

/** The traced run takes one instruction at a time. */
const TIMEOUT_MS = 900_000;
const BENCHER = "bencher";
/** The line of the port that `trigger` makes interrupt. */
const SECOND_SERIAL_PORT = ["-serial", "null"];

/**
 * The figure of each line by the line's name, in the order in which the image measures. Times
 * contain the cost of reading the counter, which the image measures too. `isTraced`: the bencher
 * itself reads the counter around each sample.
 */
const FIGURES: Readonly<
  Record<string, Pick<Figure, "id" | "about" | "unit" | "goal"> & { readonly isTraced?: false }>
> = {
  "round trip, 0 words": {
    id: "ipc-round-trip-0",
    about: "IPC round trip, 0 words",
    unit: "instructions",
  },
  "round trip, 4 words": {
    id: "ipc-round-trip-4",
    about: "IPC round trip, 4 words",
    unit: "instructions",
  },
  "round trip, 64 words": {
    id: "ipc-round-trip-64",
    about: "IPC round trip, 64 words",
    unit: "instructions",
    goal: 1000,
  },
  "round trip, 4 KiB": {
    id: "ipc-round-trip-4096",
    about: "IPC round trip, 4 KiB of arena both ways",
    unit: "instructions",
    goal: 1824,
  },
  "round trip, timed": {
    id: "ipc-round-trip-timed",
    about: "IPC round trip, 4 words, with a timeout",
    unit: "instructions",
  },
  "round trip, nested": {
    id: "ipc-round-trip-nested",
    about: "IPC round trip, 4 words, whose server makes one too",
    unit: "instructions",
  },
  "generated stubs, 0 words": {
    id: "stubs-round-trip-0",
    about: "the same, 0 words, generated stubs on both sides",
    unit: "instructions",
    goal: 300,
  },
  "generated stubs, 4 words": {
    id: "stubs-round-trip-4",
    about: "the same, 4 words, generated stubs on both sides",
    unit: "instructions",
    goal: 320,
  },
  "generated stubs, 4 kinds of fields": {
    id: "stubs-round-trip-kinds",
    about: "the same, a field each of enumeration, boolean, 16 and 64 bits",
    unit: "instructions",
    goal: 380,
  },
  "round trip, lower thread ready": {
    id: "ipc-round-trip-lower",
    about: "IPC round trip, 4 words, a thread of lower priority ready",
    unit: "instructions",
  },
  "round trip, equal thread busy": {
    id: "ipc-round-trip-equal",
    about: "IPC round trip, 4 words, a thread of equal priority always busy",
    unit: "instructions",
  },
  "generated stubs, lower thread ready": {
    id: "stubs-round-trip-lower",
    about: "the same, 4 words, generated stubs, a thread of lower priority ready",
    unit: "instructions",
    goal: 320,
  },
  "round trip, 30 domains more": {
    id: "ipc-round-trip-30",
    about: "IPC round trip, 4 words, 30 domains more that wait",
    unit: "instructions",
  },
  "round trip, 200 domains more": {
    id: "ipc-round-trip-200",
    about: "IPC round trip, 4 words, 200 domains more that wait",
    unit: "instructions",
  },
  "denied call": {
    id: "denied-call",
    about: "denied call, audit record included",
    unit: "instructions",
    goal: 600,
  },
  "clock.now": {
    id: "cheapest-call",
    about: "cheapest checked system call (Clock.now)",
    unit: "instructions",
    goal: 110,
  },
  "bad handle": {
    id: "bad-handle",
    about: "call on a handle that does not exist",
    unit: "instructions",
  },
  "notice, signal and receive": {
    id: "notice",
    about: "notice: signal and receive",
    unit: "instructions",
  },
  "interrupt to driver": {
    id: "interrupt-to-driver",
    about: "interrupt, from the write that raises it to the driver's return from `recv`",
    unit: "instructions",
    goal: 700,
    isTraced: false,
  },
  "domain start": {
    id: "domain-start",
    about: "domain start to its first answer",
    unit: "instructions",
    isTraced: false,
  },
  "domain end": {
    id: "domain-end",
    about: "domain end, all of it given back",
    unit: "instructions",
    isTraced: false,
  },
  "idle domain, bytes": {
    id: "idle-domain-bytes",
    about: "memory of an idle domain",
    unit: "bytes",
    goal: 44 * 1024,
  },
};
const COUNTER = "counter";
const FAILURES = "failures";
/** As the kernel's log shows it. */
const LINE = /^bencher: bench ([^:\n]+): (\d+) (\d+) (\d+)\.?\r?$/gm;

export async function runKernelBench(root: string, log: (line: string) => void): Promise<Figure[]> {
  const built = await buildImage(
    { root, image: "bench", medium: "kernel", release: false, without: undefined },
    "plain",
  );
  const machine = { boot: bootMedium(root, built), countInstructions: true };
  const figures = figuresOf(await runToEnd({ ...machine, extra: SECOND_SERIAL_PORT }, TIMEOUT_MS));

  log("once more, one instruction at a time, for the costly ones");
  const folder = mkdtempSync(join(tmpdir(), "trine-trace-"));
  try {
    const path = join(folder, "trace.log");
    const trace = planOf(root, built);
    const end = await runToEnd(
      { ...machine, extra: [...SECOND_SERIAL_PORT, ...traceArguments(trace, path)] },
      TIMEOUT_MS,
    );
    return withCosts(figures, end, readTrace(trace, readFileSync(path, "latin1")));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function planOf(root: string, { kernelPath, programs }: BuiltImage): ReturnType<typeof planTrace> {
  const elf = (path: string) => readElf(readFileSync(join(root, path)), path);
  const bencher = programs.find(({ name }) => name === BENCHER);
  if (bencher === undefined) throw new Error("the bench image has no bencher");
  return planTrace(
    elf(kernelPath),
    elf(bencher.elfPath),
    programs.filter((program) => program !== bencher).map(({ elfPath }) => elf(elfPath)),
  );
}

interface PrintedLine {
  readonly minimum: number;
  readonly median: number;
  readonly rounds: number;
}

/**
 * The image's lines by name. Throws unless the image ended by itself and reports no failure.
 */
function printedLines({ output, exitCode }: MachineEnd): Map<string, PrintedLine> {
  const lines = new Map(
    [...output.matchAll(LINE)].map((match) => [
      match[1]!,
      { minimum: Number(match[2]), median: Number(match[3]), rounds: Number(match[4]) },
    ]),
  );
  const tail = `\n${output.slice(-2000)}`;
  if (!lines.has(COUNTER)) refuse(`the bench image ended without figures${tail}`);
  const failures = lines.get(FAILURES);
  if (failures === undefined) refuse(`the bench image did not reach its end${tail}`);
  // The line of failures has their number and the status of the last one in the places of a
  // figure's numbers.
  const { minimum: count, median: status } = failures;
  if (count !== 0)
    refuse(
      `${count} of the operations measured did not end as they should, the last with status ${status} (kernel/abi/status.ts): these are no figures${tail}`,
    );
  if (guestExitValue(exitCode) !== 0)
    refuse(`the bench image ended with exit code ${exitCode}, not as one whose checks hold${tail}`);
  return lines;
}

/**
 * The figures in the image's output: medians, without the cost of reading the counter if it is part
 * of the sample.
 */
export function figuresOf(end: MachineEnd): Figure[] {
  const lines = printedLines(end);
  const counter = lines.get(COUNTER)!.median;
  const figures: Figure[] = Object.entries(FIGURES).map(([name, { id, about, unit, goal }]) => {
    const value = lines.get(name)?.median;
    if (value === undefined)
      refuse(`the bench image did not print "${name}"\n${end.output.slice(-2000)}`);
    return {
      id,
      about,
      unit,
      value: unit === "instructions" ? value - counter : value,
      ...(goal === undefined ? {} : { goal }),
    };
  });
  return [...figures, startAndEnd(figures)];
}

/** As other systems measure it, and as the design's goal is given. */
function startAndEnd(figures: readonly Figure[]): Figure {
  const valueOf = (wanted: string): number => figures.find(({ id }) => id === wanted)!.value;
  return {
    id: "domain-start-and-end",
    about: "domain start to its first answer, and end, together",
    value: valueOf("domain-start") + valueOf("domain-end"),
    unit: "instructions",
    goal: 35_000,
  };
}

/**
 * The figures with the costly instructions that a traced run of the same image executed. `samples`:
 * the counts of all rounds, in their order.
 */
export function withCosts(
  figures: readonly Figure[],
  end: MachineEnd,
  samples: readonly CostlyCounts[],
): Figure[] {
  const lines = printedLines(end);
  let at = 0;
  const take = (name: string): CostlyCounts => {
    const { rounds } = lines.get(name)!;
    at += rounds;
    if (at > samples.length)
      throw new Error(`the trace has ${samples.length} samples, fewer than the image took`);
    return typicalCounts(samples.slice(at - rounds, at));
  };
  take(COUNTER);
  const costs = new Map(
    Object.entries(FIGURES).flatMap(([name, { id, unit, isTraced }]) =>
      unit === "instructions" && isTraced !== false ? [[id, take(name)] as const] : [],
    ),
  );
  // The remaining samples are the domain's starts and ends, which alternate.
  const left = lines.get("domain start")!.rounds + lines.get("domain end")!.rounds;
  if (at + left !== samples.length)
    throw new Error(`the trace has ${samples.length} samples, and the image took ${at + left}`);
  return figures.map((figure) => {
    const costly = costs.get(figure.id);
    return costly === undefined ? figure : { ...figure, costly };
  });
}
