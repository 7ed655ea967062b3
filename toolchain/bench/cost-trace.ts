/**
 * Which costly instructions an operation executes. The emulator runs one instruction at a time and
 * logs certain addresses: the kernel's costly instructions, and the bencher's reads of the
 * time-stamp counter, which begin and end each sample.
 */
import { Decoder, DecoderOptions, Mnemonic } from "iced-x86";
import { type ElfFile, sectionNamed } from "../elf/read.ts";
import { costlyKindOf, type CostlyCounts } from "./costly-instructions.ts";

interface CostTrace {
  /** Kind by address. */
  readonly costly: ReadonlyMap<bigint, string>;
  /** Where samples begin and end. */
  readonly marks: ReadonlySet<bigint>;
}

/**
 * `others`: programs at the same addresses as the bencher, in which no instruction may begin where
 * a mark is.
 */
export function planTrace(
  kernel: ElfFile,
  bencher: ElfFile,
  others: readonly ElfFile[],
): CostTrace {
  const costly = new Map<bigint, string>();
  for (const name of [".stubs", ".text"]) {
    forEachInstruction(kernel, name, (address, instruction) => {
      const kind = costlyKindOf(instruction);
      if (kind !== null) costly.set(address, kind);
    });
  }
  const marks = new Set<bigint>();
  forEachInstruction(bencher, ".text", (address, { mnemonic }) => {
    if (mnemonic === Mnemonic.Rdtsc) marks.add(address);
  });
  for (const other of others) {
    forEachInstruction(other, ".text", (address) => {
      if (marks.has(address))
        throw new Error(
          `another program has an instruction at 0x${address.toString(16)}, where the bencher reads the counter: the two cannot be distinguished`,
        );
    });
  }
  return { costly, marks };
}

/** QEMU's arguments for a log of these addresses. */
export function traceArguments({ costly, marks }: CostTrace, logPath: string): string[] {
  const ranges = [...costly.keys(), ...marks].map((address) => `0x${address.toString(16)}+1`);
  return ["-singlestep", "-d", "exec,nochain", "-D", logPath, "-dfilter", ranges.join(",")];
}

/** The costly instructions of each sample, in the order in which the samples were taken. */
export function readTrace({ costly, marks }: CostTrace, log: string): CostlyCounts[] {
  const samples: CostlyCounts[] = [];
  let counts: Record<string, number> | null = null;
  for (const address of executedAddresses(log)) {
    const kind = costly.get(address);
    if (kind !== undefined) {
      if (counts !== null) counts[kind] = (counts[kind] ?? 0) + 1;
    } else if (marks.has(address)) {
      if (counts !== null) samples.push(counts);
      counts = counts === null ? {} : null;
    }
  }
  if (counts !== null) throw new Error("the trace ends inside a sample");
  return samples;
}

/**
 * A line `Trace` comes before its instruction; if an interrupt comes between the two, a line
 * `Stopped` says that the instruction was not executed.
 */
function executedAddresses(log: string): bigint[] {
  const addresses: bigint[] = [];
  const lines =
    /^(?:Trace \d+: \S+ \[[0-9a-f]+\/([0-9a-f]+)\/|Stopped execution of TB chain before)/gm;
  for (const [, address] of log.matchAll(lines)) {
    if (address === undefined) addresses.pop();
    else addresses.push(BigInt(`0x${address}`));
  }
  return addresses;
}

/**
 * The median sample by the sum of its counts: an interrupt during one sample is not part of the
 * operation.
 */
export function typicalCounts(samples: readonly CostlyCounts[]): CostlyCounts {
  const sum = (counts: CostlyCounts): number =>
    Object.values(counts).reduce((total, count) => total + count, 0);
  return samples.toSorted((left, right) => sum(left) - sum(right))[samples.length >> 1] ?? {};
}

function forEachInstruction(
  elf: ElfFile,
  name: string,
  visit: (address: bigint, instruction: ReturnType<Decoder["decode"]>) => void,
): void {
  const section = sectionNamed(elf, name);
  if (section === undefined) return;
  const decoder = new Decoder(64, section.bytes, DecoderOptions.None);
  decoder.ip = section.address;
  while (decoder.canDecode) {
    const instruction = decoder.decode();
    visit(instruction.ip, instruction);
    instruction.free();
  }
  decoder.free();
}
