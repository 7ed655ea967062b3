// Initializes the machine, in the one order that works, and prints what the machine has.

import { KERNEL_STACK_BYTES } from "../abi/address-space";
import { kernelStackUsed } from "./assembly";
import { initializeProcessor, logProcessor, processorHasLocalApic } from "./cpu-features";
import { initializeInterrupts, unmaskLine } from "./interrupts";
import { commandLineHas, initializeMemoryMap, memoryUsableBytes } from "./memory-map";
import { endEmulator, powerOff as switchOff, stopMachine } from "./power";
import { initializeLog, logNumber, logText, endLine } from "./serial-log";
import { initializeTimer, logClock, timerUsesLine0 } from "./timer";

export { reboot } from "./power";

/**
 * Initializes everything that later code relies on: log, memory map, processor features, interrupt
 * lines (all masked), clock. Interrupts stay off.
 */
export function initializeMachine(startInfo: u64): void {
  initializeLog();
  initializeMemoryMap(startInfo);
  initializeProcessor();
  initializeInterrupts();
  initializeTimer(processorHasLocalApic());
  if (timerUsesLine0()) unmaskLine(0);
}

/** Ends the machine on request. Never returns. */
export function powerOff(code: u32): void {
  logStackMark();
  switchOff(code);
}

/**
 * Stops after a failure. Never returns. The log stays on the screen; an emulator that supports it
 * exits with `code`.
 */
export function stop(code: u32): void {
  logStackMark();
  endEmulator(code);
  logText("trine: the machine has stopped; reset it, or switch it off");
  endLine();
  stopMachine();
}

/**
 * If the command line asks for it, prints the most bytes of the kernel stack that were ever in use.
 */
function logStackMark(): void {
  if (!commandLineHas("stack=mark")) return;
  logText("trine: kernel stack ");
  logNumber(kernelStackUsed());
  logText(" bytes used of ");
  logNumber(KERNEL_STACK_BYTES);
  endLine();
}

/** Prints the processor's protection features, the size of memory and the clocks. */
export function bootLine(): void {
  logProcessor();
  logText("trine: memory ");
  logNumber(memoryUsableBytes() >> 20);
  logText(" MiB, ");
  logClock();
}
