// Brings the machine up, in the one order that works, and says what it is.

import { initializeProcessor, logProcessor, processorHasLocalApic } from "./cpu-features";
import { initializeInterrupts, unmaskLine } from "./interrupts";
import { initializeMemoryMap, memoryUsableBytes } from "./memory-map";
import { initializeLog, logNumber, logText, endLine } from "./serial-log";
import { initializeTimer, ticksPerSecond, timerUsesLine0 } from "./timer";

export { powerOff, reboot } from "./power";

/** Everything that later code relies on: log, memory map, processor features, interrupt lines (all masked), clock. Interrupts stay off. */
export function initializeMachine(startInfo: u64): void {
  initializeLog();
  initializeMemoryMap(startInfo);
  initializeProcessor();
  initializeInterrupts();
  initializeTimer(processorHasLocalApic());
  if (timerUsesLine0()) unmaskLine(0);
}

/** Prints what the processor protects with, and how much memory and time there is. */
export function bootLine(): void {
  logProcessor();
  logText("trine: memory ");
  logNumber(memoryUsableBytes() >> 20);
  logText(" MiB, clock ");
  logNumber(ticksPerSecond() / 1_000_000);
  logText(" MHz, timer ");
  logText(timerUsesLine0() ? "8254" : "local APIC");
  endLine();
}
