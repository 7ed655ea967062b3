import { Code, CpuidFeature as F, type Instruction } from "iced-x86";
import type { Level } from "../ir/module.ts";

/** What an instruction needs of the processor: a level of x86-64, or null where no level has it. */
export type Needs = Level | null;

/**
 * By the bits of CPUID that the decoder's tables name for an instruction; the levels are those of
 * kernel/abi/executable.ts.
 */
const LEVEL_OF: ReadonlyMap<F, Level> = new Map<F, Level>([
  ...[
    F.INTEL8086,
    F.INTEL186,
    F.INTEL286,
    F.INTEL386,
    F.INTEL486,
    F.X64,
    F.CMOV,
    F.CPUID,
    F.CX8,
    F.FPU,
    F.FXSR,
    F.MMX,
    F.MSR,
    F.MULTIBYTENOP,
    F.PAUSE,
    F.SSE,
    F.SSE2,
    F.SYSCALL,
    F.TSC,
  ].map((feature) => [feature, 1] as const),
  ...[F.CMPXCHG16B, F.POPCNT, F.SSE3, F.SSSE3, F.SSE4_1, F.SSE4_2].map(
    (feature) => [feature, 2] as const,
  ),
  ...[F.LZCNT, F.BMI1, F.BMI2, F.MOVBE].map((feature) => [feature, 3] as const),
]);

const needsByCode = new Map<Code, Needs>();

export function needsOf(instruction: Instruction): Needs {
  const { code } = instruction;
  let needs = needsByCode.get(code);
  if (needs === undefined) {
    needs = highest(
      [...instruction.cpuidFeatures()].map((feature) => LEVEL_OF.get(feature) ?? null),
    );
    needsByCode.set(code, needs);
  }
  return needs;
}

function highest(needs: readonly Needs[]): Needs {
  return needs.reduce<Needs>(
    (most, next) => (most === null || next === null ? null : next > most ? next : most),
    1,
  );
}
