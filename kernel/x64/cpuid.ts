// What CPUID says, leaf by leaf.

import { cpuid } from "./x64";

/** First leaf of the ranges of standard and of extended leaves. */
export const LEAF_STANDARD: u32 = 0;
export const LEAF_EXTENDED: u32 = 0x80000000;
export const LEAF_FEATURES: u32 = 1;
export const LEAF_MORE_FEATURES: u32 = 7;
/** A range ends here at the latest. */
const RANGE_LEAVES: u32 = 0x10000;

/** The registers that the instruction returns. */
@unmanaged
@final
class CpuidLeaf {
  eax: u32;
  ebx: u32;
  ecx: u32;
  edx: u32;
}

/** The record that `readLeaf` fills. */
const leafRecord: usize = memory.data(offsetof<CpuidLeaf>(), 4);

/** Reads a leaf. Each call returns the same record. */
export function readLeaf(leaf: u32): CpuidLeaf {
  cpuid(leaf, 0, leafRecord);
  return changetype<CpuidLeaf>(leafRecord);
}

/**
 * True if the processor has the leaf. For a leaf that it lacks, the processor returns the numbers
 * of another leaf.
 */
export function hasLeaf(leaf: u32): bool {
  const range = leaf - (leaf % RANGE_LEAVES);
  const last = readLeaf(range).eax;
  return last >= leaf && last - range < RANGE_LEAVES;
}

/** True if the bit of a register is set. */
export function hasBit(register: u32, bit: u32): bool {
  return ((register >> bit) & 1) !== 0;
}
