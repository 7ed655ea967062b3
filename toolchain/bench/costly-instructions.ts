/**
 * Instructions that cost far more than others. Counted as one each, they hide: four loads of null
 * selectors, 8 of 846 instructions of a round trip, are a thousand cycles of a real processor.
 *
 * Cycles are a range from sources that are named. The range is for finding such instructions, never
 * a goal: the cycles of our own code were not measured.
 */
import { Code, type Instruction, Mnemonic as M, OpKind, Register } from "iced-x86";

interface CostlyKind {
  readonly id: string;
  readonly about: string;
  /** Of one execution. */
  readonly cyclesMin: number;
  readonly cyclesMax: number;
  readonly source: string;
}

const ZEN3 = "measured on a Zen 3";
const ASSUMED = "assumed, from no measurement";

export const COSTLY_KINDS: readonly CostlyKind[] = [
  {
    id: "systemCall",
    about: "`syscall` with its `sysret`",
    cyclesMin: 60,
    cyclesMax: 150,
    source: ASSUMED,
  },
  { id: "interruptReturn", about: "`iretq`", cyclesMin: 100, cyclesMax: 300, source: ASSUMED },
  {
    id: "cr3",
    about: "write of CR3",
    cyclesMin: 100,
    cyclesMax: 200,
    source:
      "Linux, Documentation/x86/pti.rst: on the order of a hundred; the misses that follow are not in it",
  },
  {
    id: "msrWrite",
    about: "write of an MSR",
    cyclesMin: 100,
    cyclesMax: 300,
    source: "published range for `wrmsr`, which serializes",
  },
  { id: "msrRead", about: "read of an MSR", cyclesMin: 30, cyclesMax: 100, source: ASSUMED },
  {
    id: "segment",
    about: "load of a segment register",
    cyclesMin: 22,
    cyclesMax: 137,
    source: `${ZEN3}: 22 a selector of the table, 137 the null selector`,
  },
  { id: "fsBase", about: "`wrfsbase`", cyclesMin: 34, cyclesMax: 34, source: ZEN3 },
  { id: "timeStamp", about: "`rdtsc`", cyclesMin: 28, cyclesMax: 28, source: ZEN3 },
  { id: "invalidate", about: "`invlpg`", cyclesMin: 100, cyclesMax: 200, source: ASSUMED },
  {
    id: "port",
    about: "access to a port",
    cyclesMin: 100,
    cyclesMax: 2000,
    source: `${ASSUMED}; it is the device that counts`,
  },
  {
    id: "taskState",
    about: "load of a descriptor table or task register",
    cyclesMin: 50,
    cyclesMax: 200,
    source: ASSUMED,
  },
];

/** Number of executions by kind; kinds that do not occur may be left out. */
export type CostlyCounts = Readonly<Record<string, number>>;

/**
 * Cycles of any other instruction: a third of a cycle at best, one cycle at worst if caches hit.
 */
const ORDINARY_MIN = 0.3;
const ORDINARY_MAX = 1;

/** Cycles that so many instructions may take, the costly ones among them. */
export function estimatedCycles(
  instructions: number,
  counts: CostlyCounts,
): { readonly min: number; readonly max: number } {
  let [min, max, costly] = [0, 0, 0];
  for (const kind of COSTLY_KINDS) {
    const count = counts[kind.id] ?? 0;
    costly += count;
    min += count * kind.cyclesMin;
    max += count * kind.cyclesMax;
  }
  const ordinary = Math.max(0, instructions - costly);
  return {
    min: Math.round(min + ordinary * ORDINARY_MIN),
    max: Math.round(max + ordinary * ORDINARY_MAX),
  };
}

/**
 * Of which kind a decoded instruction is, null for an ordinary one. A system call counts at its
 * return.
 */
export function costlyKindOf(instruction: Instruction): string | null {
  switch (instruction.mnemonic) {
    case M.Sysret:
    case M.Sysretq:
      return "systemCall";
    case M.Iret:
    case M.Iretd:
    case M.Iretq:
      return "interruptReturn";
    case M.Wrmsr:
      return "msrWrite";
    case M.Rdmsr:
      return "msrRead";
    case M.Wrfsbase:
    case M.Wrgsbase:
      return "fsBase";
    case M.Rdtsc:
    case M.Rdtscp:
      return "timeStamp";
    case M.Invlpg:
      return "invalidate";
    case M.In:
    case M.Out:
    case M.Insb:
    case M.Insw:
    case M.Insd:
    case M.Outsb:
    case M.Outsw:
    case M.Outsd:
      return "port";
    case M.Lldt:
    case M.Ltr:
    case M.Lgdt:
    case M.Lidt:
      return "taskState";
    case M.Pop:
      return isSegment(instruction) ? "segment" : null;
    case M.Mov:
      if (instruction.code === Code.Mov_cr_r64)
        return instruction.op0Register === Register.CR3 ? "cr3" : "taskState";
      return isSegment(instruction) ? "segment" : null;
    default:
      return null;
  }
}

function isSegment({ op0Kind, op0Register }: Instruction): boolean {
  return op0Kind === OpKind.Register && op0Register >= Register.ES && op0Register <= Register.GS;
}
