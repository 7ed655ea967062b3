import { LOG_WRITE_TEXT_MAX, LogMethod, LogWriteRequest } from "../../build/generated/kernel/Log";
import { Status } from "../abi/status";
import { slotName, stringBytes } from "../monitor/monitor";
import { endLine, logByte, logText } from "../x64/serial-log";
import { MethodCall } from "./method-call";

const FIRST_PRINTABLE: u32 = 0x20;
const LAST_PRINTABLE: u32 = 0x7e;
const FULL_STOP: u32 = 0x2e;

export function logMethod(method: u32, call: MethodCall): Status {
  return method === LogMethod.Write ? write(call) : Status.BadHeader;
}

/**
 * Prints `slot: text`. Bytes that could move the cursor or change the terminal are printed as full
 * stops, so that no domain can forge another's line.
 */
function write(call: MethodCall): Status {
  const request = LogWriteRequest.at(call.request);
  const status = call.takeText(request.textOffset, request.textLength, LOG_WRITE_TEXT_MAX);
  if (status !== Status.Ok) return status;
  const name = slotName(call.domain.slot);
  print(name, stringBytes(name));
  logText(": ");
  print(call.text.start, call.text.length);
  endLine();
  return Status.Ok;
}

function print(start: usize, bytes: u32): void {
  for (let i: u32 = 0; i < bytes; i++) {
    const byte = <u32>load<u8>(start + i);
    logByte(byte >= FIRST_PRINTABLE && byte <= LAST_PRINTABLE ? byte : FULL_STOP);
  }
}
