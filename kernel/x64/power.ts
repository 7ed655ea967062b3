// Ways to end: power off, reboot, stop.

import { disableInterrupts, halt, in8, out16, out32, out8 } from "./x64";

/**
 * QEMU's isa-debug-exit device: QEMU exits with status (code << 1) | 1. On a machine without the
 * device the write has no effect.
 */
const DEBUG_EXIT: u32 = 0xf4;
/**
 * ACPI's PM1a control register on QEMU's two machines. Sleep type 0 means off; bit 13 enters the
 * sleep state.
 */
const POWER_CONTROL: u32 = 0x604;
const POWER_CONTROL_OLD: u32 = 0xb004;
const SLEEP_ENABLE: u32 = 1 << 13;
const KEYBOARD_COMMAND: u32 = 0x64;
const KEYBOARD_BUSY: u32 = 2;
const PULSE_RESET: u32 = 0xfe;
const RESET_CONTROL: u32 = 0xcf9;
const POLLS_MAX: u32 = 100_000;

/** Never returns. An emulator that supports it exits with `code`. */
export function powerOff(code: u32): void {
  endEmulator(code);
  out16(POWER_CONTROL, SLEEP_ENABLE);
  out16(POWER_CONTROL_OLD, SLEEP_ENABLE);
  stopMachine();
}

/**
 * An emulator with the device exits with `code`, and the function does not return. Elsewhere it
 * returns, and the caller must stop the machine, so that the screen can be read.
 */
export function endEmulator(code: u32): void {
  out32(DEBUG_EXIT, code);
}

/** Never returns. */
export function reboot(): void {
  for (
    let polls: u32 = 0;
    polls < POLLS_MAX && (in8(KEYBOARD_COMMAND) & KEYBOARD_BUSY) !== 0;
    polls++
  ) {}
  out8(KEYBOARD_COMMAND, PULSE_RESET);
  // Full reset, on a chipset that has this register.
  out8(RESET_CONTROL, 0x02);
  out8(RESET_CONTROL, 0x06);
  stopMachine();
}

/** Never returns. Only an NMI wakes the processor, and the loop halts it again. */
export function stopMachine(): void {
  disableInterrupts();
  while (true) halt();
}
