/**
 * The bench image measures the kernel from inside and writes a line `bench NAME: MINIMUM MEDIAN
 * ROUNDS` to the kernel's log for each figure. The image counts operations that failed; after a
 * failure there are no figures.
 *
 * It runs once for its figures, once more one instruction at a time for the costly ones among them,
 * once grown as far as a system may grow, and on each variant of kernel and processor.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bootMedium, buildImage, type BuiltImage } from "../make/build-image.ts";
import { readElf } from "../elf/read.ts";
import { Status } from "../../kernel/abi/status.ts";
import { UNJUDGED } from "../image/guards.ts";
import { refuse } from "../report/diagnostic.ts";
import { guestExitValue, type MachineOptions } from "../run/machine.ts";
import { type MachineEnd, runToEnd } from "../run/run-to-end.ts";
import { planTrace, readTrace, traceArguments, typicalCounts } from "./cost-trace.ts";
import type { CostlyCounts } from "./costly-instructions.ts";
import type { Figure } from "./figure.ts";
import { growImage } from "./growth.ts";
import { KERNEL_FIGURES, PLAIN, withGoals } from "./kernel-figures.ts";
import { KERNEL_VARIANTS, type KernelVariant } from "./kernel-variants.ts";

/** The traced run takes one instruction at a time. */
const TIMEOUT_MS = 900_000;
const BENCHER = "bencher";
/** The line of the port that `trigger` makes interrupt. */
const SECOND_SERIAL_PORT = ["-serial", "null"];
const COUNTER = "counter";
const FAILURES = "failures";
const DENIED = "denied call";
/** As the kernel's log shows it. */
const LINE = /^bencher: bench ([^:\n]+): (\d+) (\d+) (\d+)\.?\r?$/gm;

type Log = (line: string) => void;
type Machine = Pick<MachineOptions, "boot" | "cpu" | "countInstructions" | "memoryMiB">;

export async function runKernelBench(root: string, log: Log): Promise<Figure[]> {
  const built = await buildBench(root, {});
  log("the bench image, and once more one instruction at a time");
  const figures = await measured(root, built, {});

  log("beside 1,000 domains, under a policy of as many classes as there may be");
  const grown = await growImage(root, built);
  const end = await run({ ...machineOf(grown), memoryMiB: 512 });
  const more = grownFigures(end, valueOf(figures, PLAIN));

  const variants: Figure[] = [];
  for (const variant of KERNEL_VARIANTS) {
    log(variant.about);
    variants.push(...(await variantFigures(root, variant, valueOf(figures, PLAIN))));
  }
  return [...figures, ...more, ...variants];
}

function buildBench(root: string, { image, without }: Partial<KernelVariant>): Promise<BuiltImage> {
  return buildImage(
    { root, image: image ?? "bench", medium: "kernel", release: false, without },
    "plain",
  );
}

const machineOf = (boot: Machine["boot"]): Machine => ({ boot, countInstructions: true });

function run(machine: Machine, extra: readonly string[] = []): Promise<MachineEnd> {
  return runToEnd({ ...machine, extra: [...SECOND_SERIAL_PORT, ...extra] }, TIMEOUT_MS);
}

