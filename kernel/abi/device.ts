// Devices that an image may give to a slot: I/O ports and interrupt lines. Which of them stay the
// machine's own, and why, is said in policy/compiler/machine-ports.ts.

/** I/O ports of a machine. */
export const PORTS = 0x10000;

/** Lines of the 8259 pair, from 0. */
export const INTERRUPT_LINES = 16;
/** The old timer's line, which the kernel uses where there is no local APIC. */
export const TIMER_LINE = 0;
/** It joins the two controllers: no device is there. */
export const CASCADE_LINE = 2;
