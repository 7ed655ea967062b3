// The rates of the time stamp counter and of the local APIC's timer, measured against the 8254,
// whose rate is fixed, and compared with what CPUID says. An interruption of the machine, as under
// an emulator, cannot make a rate wrong: counter-rate.ts says why.
//
// A round ends as soon as its readings bound the rate closely enough: after some 2 ms on an idle
// machine. A rate is known if two rounds agree, or one round agrees with CPUID. A round is repeated
// if the counter reached its end or a reading was wrong.

import { clockOfProcessor } from "./clock-of-processor";
import { COUNTER_RATE_BYTES, CounterRate, RATE_SHIFT } from "./counter-rate";
import { APIC_CURRENT_COUNT, APIC_INITIAL_COUNT } from "./local-apic";
import { in8, out8, physicalLoad32, physicalStore32, readTsc } from "./x64";

export const PIT_HZ: u64 = 1193182;
/** Used where the 8254 does not count and CPUID says nothing. */
const ASSUMED_TSC_HZ: u64 = 1_000_000_000;

const PIT_COMMAND: u32 = 0x43;
const PIT_CHANNEL_2: u32 = 0x42;
const GATE: u32 = 0x61;
const GATE_OUTPUT: u32 = 0x20;
/** The two bits that close sources of non-maskable interrupts; those above can only be read. */
const GATE_KEPT: u32 = 0x0c;
const COUNT_START: u32 = 0xffff;
/**
 * A round ends when the 8254 has counted this far, even if its readings do not bound the rate
 * closely enough: the next readings might be taken after the end of the count.
 */
const COUNT_LAST: u32 = 0xe000;
/**
 * A running counter moves within so many readings, even if each takes the shortest possible time.
 */
const READINGS_STUCK: u32 = 4096;
const LOCAL_READINGS_MAX: u32 = 20_000;
/** A round takes at most 55 ms; it is spoiled if the machine stands still for longer. */
const ROUNDS_MAX: u32 = 16;

export enum ClockSource {
  /** The rate on which two rounds agree. */
  Measured = 0,
  /** CPUID's rate, and a round agrees with it. */
  Processor = 1,
  /** The rate of the round with the closest bounds: no two rounds agree. */
  Doubtful = 2,
  /** CPUID's rate, unconfirmed: the 8254 does not count, or no two rounds agree. */
  Unchecked = 3,
  Assumed = 4,
}

/** Rate of the time stamp counter, as calibrateClocks has found it. */
export let tscHz: u64 = ASSUMED_TSC_HZ;
/** Rate of the local timer; 0 if the timer does not count. */
export let localHz: u64 = 0;
export let clockSource: ClockSource = ClockSource.Assumed;
/** The rate that CPUID states, if the measurements disagree with it; else 0. */
export let refusedHz: u64 = 0;
/** If the source is Doubtful, the rate lies between these two, and nothing narrower is known. */
export let lowestHz: u64 = 0;
export let highestHz: u64 = 0;

/** Readings of the current round: of the 8254, and of the local timer. */
const ofPit = CounterRate.at(memory.data(256, 8));
const ofLocal = CounterRate.at(memory.data(256, 8));
if (COUNTER_RATE_BYTES !== 256) ERROR("make room for a CounterRate");
/** Bounds of the rounds so far: low and high of each, in the unit of CounterRate. */
const rounds: usize = memory.data(256, 8);
if (ROUNDS_MAX * 16 !== 256) ERROR("make room for the rounds");
let roundCount: u32 = 0;

enum Round {
  Tight = 0,
  Wide = 1,
  Spoiled = 2,
  /** The 8254 does not count. */
  Dead = 3,
}

/**
 * Measures both clocks. Interrupts must be off. Takes some 5 ms on an idle machine, up to a second
 * on a machine that is held up all the time.
 */
export function calibrateClocks(hasLocalApic: bool): void {
  const said = clockOfProcessor();
  ofLocal.begin();
  roundCount = 0;
  refusedHz = 0;
  let isMeasured: bool = false;
  let isDead: bool = false;
  for (let round: u32 = 0; round < ROUNDS_MAX && !isMeasured && !isDead; round++) {
    const result = takeRound(hasLocalApic);
    if (result === Round.Dead) isDead = true;
    else if (result !== Round.Spoiled)
      isMeasured = judgeRound(result === Round.Tight, said.isExact ? said.hz : 0);
  }
  if (!isMeasured) settle(isDead, said.hz);
  else if (said.isExact && clockSource === ClockSource.Measured) refusedHz = said.hz;

  localHz = hasLocalApic ? localRate() : 0;
}

/**
 * True if the rate is known now: the round in `ofPit` agrees with `saidHz`, the rate of CPUID, or
 * with an earlier round. `saidHz` is 0 if CPUID states no exact rate.
 */
function judgeRound(isTight: bool, saidHz: u64): bool {
  const low = ofPit.low;
  const high = ofPit.high;
  if (isTight && saidHz !== 0 && agrees(saidHz, low, high)) {
    tscHz = saidHz;
    clockSource = ClockSource.Processor;
    return true;
  }
  const place = rounds + <usize>roundCount * 16;
  store<u64>(place, low);
  store<u64>(place, high, 8);
  roundCount += 1;
  if (!isTight) return false;
  for (let i: u32 = 0; i + 1 < roundCount; i++) {
    const other = rounds + <usize>i * 16;
    const bestLow = max(low, load<u64>(other));
    const bestHigh = min(high, load<u64>(other, 8));
    if (bestLow > bestHigh || !isClose(load<u64>(other), load<u64>(other, 8))) continue;
    tscHz = hertz(bestLow + ((bestHigh - bestLow) >> 1));
    clockSource = ClockSource.Measured;
    return true;
  }
  return false;
}

