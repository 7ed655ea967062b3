import { Status } from "../abi/status";
import { slotName, stringBytes } from "../monitor/monitor";
import { endLine, logByte } from "../x64/serial-log";
import { callingDomain, readText, textLength, textStart } from "./method-frame";

const LINE_MAX: u32 = 256;

/**
 * Prints `slot: text`. What could move the cursor or change the terminal is left out, so that no
 * domain can fake another's line.
 */
export function logMethod(_method: u32): Status {
  const status = readText(0, LINE_MAX);
  if (status !== Status.Ok) return status;
  const name = slotName(callingDomain().slot);
  print(name, stringBytes(name));
  logByte(0x3a);
  logByte(0x20);
  print(textStart(), textLength());
  endLine();
  return Status.Ok;
}

function print(start: usize, bytes: u32): void {
  for (let i: u32 = 0; i < bytes; i++) {
    const byte = <u32>load<u8>(start + i);
    logByte(byte >= 0x20 && byte < 0x7f ? byte : 0x2e);
  }
}
