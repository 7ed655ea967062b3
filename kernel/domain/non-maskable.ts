// Non-maskable interrupts are logged, and the system goes on. kernel/x64/non-maskable-entry.asm has
// counted them.

import { logName } from "../ipc/fault-log";
import { domainOfSlot } from "../object/domain";
import { currentThread } from "../schedule/scheduler";
import { nonMaskableAddress, nonMaskableCount } from "../x64/assembly";
import { logCodePlace } from "../x64/backtrace";
import { NonMaskableSource, takeNonMaskableSource } from "../x64/non-maskable";
import { endLine, logHex, logNumber, logText } from "../x64/serial-log";
import { nowNs } from "../x64/timer";

/**
 * A line at most so often: a storm of them must leave the log, and the serial line's time, to
 * others.
 */
const LINE_NS: u64 = 1_000_000_000;
const KERNEL_HALF: u64 = 0xffff_8000_0000_0000;

let told: u64 = 0;
let toldNs: u64 = 0;

/**
 * A line on the last of those that no line tells of yet, with its number since the start. Called at
 * an interrupt's entry: at once after one where there is a local APIC, else at the next interrupt;
 * and by the timer, for those that came too soon after a line.
 */
export function reportNonMaskable(): void {
  const count = nonMaskableCount();
  if (count === told) return;
  const now = nowNs();
  if (told !== 0 && now - toldNs < LINE_NS) return;
  toldNs = now;
  told = count;

  logText("trine: non-maskable interrupt ");
  logNumber(count);
  logText(" in ");
  logInterrupted(nonMaskableAddress());
  logText(sourceText(takeNonMaskableSource()));
  endLine();
}

function logInterrupted(address: u64): void {
  const thread = currentThread;
  if (address >= KERNEL_HALF) {
    logText("the kernel, ");
    logCodePlace(address);
    return;
  }
  if (thread === null) logText("a program");
  else logName(domainOfSlot(thread.owner));
  logText(" at 0x");
  logHex(address);
}

function sourceText(source: NonMaskableSource): string {
  switch (source) {
    case NonMaskableSource.Memory:
      return ": memory or a device reports an error (port 0x61)";
    case NonMaskableSource.Channel:
      return ": a card reports an error (port 0x61)";
    default:
      return ": the chipset does not say why";
  }
}
