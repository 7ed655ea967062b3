// Non-maskable interrupts are logged, and the system continues. kernel/x64/non-maskable-entry.asm
// counts them.

import { logName } from "../ipc/fault-log";
import { domainOfSlot } from "../object/domain";
import { currentThread } from "../schedule/scheduler";
import { nonMaskableAddress, nonMaskableCount } from "../x64/assembly";
import { logCodePlace } from "../x64/backtrace";
import { NonMaskableSource, takeNonMaskableSource } from "../x64/non-maskable";
import { endLine, logHex, logNumber, logText } from "../x64/serial-log";
import { nowNs } from "../x64/timer";

/** The least time between two lines: many interrupts must not fill the log and the serial line. */
const LINE_NS: u64 = 1_000_000_000;
const KERNEL_HALF: u64 = 0xffff_8000_0000_0000;

/** The interrupts that the log's lines cover, and when the last line was printed. */
let logged: u64 = 0;
let loggedNs: u64 = 0;

/**
 * Logs the newest interrupt, with its number since boot, unless a line covers it already. Called
 * when an interrupt enters the kernel: with a local APIC right after the non-maskable one, else at
 * the next interrupt. The timer calls this too, for interrupts that came too soon after a line.
 */
export function reportNonMaskable(): void {
  const count = nonMaskableCount();
  if (count === logged) return;
  const now = nowNs();
  if (logged !== 0 && now - loggedNs < LINE_NS) return;
  loggedNs = now;
  logged = count;

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
