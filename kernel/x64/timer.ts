// Time: the time stamp counter tells the time, and the local APIC's one-shot timer interrupts at a
// deadline. If there is no APIC whose timer counts, the 8254 interrupts. calibration.ts measures
// both rates.

import {
  ClockSource,
  PIT_HZ,
  calibrateClocks,
  clockSource,
  highestHz,
  localHz,
  lowestHz,
  refusedHz,
  tscHz,
} from "./calibration";
import { isClockInvariant } from "./clock-of-processor";
import {
  VECTOR_LOCAL_TIMER,
  acknowledgeLocalApic,
  armLocalTimer,
  initializeLocalApic,
} from "./local-apic";
import { endLine, logNumber, logText } from "./serial-log";
import { out8, pause, readTsc } from "./x64";

/** Vector of line 0, where the 8254 interrupts. */
const VECTOR_LINE_0: u32 = 32;
/** A deadline that never comes. */
export const DEADLINE_NEVER: u64 = 0xffff_ffff_ffff_ffff;
/**
 * The furthest deadline of one arming: after an early interrupt the timer is armed again. Keeps the
 * arithmetic below within 64 bits.
 */
const ARM_MAX_NS: u64 = 1 << 30;

let usesLocalApic: bool = false;
let tscAtStart: u64 = 0;
/** Nanoseconds a tick of the time stamp counter, times 2^24. */
let nsPerTick: u64 = 1 << 24;
/** Ticks of the time stamp counter a nanosecond, times 2^24. */
let tscTicksPerNs: u64 = 1 << 24;
/** Ticks of the local timer a nanosecond, times 2^24. */
let ticksPerNs: u64 = 0;

/** Measures the clocks, with interrupts off: some 5 ms. */
export function initializeTimer(hasLocalApic: bool): void {
  if (hasLocalApic) initializeLocalApic();
  calibrateClocks(hasLocalApic);
  usesLocalApic = localHz !== 0;
  nsPerTick = (1_000_000_000 << 24) / tscHz;
  tscTicksPerNs = (tscHz << 24) / 1_000_000_000;
  ticksPerNs = (localHz << 24) / 1_000_000_000;
  tscAtStart = readTsc();
  if (!usesLocalApic) armPit(0);
}

/**
 * Prints the end of the boot line, which states the rate of the clock, and a line for each thing
 * that may be wrong with the rate.
 */
export function logClock(): void {
  logText("clock ");
  logMegahertz(tscHz);
  logText(", timer ");
  logText(usesLocalApic ? "local APIC" : "8254");
  if (!isClockInvariant()) logText("; TSC not invariant");
  endLine();
  if (refusedHz !== 0) {
    logText("trine: clock: CPUID says ");
    logMegahertz(refusedHz);
    logText(", which is not what is measured");
    endLine();
  }
  if (clockSource === ClockSource.Doubtful) {
    logText("trine: clock: no two measurements agree: ");
    logMegahertz(lowestHz);
    logText(" to ");
    logMegahertz(highestHz);
    logText("; time may go wrong");
    endLine();
  } else if (clockSource === ClockSource.Unchecked) {
    logText("trine: clock: as CPUID says; not measured, the 8254 gives no rate");
    endLine();
  } else if (clockSource === ClockSource.Assumed) {
    logText("trine: clock: assumed; neither 8254 nor CPUID gives a rate: time goes wrong");
    endLine();
  }
}

function logMegahertz(hz: u64): void {
  logNumber((hz + 500_000) / 1_000_000);
  logText(" MHz");
}

/** Rate of the time stamp counter. */
export function ticksPerSecond(): u64 {
  return tscHz;
}

/** Ticks of the time stamp counter, from no fixed start. Never goes back. */
export function nowTicks(): u64 {
  return readTsc();
}

/** Nanoseconds since initializeTimer. Never goes back. */
export function nowNs(): u64 {
  return nsAtTick(readTsc());
}

/** The time, as `nowNs` tells it, at which `nowTicks` is `tick`. */
export function nsAtTick(tick: u64): u64 {
  return nsOfTicks(tick - tscAtStart);
}

/** Ticks in so many nanoseconds, at most a second. */
export function ticksOfNs(ns: u64): u64 {
  return (ns * tscTicksPerNs) >> 24;
}

/** Nanoseconds that so many ticks last. */
export function nsOfTicks(ticks: u64): u64 {
  // Two parts, because the product of 64 and 32 bits would not fit: nsPerTick is below 2^32 for any
  // rate above 4 MHz.
  const high = ticks >> 32;
  const low = ticks & 0xffffffff;
  return ((high * nsPerTick) << 8) + ((low * nsPerTick) >> 24);
}

/** Waits in a loop until the time has passed. */
export function waitNs(ns: u64): void {
  const end = nowNs() + ns;
  while (nowNs() < end) pause();
}

/**
 * Arms the timer in place of an earlier deadline. The interrupt comes soon after the deadline, or
 * earlier if the deadline is more than a second away.
 */
export function armTimer(deadlineNs: u64): void {
  if (deadlineNs === DEADLINE_NEVER) {
    if (usesLocalApic) armLocalTimer(0);
    else armPit(0);
    return;
  }
  const now = nowNs();
  let distance: u64 = deadlineNs > now ? deadlineNs - now : 0;
  if (distance > ARM_MAX_NS) distance = ARM_MAX_NS;
  if (usesLocalApic) {
    const count = ((distance * ticksPerNs) >> 24) + 1;
    armLocalTimer(count > 0xffffffff ? 0xffffffff : <u32>count);
    return;
  }
  const count = (distance * PIT_HZ) / 1_000_000_000 + 1;
  armPit(count > 0xffff ? 0xffff : <u32>count);
}

/** True if the vector is that of the timer in use. */
export function isTimerVector(vector: u32): bool {
  return vector === (usesLocalApic ? VECTOR_LOCAL_TIMER : VECTOR_LINE_0);
}

/** The timer may interrupt again once it is armed. */
export function acknowledgeTimer(): void {
  if (usesLocalApic) acknowledgeLocalApic();
  else out8(0x20, 0x20);
}

/** True if the 8254 is the timer: then line 0 must be unmasked. */
export function timerUsesLine0(): bool {
  return !usesLocalApic;
}

/** Channel 0, mode 0: one interrupt after `count`; 0 stops it by not loading a count. */
function armPit(count: u32): void {
  out8(0x43, 0x30);
  if (count === 0) return;
  out8(0x40, count & 0xff);
  out8(0x40, count >> 8);
}
