// The rates of the time stamp counter and of the local APIC's timer, measured against the 8254,
// whose rate is fixed, and held against what CPUID says. counter-rate.ts says why an interruption
// of the machine, as under an emulator, spoils nothing.
//
// A round ends as soon as its readings bound the rate closely enough: on an idle machine some 2 ms.
// Two rounds must agree, or one with CPUID. A round that the counter's end or a wrong reading
// spoils is taken again.

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
 * A round that has not bounded the rate by then is as good as it gets: what is left keeps it from
 * the counter's end.
 */
const COUNT_LAST: u32 = 0xe000;
/** In the shortest time that so many readings can take, a counter that runs moves. */
const READINGS_STUCK: u32 = 4096;
const LOCAL_READINGS_MAX: u32 = 20_000;
/** A round takes at most 55 ms, and is spoiled where the machine stands still for longer. */
const ROUNDS_MAX: u32 = 16;

export enum ClockSource {
  /** Two rounds agree. */
  Measured = 0,
  /** CPUID, and a round agrees with it. */
  Processor = 1,
  /** No two rounds agree: the closest. */
  Doubtful = 2,
  /** CPUID, and the 8254 does not count. */
  Unchecked = 3,
  Assumed = 4,
}

/** What calibrateClocks has found. */
export let tscHz: u64 = ASSUMED_TSC_HZ;
/** 0: the timer does not count. */
export let localHz: u64 = 0;
export let clockSource: ClockSource = ClockSource.Assumed;
/** What CPUID said where measurements do not agree with it; else 0. */
export let refusedHz: u64 = 0;
/** Nothing narrower is known if the source is Doubtful. */
export let lowestHz: u64 = 0;
export let highestHz: u64 = 0;

/** Of one round, and of all of them for the local timer's. */
const ofPit = CounterRate.at(memory.data(256, 8));
const ofLocal = CounterRate.at(memory.data(256, 8));
if (COUNTER_RATE_BYTES !== 256) ERROR("make room for a CounterRate");
/** Bounds of the rounds so far: low and high, as CounterRate has them. */
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
 * Interrupts are off. Takes some 5 ms on a machine that does nothing else, up to a second on one
 * that stands still all the time.
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
 * Whether the rate is known now: the round in `ofPit` agrees with CPUID's rate, if that is not 0,
 * or with an earlier round.
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

/** As tight as CounterRate.isTight, of bounds that were put aside. */
function isClose(low: u64, high: u64): bool {
  return high - low <= low >> 9;
}

/**
 * CPUID's rates are those of a crystal: a measured one that is off by a quarter of a percent was
 * measured wrong, or is another.
 */
function agrees(hz: u64, low: u64, high: u64): bool {
  const slack = hz >> 9;
  return hz + slack >= hertz(low) && hz <= hertz(high) + slack;
}

/** No two rounds agree, or the 8254 does not count. */
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
  // The output rises at the count's end, and stays: then the counter may have gone round any number
  // of times.
  if ((in8(GATE) & GATE_OUTPUT) !== 0 || !ofPit.isKnown) return Round.Spoiled;
  return ofPit.isTight ? Round.Tight : Round.Wide;
}

/**
 * Hertz of the local timer, from the last round or, where the 8254 does not count, from readings of
 * its own. 0 if it does not count.
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
 * Waits until the new count is in force: it is taken over with the next tick. False if there is no
 * tick.
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
