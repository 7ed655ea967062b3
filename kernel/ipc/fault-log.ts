// The line in the kernel's log about a fault that ended an instance.

import { faultName } from "../abi/fault";
import { slotCount, slotName, stringBytes } from "../monitor/monitor";
import { Domain, domainOfSlot } from "../object/domain";
import { Thread } from "../object/thread";
import { LOG_PORT, endLine, logByte, logHex, logText } from "../x64/serial-log";

export function logName(domain: Domain): void {
  const name = slotName(domain.slot);
  const bytes = stringBytes(name);
  for (let i: u32 = 0; i < bytes; i++) logByte(<u32>load<u8>(name + i));
}

export function logFault(thread: Thread, domain: Domain): void {
  logText("trine: ");
  logName(domain);
  logText(": ");
  logText(faultName(thread.faultKind));
  logText(" at ");
  logHex(thread.rip);
  logText(", address ");
  logHex(thread.faultAddress);
  endLine();
}

/** True if a running program owns the ports of the serial line that the log is printed on. */
export function isLogDriven(): bool {
  const count = slotCount();
  for (let slot: u32 = 0; slot < count; slot++) {
    const domain = domainOfSlot(slot);
    if (!domain.isAlive || domain.ports === 0) continue;
    // A clear bit in the processor's bitmap allows the port.
    const byte = <u32>load<u8>(<usize>domain.ports + (<usize>LOG_PORT >> 3));
    if ((byte & (1 << (LOG_PORT & 7))) === 0) return true;
  }
  return false;
}
