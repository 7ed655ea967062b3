// Devices that an image may grant to a slot: I/O ports and interrupt lines. The machine keeps some
// of them; policy/compiler/machine-ports.ts has the list with the reasons.

/** I/O ports of a machine. */
export const PORTS = 0x10000;

/** Lines of the 8259 pair, from 0. */
export const INTERRUPT_LINES = 16;
/** The line of the 8254 timer, which the kernel uses if there is no local APIC. */
export const TIMER_LINE = 0;
/** It connects the two controllers: no device has it. */
export const CASCADE_LINE = 2;
