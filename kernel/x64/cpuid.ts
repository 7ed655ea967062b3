// What CPUID says, leaf by leaf.

import { endLine, logByte, logText } from "./serial-log";
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

/** The first of the three leaves that hold the model's name, 16 bytes each. */
const LEAF_MODEL: u32 = LEAF_EXTENDED + 2;
const MODEL_LEAVES: u32 = 3;

/**
 * Prints `trine: processor` and the name that the processor gives its model; nothing if it gives
 * none. Names may begin with spaces, and end with a zero.
 */
export function logModel(): void {
  if (!hasLeaf(LEAF_MODEL + MODEL_LEAVES - 1)) return;
  logText("trine: processor ");
  let hasBegun = false;
  for (let leaf: u32 = 0; leaf < MODEL_LEAVES; leaf++) {
    const part = changetype<usize>(readLeaf(LEAF_MODEL + leaf));
    for (let i: u32 = 0; i < 16; i++) {
      const byte = <u32>load<u8>(part + i);
      if (byte > 0x20) hasBegun = true;
      if (hasBegun && byte >= 0x20 && byte < 0x7f) logByte(byte);
    }
  }
  endLine();
}
