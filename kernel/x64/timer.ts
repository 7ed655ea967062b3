// Time: the time stamp counter says what time it is, the local APIC's one-shot timer interrupts at a deadline; without an APIC
// the 8254 does that. Both rates are measured once against the 8254, whose rate is fixed.

import { in8, out8, physicalLoad32, physicalStore32, readMsr, readTsc, writeMsr } from "./x64";

/** Vector of the local APIC's timer, and of interrupts that it delivers by mistake. */
const VECTOR_LOCAL_TIMER: u32 = 0x40;
const VECTOR_SPURIOUS: u32 = 0xff;
/** Vector of line 0, where the 8254 interrupts. */
const VECTOR_LINE_0: u32 = 32;
/** A deadline that never comes. */
export const DEADLINE_NEVER: u64 = 0xffff_ffff_ffff_ffff;
/** One arming reaches at most that far; whoever gets the interrupt early arms again. Keeps the arithmetic below within 64 bits. */
const ARM_MAX_NS: u64 = 1 << 30;

const PIT_HZ: u64 = 1193182;
/** 5 ms, counted by channel 2, whose end can be polled. */
const CALIBRATION_COUNT: u32 = 5966;
const CALIBRATION_ROUNDS: u32 = 3;
/** A poll takes about 1 µs; a machine without the channel is not waited for longer than this. */
const CALIBRATION_POLLS_MAX: u32 = 1_000_000;
/** Used where the 8254 does not answer. */
const ASSUMED_TSC_HZ: u64 = 1_000_000_000;

const APIC: u64 = 0xfee00000;
const APIC_TASK_PRIORITY: u64 = APIC + 0x80;
const APIC_END_OF_INTERRUPT: u64 = APIC + 0xb0;
const APIC_SPURIOUS: u64 = APIC + 0xf0;
const APIC_TIMER: u64 = APIC + 0x320;
const APIC_PIN_0: u64 = APIC + 0x350;
const APIC_PIN_1: u64 = APIC + 0x360;
const APIC_INITIAL_COUNT: u64 = APIC + 0x380;
const APIC_CURRENT_COUNT: u64 = APIC + 0x390;
const APIC_DIVIDER: u64 = APIC + 0x3e0;
const DIVIDE_BY_16: u32 = 3;
const APIC_ENABLE: u32 = 1 << 8;
const DELIVER_FROM_8259: u32 = 0x700;
const DELIVER_NMI: u32 = 0x400;
const MSR_APIC_BASE: u32 = 0x1b;
const APIC_BASE_ENABLE: u64 = 1 << 11;
const APIC_BASE_X2APIC: u64 = 1 << 10;

let usesLocalApic: bool = false;
let tscAtStart: u64 = 0;
let tscHz: u64 = ASSUMED_TSC_HZ;
/** Nanoseconds a tick of the time stamp counter, times 2^24. */
let nsPerTick: u64 = 1 << 24;
/** Ticks of the local timer a nanosecond, times 2^24. */
let ticksPerNs: u64 = 0;

/** Measures the clocks: takes 15 ms. */
export function initializeTimer(hasLocalApic: bool): void {
  usesLocalApic = hasLocalApic;
  if (usesLocalApic) initializeLocalApic();

  let tscTicks: u64 = DEADLINE_NEVER;
  let localTicks: u64 = 0;
  for (let round: u32 = 0; round < CALIBRATION_ROUNDS; round++) {
    if (usesLocalApic) physicalStore32(APIC_INITIAL_COUNT, 0xffffffff);
    const before = readTsc();
    if (!waitForPit()) break;
    const ticks = readTsc() - before;
    const local = usesLocalApic ? <u64>(0xffffffff - physicalLoad32(APIC_CURRENT_COUNT)) : 0;
    // The shortest round is the one in which nothing came between.
    if (ticks < tscTicks) {
      tscTicks = ticks;
      localTicks = local;
    }
  }
  if (usesLocalApic) physicalStore32(APIC_INITIAL_COUNT, 0);

  if (tscTicks !== DEADLINE_NEVER && tscTicks !== 0) tscHz = (tscTicks * PIT_HZ) / CALIBRATION_COUNT;
  else localTicks = (ASSUMED_TSC_HZ / 16) * CALIBRATION_COUNT / PIT_HZ;
  nsPerTick = (1_000_000_000 << 24) / tscHz;
  const localHz = (localTicks * PIT_HZ) / CALIBRATION_COUNT;
  ticksPerNs = (localHz << 24) / 1_000_000_000;
  tscAtStart = readTsc();
  if (!usesLocalApic) armPit(0);
}