/** As CounterRate.isTight, for bounds that are kept in `rounds`. */
function isClose(low: u64, high: u64): bool {
  return high - low <= low >> 9;
}

/**
 * True if the rate lies within the bounds, widened by a 512th of the rate. CPUID states the rate of
 * a crystal: if a measured rate is further off, either the measurement is wrong or CPUID states the
 * rate of another clock.
 */
function agrees(hz: u64, low: u64, high: u64): bool {
  const slack = hz >> 9;
  return hz + slack >= hertz(low) && hz <= hertz(high) + slack;
}

/** Chooses a rate if no two rounds agree, or the 8254 does not count. */
function settle(isDead: bool, saidHz: u64): void {
  lowestHz = 0;
  highestHz = 0;
  let best: usize = 0;
  for (let i: u32 = 0; i < roundCount; i++) {
    const place = rounds + <usize>i * 16;
    if (best === 0 || load<u64>(place, 8) - load<u64>(place) < load<u64>(best, 8) - load<u64>(best))
      best = place;
    const low = hertz(load<u64>(place));
    const high = hertz(load<u64>(place, 8));
    if (lowestHz === 0 || low < lowestHz) lowestHz = low;
    if (high > highestHz) highestHz = high;
  }
  if (saidHz !== 0) {
    tscHz = saidHz;
    clockSource = ClockSource.Unchecked;
  } else if (!isDead && best !== 0) {
    tscHz = hertz(load<u64>(best) + ((load<u64>(best, 8) - load<u64>(best)) >> 1));
    clockSource = ClockSource.Doubtful;
  } else {
    tscHz = ASSUMED_TSC_HZ;
    clockSource = ClockSource.Assumed;
  }
}

/** Ticks of the time stamp counter for one of the 8254 → its rate. */
function hertz(rate: u64): u64 {
  return (rate * PIT_HZ) >> RATE_SHIFT;
}

/** Reads the counters until the rate is known well enough. */
function takeRound(hasLocalApic: bool): Round {
  startPit();
  if (hasLocalApic) {
    ofLocal.begin();
    physicalStore32(APIC_INITIAL_COUNT, 0xffffffff);
  }
  if (!pitRuns()) return Round.Dead;
  ofPit.begin();
  let count: u32 = 0;
  while (!ofPit.isTight && !ofPit.isContradictory && count < COUNT_LAST) {
    const before = readTsc();
    const local = hasLocalApic ? physicalLoad32(APIC_CURRENT_COUNT) : 0;
    latchPit();
    const after = readTsc();
    count = COUNT_START - readPit();
    ofPit.add(before, after, <u64>count);
    if (hasLocalApic) ofLocal.add(before, after, <u64>(0xffffffff - local));
  }
  // The output rises at the end of the count and stays high. If it is high, the counter may have
  // wrapped any number of times.
  if ((in8(GATE) & GATE_OUTPUT) !== 0 || !ofPit.isKnown) return Round.Spoiled;
  return ofPit.isTight ? Round.Tight : Round.Wide;
}

/**
 * Hertz of the local timer; 0 if the timer does not count. Uses the readings of the last round and,
 * if the 8254 does not count, further readings.
 */
function localRate(): u64 {
  for (let i: u32 = 0; i < LOCAL_READINGS_MAX && !ofLocal.isTight; i++) {
    const before = readTsc();
    const local = physicalLoad32(APIC_CURRENT_COUNT);
    ofLocal.add(before, readTsc(), <u64>(0xffffffff - local));
  }
  physicalStore32(APIC_INITIAL_COUNT, 0);
  if (!ofLocal.isKnown) return 0;
  return (tscHz << RATE_SHIFT) / ofLocal.middle;
}

/**
 * Channel 2, low then high byte, mode 0: counts down once from COUNT_START, its output rises at the
 * end.
 */
function startPit(): void {
  out8(GATE, (in8(GATE) & GATE_KEPT) | 1);
  out8(PIT_COMMAND, 0xb0);
  out8(PIT_CHANNEL_2, COUNT_START & 0xff);
  out8(PIT_CHANNEL_2, COUNT_START >> 8);
}

/**
 * Waits until the new count is in force: the 8254 loads it with its next tick. False if the 8254
 * does not tick.
 */
function pitRuns(): bool {
  let ticks: u32 = 0;
  let last: u32 = 0;
  for (let readings: u32 = 0; readings < READINGS_STUCK; readings++) {
    latchPit();
    const count = readPit();
    if (readings > 0 && count !== last) ticks++;
    last = count;
    if (ticks === 2) return true;
  }
  return false;
}

function latchPit(): void {
  out8(PIT_COMMAND, 0x80);
}

function readPit(): u32 {
  const low = in8(PIT_CHANNEL_2);
  return low | (in8(PIT_CHANNEL_2) << 8);
}
