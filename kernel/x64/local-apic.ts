// The local APIC: its registers, and the state that the kernel wants it in.

import { reportNonMaskableBy } from "./assembly";
import { physicalStore32, readMsr, writeMsr } from "./x64";

const APIC: u64 = 0xfee00000;
const APIC_TASK_PRIORITY: u64 = APIC + 0x80;
const APIC_END_OF_INTERRUPT: u64 = APIC + 0xb0;
const APIC_SPURIOUS: u64 = APIC + 0xf0;
const APIC_COMMAND: u64 = APIC + 0x300;
const APIC_TIMER: u64 = APIC + 0x320;
const APIC_PIN_0: u64 = APIC + 0x350;
const APIC_PIN_1: u64 = APIC + 0x360;
export const APIC_INITIAL_COUNT: u64 = APIC + 0x380;
export const APIC_CURRENT_COUNT: u64 = APIC + 0x390;
const APIC_DIVIDER: u64 = APIC + 0x3e0;
const DIVIDE_BY_16: u32 = 3;
const APIC_ENABLE: u32 = 1 << 8;
const DELIVER_FROM_8259: u32 = 0x700;
const DELIVER_NMI: u32 = 0x400;
const MSR_APIC_BASE: u32 = 0x1b;
const APIC_BASE_ENABLE: u64 = 1 << 11;
const APIC_BASE_X2APIC: u64 = 1 << 10;

/** Vector of the local APIC's timer. */
export const VECTOR_LOCAL_TIMER: u32 = 0x40;
const VECTOR_SPURIOUS: u32 = 0xff;

/**
 * Puts the local APIC at its usual address, in its memory-mapped mode, with the 8259 pair passed
 * through and the timer off.
 */
export function initializeLocalApic(): void {
  const base = readMsr(MSR_APIC_BASE);
  // The processor leaves x2APIC mode only if the APIC is switched off first.
  if ((base & APIC_BASE_X2APIC) !== 0) writeMsr(MSR_APIC_BASE, APIC);
  writeMsr(MSR_APIC_BASE, APIC | APIC_BASE_ENABLE | (base & 0x100));
  physicalStore32(APIC_TASK_PRIORITY, 0);
  physicalStore32(APIC_SPURIOUS, APIC_ENABLE | VECTOR_SPURIOUS);
  physicalStore32(APIC_PIN_0, DELIVER_FROM_8259);
  physicalStore32(APIC_PIN_1, DELIVER_NMI);
  physicalStore32(APIC_DIVIDER, DIVIDE_BY_16);
  physicalStore32(APIC_TIMER, VECTOR_LOCAL_TIMER);
  reportNonMaskableBy(APIC_COMMAND);
}

/** Raises one interrupt after `count` counts; 0 stops the timer. */
export function armLocalTimer(count: u32): void {
  physicalStore32(APIC_INITIAL_COUNT, count);
}

/** Ends the interrupt in service. */
export function acknowledgeLocalApic(): void {
  physicalStore32(APIC_END_OF_INTERRUPT, 0);
}
