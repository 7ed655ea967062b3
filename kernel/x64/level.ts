// Levels of x86-64 (kernel/abi/executable.ts): what of them the processor has, and what it lacks,
// by name.

import { LEVEL_MOST } from "../abi/executable";
import { logText } from "./serial-log";
import { cpuid } from "./x64";

const EXTENDED: u32 = 0x80000000;
/** Of `result`: where cpuid leaves a register. */
const EBX: usize = 4;
const ECX: usize = 8;

/** eax, ebx, ecx, edx. */
const result = memory.data(16);

/** The highest level that the processor has, level 1 being what boot has asked for. */
export function processorLevel(): u32 {
  let level: u32 = 1;
  while (level < <u32>LEVEL_MOST && findMissing(level + 1, false) === 0) level += 1;
  return level;
}

/** Prints what the processor lacks of `level` and those below, each with a space before. */
export function logMissingOf(level: u32): void {
  for (let below: u32 = 2; below <= level; below++) findMissing(below, true);
}

/** How many of the features that a level adds are missing; with `logs`, names them. */
function findMissing(level: u32, logs: bool): u32 {
  if (level === 2) {
    return (
      missing(1, ECX, 0, " sse3", logs) +
      missing(1, ECX, 9, " ssse3", logs) +
      missing(1, ECX, 13, " cmpxchg16b", logs) +
      missing(1, ECX, 19, " sse4.1", logs) +
      missing(1, ECX, 20, " sse4.2", logs) +
      missing(1, ECX, 23, " popcnt", logs) +
      missing(EXTENDED + 1, ECX, 0, " lahf", logs)
    );
  }
  return (
    missing(7, EBX, 3, " bmi1", logs) +
    missing(7, EBX, 8, " bmi2", logs) +
    missing(EXTENDED + 1, ECX, 5, " lzcnt", logs) +
    missing(1, ECX, 22, " movbe", logs)
  );
}

/** 1 where the bit of the leaf's register is clear or there is no such leaf. */
function missing(leaf: u32, register: usize, bit: u32, name: string, logs: bool): u32 {
  cpuid(leaf & EXTENDED, 0, result);
  const isThere = load<u32>(result) >= leaf;
  cpuid(leaf, 0, result);
  if (isThere && ((load<u32>(result + register) >> bit) & 1) !== 0) return 0;
  if (logs) logText(name);
  return 1;
}