/** Rate of the time stamp counter, as measured. */
export function ticksPerSecond(): u64 {
  return tscHz;
}

/** Nanoseconds since initializeTimer. Never goes back. */
export function nowNs(): u64 {
  const ticks = readTsc() - tscAtStart;
  // Two parts, because the product of 64 and 32 bits would not fit: nsPerTick is below 2^32 for any rate above 4 MHz.
  const high = ticks >> 32;
  const low = ticks & 0xffffffff;
  return ((high * nsPerTick) << 8) + ((low * nsPerTick) >> 24);
}

/** The timer's interrupt comes soon after the deadline, or earlier if that is more than a second away. Replaces an earlier deadline. */
export function armTimer(deadlineNs: u64): void {
  if (deadlineNs === DEADLINE_NEVER) {
    if (usesLocalApic) physicalStore32(APIC_INITIAL_COUNT, 0);
    else armPit(0);
    return;
  }
  const now = nowNs();
  let distance: u64 = deadlineNs > now ? deadlineNs - now : 0;
  if (distance > ARM_MAX_NS) distance = ARM_MAX_NS;
  if (usesLocalApic) {
    const count = ((distance * ticksPerNs) >> 24) + 1;
    physicalStore32(APIC_INITIAL_COUNT, count > 0xffffffff ? 0xffffffff : <u32>count);
    return;
  }
  const count = (distance * PIT_HZ) / 1_000_000_000 + 1;
  armPit(count > 0xffff ? 0xffff : <u32>count);
}

/** Whether the vector is that of the timer in use. */
export function isTimerVector(vector: u32): bool {
  return vector === (usesLocalApic ? VECTOR_LOCAL_TIMER : VECTOR_LINE_0);
}

/** The timer may interrupt again once it is armed. */
export function acknowledgeTimer(): void {
  if (usesLocalApic) physicalStore32(APIC_END_OF_INTERRUPT, 0);
  else out8(0x20, 0x20);
}

/** Line 0 must be unmasked where the 8254 is the timer. */
export function timerUsesLine0(): bool {
  return !usesLocalApic;
}

/** Puts the APIC at its usual place, in its memory-mapped mode, with the 8259 pair passed through. */
function initializeLocalApic(): void {
  const base = readMsr(MSR_APIC_BASE);
  // Out of x2APIC mode there is only the way through "off".
  if ((base & APIC_BASE_X2APIC) !== 0) writeMsr(MSR_APIC_BASE, APIC);
  writeMsr(MSR_APIC_BASE, APIC | APIC_BASE_ENABLE | (base & 0x100));
  physicalStore32(APIC_TASK_PRIORITY, 0);
  physicalStore32(APIC_SPURIOUS, APIC_ENABLE | VECTOR_SPURIOUS);
  physicalStore32(APIC_PIN_0, DELIVER_FROM_8259);
  physicalStore32(APIC_PIN_1, DELIVER_NMI);
  physicalStore32(APIC_DIVIDER, DIVIDE_BY_16);
  physicalStore32(APIC_TIMER, VECTOR_LOCAL_TIMER);
}

/** Counts CALIBRATION_COUNT on channel 2 of the 8254; false if it never ends. */
function waitForPit(): bool {
  const gate = in8(0x61) & 0xfc;
  out8(0x61, gate | 1);
  // Channel 2, low then high byte, mode 0: the output rises at the end.
  out8(0x43, 0xb0);
  out8(0x42, CALIBRATION_COUNT & 0xff);
  out8(0x42, CALIBRATION_COUNT >> 8);
  for (let polls: u32 = 0; polls < CALIBRATION_POLLS_MAX; polls++) {
    if ((in8(0x61) & 0x20) !== 0) return true;
  }
  return false;
}

/** Channel 0, mode 0: one interrupt after `count`; 0 stops it by not loading a count. */
function armPit(count: u32): void {
  out8(0x43, 0x30);
  if (count === 0) return;
  out8(0x40, count & 0xff);
  out8(0x40, count >> 8);
}
