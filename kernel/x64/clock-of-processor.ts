// What CPUID says of the time stamp counter: its rate, and whether the rate is constant.

import { LEAF_FEATURES, hasLeaf, readLeaf } from "./cpuid";

const FEATURE_HYPERVISOR: u32 = 1 << 31;
/** Crystal's rate, and the counter's as a fraction of it. */
const LEAF_CRYSTAL: u32 = 0x15;
/** The processor's nominal rate, in MHz: within some percent of its counter's rate. */
const LEAF_NOMINAL: u32 = 0x16;
/** The counter's rate in kHz, as VMware defined it; KVM and bhyve have it too. */
const LEAF_HYPERVISOR_CLOCK: u32 = 0x40000010;
const LEAF_POWER: u32 = 0x80000007;
const POWER_INVARIANT: u32 = 1 << 8;

/**
 * No 64-bit processor is slower or faster. Other numbers are mistakes, for example of a hypervisor
 * that fills the leaf with something else.
 */
const PLAUSIBLE_HZ_MIN: u64 = 100_000_000;
const PLAUSIBLE_HZ_MAX: u64 = 20_000_000_000;

@unmanaged
@final
class StatedRate {
  /** 0 if CPUID states no rate, or none that is plausible. */
  hz: u64;
  /** True if a measurement must agree with the rate; false if the rate is only nominal. */
  isExact: bool;
}
const rate = changetype<StatedRate>(memory.data(16, 8));

/** The rate of the time stamp counter. Each call returns the same record. */
export function clockOfProcessor(): StatedRate {
  rate.isExact = true;
  rate.hz = plausible(crystalHz());
  if (rate.hz === 0) rate.hz = plausible(hypervisorHz());
  if (rate.hz !== 0) return rate;
  rate.isExact = false;
  rate.hz = plausible(nominalHz());
  return rate;
}

/** True if the counter runs at one rate whatever the processor does to save power. */
export function isClockInvariant(): bool {
  return hasLeaf(LEAF_POWER) && (readLeaf(LEAF_POWER).edx & POWER_INVARIANT) !== 0;
}

function crystalHz(): u64 {
  if (!hasLeaf(LEAF_CRYSTAL)) return 0;
  const leaf = readLeaf(LEAF_CRYSTAL);
  const denominator = <u64>leaf.eax;
  const numerator = <u64>leaf.ebx;
  const crystal = <u64>leaf.ecx;
  return denominator === 0 ? 0 : (crystal * numerator) / denominator;
}

function hypervisorHz(): u64 {
  if ((readLeaf(LEAF_FEATURES).ecx & FEATURE_HYPERVISOR) === 0) return 0;
  return hasLeaf(LEAF_HYPERVISOR_CLOCK) ? <u64>readLeaf(LEAF_HYPERVISOR_CLOCK).eax * 1000 : 0;
}

function nominalHz(): u64 {
  return hasLeaf(LEAF_NOMINAL) ? <u64>(readLeaf(LEAF_NOMINAL).eax & 0xffff) * 1_000_000 : 0;
}

function plausible(hz: u64): u64 {
  return hz >= PLAUSIBLE_HZ_MIN && hz <= PLAUSIBLE_HZ_MAX ? hz : 0;
}
