// Interrupt lines: the 8259 pair, through the local APIC where there is one. A line is masked until
// `unmaskLine`.
//
// `interrupt(vector)` is called for every vector from VECTOR_FIRST_LINE on; `lineOf` says what the
// vector stands for. A line must be acknowledged before it can fire again; the timer and spurious
// interrupts need nothing.

import { CASCADE_LINE, INTERRUPT_LINES } from "../abi/device";
import { in8, out8 } from "./x64";
import { acknowledgeLocalApic } from "./local-apic";
import { acknowledgeTimer, isTimerVector, timerUsesLine0 } from "./timer";

/** Lines 0 (the old timer) to 15. Line 2 joins the two controllers; no device has it. */
export const LINE_COUNT: u32 = INTERRUPT_LINES;
const VECTOR_FIRST_LINE: u32 = 32;
/** Result of lineOf: the timer's interrupt, armed by armTimer. */
export const LINE_TIMER: i32 = -1;
/** Result of lineOf: a non-maskable interrupt has been counted. */
export const LINE_NON_MASKABLE: i32 = -3;
/** Result of lineOf: no interrupt, only noise on a line, or a vector without use. */
export const LINE_NONE: i32 = -2;

/** The processor's interrupt to itself after a non-maskable one; cpu.inc has the number too. */
const VECTOR_NON_MASKABLE_REPORT: u32 = 0x41;

const MASTER_COMMAND: u32 = 0x20;
const MASTER_DATA: u32 = 0x21;
const SLAVE_COMMAND: u32 = 0xa0;
const SLAVE_DATA: u32 = 0xa1;
const END_OF_INTERRUPT: u32 = 0x20;
const READ_IN_SERVICE: u32 = 0x0b;

/** Bit n set: line n is masked. */
let masked: u32 = 0xffff;

/** Moves the lines to vectors 32 to 47, away from the exceptions, and masks all of them. */
export function initializeInterrupts(): void {
  // Four words each: start and expect four, first vector, place of the other controller, 8086 mode.
  out8(MASTER_COMMAND, 0x11);
  out8(SLAVE_COMMAND, 0x11);
  out8(MASTER_DATA, VECTOR_FIRST_LINE);
  out8(SLAVE_DATA, VECTOR_FIRST_LINE + 8);
  out8(MASTER_DATA, 1 << CASCADE_LINE);
  out8(SLAVE_DATA, CASCADE_LINE);
  out8(MASTER_DATA, 1);
  out8(SLAVE_DATA, 1);
  masked = 0xffff & ~(1 << CASCADE_LINE);
  writeMasks();
}

/**
 * The line that a vector stands for, counted from 0, or another result of lineOf (above). Noise can
 * raise lines 7 and 15: for these the controller is asked whether the interrupt is real.
 */
export function lineOf(vector: u32): i32 {
  if (isTimerVector(vector)) {
    acknowledgeTimer();
    return LINE_TIMER;
  }
  if (vector === VECTOR_NON_MASKABLE_REPORT) {
    if (!timerUsesLine0()) acknowledgeLocalApic();
    return LINE_NON_MASKABLE;
  }
  const line = vector - VECTOR_FIRST_LINE;
  if (line >= LINE_COUNT) return LINE_NONE;
  if (line === 7 && !isInService(MASTER_COMMAND)) return LINE_NONE;
  if (line === 15 && !isInService(SLAVE_COMMAND)) {
    // The interrupt of the second controller was not real, but the first controller serves it.
    out8(MASTER_COMMAND, END_OF_INTERRUPT);
    return LINE_NONE;
  }
  return <i32>line;
}

/** True if the controller is serving its lowest-priority line, 7. */
function isInService(command: u32): bool {
  out8(command, READ_IN_SERVICE);
  return (in8(command) & 0x80) !== 0;
}

/** Keeps the line from firing. Lines that do not exist are ignored. */
export function maskLine(line: u32): void {
  if (line >= LINE_COUNT || line === CASCADE_LINE) return;
  masked |= 1 << line;
  writeMasks();
}

export function unmaskLine(line: u32): void {
  if (line >= LINE_COUNT) return;
  masked &= ~(1 << line);
  writeMasks();
}

/** The line may fire again, once it is not masked. */
export function acknowledge(line: u32): void {
  if (line >= LINE_COUNT) return;
  if (line >= 8) out8(SLAVE_COMMAND, END_OF_INTERRUPT);
  out8(MASTER_COMMAND, END_OF_INTERRUPT);
}

function writeMasks(): void {
  out8(MASTER_DATA, masked & 0xff);
  out8(SLAVE_DATA, masked >> 8);
}
