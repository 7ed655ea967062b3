// What CPUID says of the time stamp counter: its rate, and whether it keeps it.

import { cpuid } from "./x64";

const LEAF_FEATURES: u32 = 1;
const FEATURE_HYPERVISOR: u32 = 1 << 31;
/** Crystal's rate, and the counter's as a fraction of it. */
const LEAF_CRYSTAL: u32 = 0x15;
/** The processor's nominal rate, in MHz: its counter's to within some percent. */
const LEAF_NOMINAL: u32 = 0x16;
const LEAF_HYPERVISOR: u32 = 0x40000000;
/** The counter's rate in kHz, as VMware defined it; KVM and bhyve have it too. */
const LEAF_HYPERVISOR_CLOCK: u32 = 0x40000010;
const LEAF_EXTENDED: u32 = 0x80000000;
const LEAF_POWER: u32 = 0x80000007;
const POWER_INVARIANT: u32 = 1 << 8;

/**
 * No processor with 64 bits is slower or faster: other numbers are mistakes, as of a hypervisor
 * that fills the leaf with something else.
 */
const PLAUSIBLE_HZ_MIN: u64 = 100_000_000;
const PLAUSIBLE_HZ_MAX: u64 = 20_000_000_000;

/** eax, ebx, ecx, edx. */
const result = memory.data(16);

@unmanaged
@final
class Said {
  /** 0 if CPUID says none that can be. */
  hz: u64;
  /** A rate that a measurement must agree with, not a nominal one. */
  isExact: bool;
}
const said = changetype<Said>(memory.data(16, 8));

/** The rate of the time stamp counter. The same record each time. */
export function clockOfProcessor(): Said {
  said.isExact = true;
  said.hz = plausible(crystalHz());
  if (said.hz === 0) said.hz = plausible(hypervisorHz());
  if (said.hz !== 0) return said;
  said.isExact = false;
  said.hz = plausible(nominalHz());
  return said;
}

/** Whether the counter runs at one rate whatever the processor does to save power. */
export function isClockInvariant(): bool {
  return leafExists(LEAF_EXTENDED, LEAF_POWER) && (word(LEAF_POWER, 12) & POWER_INVARIANT) !== 0;
}

function crystalHz(): u64 {
  if (!leafExists(0, LEAF_CRYSTAL)) return 0;
  cpuid(LEAF_CRYSTAL, 0, result);
  const denominator = <u64>load<u32>(result);
  const numerator = <u64>load<u32>(result, 4);
  const crystal = <u64>load<u32>(result, 8);
  return denominator === 0 ? 0 : (crystal * numerator) / denominator;
}

function hypervisorHz(): u64 {
  if ((word(LEAF_FEATURES, 8) & FEATURE_HYPERVISOR) === 0) return 0;
  return leafExists(LEAF_HYPERVISOR, LEAF_HYPERVISOR_CLOCK)
    ? <u64>word(LEAF_HYPERVISOR_CLOCK, 0) * 1000
    : 0;
}

function nominalHz(): u64 {
  return leafExists(0, LEAF_NOMINAL) ? <u64>(word(LEAF_NOMINAL, 0) & 0xffff) * 1_000_000 : 0;
}

/** A processor answers for a leaf that it does not have with another's numbers. */
function leafExists(range: u32, leaf: u32): bool {
  const last = word(range, 0);
  return last >= leaf && last < range + 0x10000;
}

/** A register of a leaf, by its offset in `result`. */
function word(leaf: u32, offset: usize): u32 {
  cpuid(leaf, 0, result);
  return load<u32>(result + offset);
}

function plausible(hz: u64): u64 {
  return hz >= PLAUSIBLE_HZ_MIN && hz <= PLAUSIBLE_HZ_MAX ? hz : 0;
}