/** The figures of an image, with the costly instructions among them. */
async function measured(
  root: string,
  built: BuiltImage,
  { cpu, without }: Partial<KernelVariant>,
): Promise<Figure[]> {
  const machine = {
    ...machineOf(bootMedium(root, built)),
    ...(cpu === undefined ? {} : { cpu }),
  };
  const grantsAll = without === UNJUDGED;
  const figures = figuresOf(await run(machine), grantsAll);
  const folder = mkdtempSync(join(tmpdir(), "trine-trace-"));
  try {
    const path = join(folder, "trace.log");
    const trace = planOf(root, built);
    const end = await run(machine, traceArguments(trace, path));
    return withCosts(figures, end, readTrace(trace, readFileSync(path, "latin1")), grantsAll);
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

type PrintedLines = (name: string) => PrintedLine;

/**
 * The image's lines by name; a name without a line is an error. Throws unless the image ended by
 * itself and reports no failure. `grantsAll`: the kernel is one that judges nothing, so that each
 * denied call, and nothing else, must have failed, by having been granted.
 */
function printedLines({ output, exitCode }: MachineEnd, grantsAll = false): PrintedLines {
  const lines = new Map(
    [...output.matchAll(LINE)].map((match) => [
      match[1]!,
      { minimum: Number(match[2]), median: Number(match[3]), rounds: Number(match[4]) },
    ]),
  );
  const tail = `\n${output.slice(-2000)}`;
  const lineOf: PrintedLines = (name) =>
    lines.get(name) ?? refuse(`the bench image did not print "${name}"${tail}`);
  if (!lines.has(COUNTER)) refuse(`the bench image ended without figures${tail}`);
  const failures = lines.get(FAILURES);
  if (failures === undefined) refuse(`the bench image did not reach its end${tail}`);
  // The line of failures has their number and the status of the last one in the places of a
  // figure's numbers.
  const { minimum: count, median: status } = failures;
  const granted = grantsAll ? 1 + lineOf(DENIED).rounds : 0;
  if (count !== granted || (grantsAll && status !== Number(Status.Ok)))
    refuse(
      `${count} of the operations measured did not end as they should, the last with status ${status} (kernel/abi/status.ts): these are no figures${tail}`,
    );
  if (guestExitValue(exitCode) !== (grantsAll ? 1 : 0))
    refuse(`the bench image ended with exit code ${exitCode}, not as one whose checks hold${tail}`);
  return lineOf;
}

/** The median of a line, without the cost of reading the counter, which is in its samples. */
function netMedian(lineOf: PrintedLines, name: string): number {
  return lineOf(name).median - lineOf(COUNTER).median;
}

/** The figures in the bench image's output, with their goals. */
export function figuresOf(end: MachineEnd, grantsAll = false): Figure[] {
  const lineOf = printedLines(end, grantsAll);
  const figures: Figure[] = KERNEL_FIGURES.map(({ line, id, about, unit, isTraced = true }) => ({
    id,
    about,
    unit,
    value: isTraced ? netMedian(lineOf, line) : lineOf(line).median,
  }));
  return withGoals([...figures, startAndEnd(figures)]);
}

/** As other systems measure it, and as the design's goal is given. */
function startAndEnd(figures: readonly Figure[]): Figure {
  return {
    id: "domain-start-and-end",
    about: "domain start to its first answer, and end, together",
    value: valueOf(figures, "domain-start") + valueOf(figures, "domain-end"),
    unit: "instructions",
    goal: 35_000,
  };
}

/** `plain`: what the small image measured. */
export function grownFigures(end: MachineEnd, plain: number): Figure[] {
  const lineOf = printedLines(end);
  const figure = (id: string, about: string, line: string): Figure => ({
    id,
    about: `IPC round trip, 4 words, ${about}`,
    value: netMedian(lineOf, line),
    unit: "instructions",
    goal: plain,
  });
  return [
    figure("ipc-round-trip-1000", "1,000 domains more that wait", "round trip, 1,000 domains more"),
    figure(
      "ipc-round-trip-policy",
      "under a policy of 4,096 classes, as many as there may be",
      "round trip, 4 words",
    ),
  ];
}

/** `plain`: what the kernel that is measured takes. */
async function variantFigures(
  root: string,
  variant: KernelVariant,
  plain: number,
): Promise<Figure[]> {
  const { id, about, price } = variant;
  const built = await buildBench(root, variant);
  const figures = await measured(root, built, variant);
  const { value, costly } = figures.find((figure) => figure.id === PLAIN)!;
  const row: Figure = {
    id: `${PLAIN}-${id}`,
    about: `IPC round trip, 4 words, ${about}`,
    value,
    unit: "instructions",
    ...(costly === undefined ? {} : { costly }),
  };
  return price === undefined
    ? [row]
    : [row, { ...price, value: plain - value, unit: "instructions" }];
}

const valueOf = (figures: readonly Figure[], wanted: string): number =>
  figures.find(({ id }) => id === wanted)!.value;

/**
 * The figures with the costly instructions that a traced run of the same image executed. `samples`:
 * the counts of all rounds, in their order.
 */
export function withCosts(
  figures: readonly Figure[],
  end: MachineEnd,
  samples: readonly CostlyCounts[],
  grantsAll = false,
): Figure[] {
  const lineOf = printedLines(end, grantsAll);
  let at = 0;
  const take = (name: string): CostlyCounts => {
    const { rounds } = lineOf(name);
    at += rounds;
    if (at > samples.length)
      throw new Error(`the trace has ${samples.length} samples, fewer than the image took`);
    return typicalCounts(samples.slice(at - rounds, at));
  };
  take(COUNTER);
  const costs = new Map(
    KERNEL_FIGURES.flatMap(({ line, id, isTraced = true }) =>
      isTraced ? [[id, take(line)] as const] : [],
    ),
  );
  // The remaining samples are the notices, one more of them than are figures, and the domain's
  // starts and ends, which alternate.
  const roundsOf = (name: string): number => lineOf(name).rounds;
  const left = roundsOf("notice, back") + 1 + roundsOf("domain start") + roundsOf("domain end");
  if (at + left !== samples.length)
    throw new Error(`the trace has ${samples.length} samples, and the image took ${at + left}`);
  return figures.map((figure) => {
    const costly = costs.get(figure.id);
    return costly === undefined ? figure : { ...figure, costly };
  });
}
