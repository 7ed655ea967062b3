// Who called whom, in TypeScript names: walks a kernel stack by the frame sizes of the symbol
// table. It reads only that table and the stacks, and both only within their bounds.

import { stackLoad } from "./assembly";
import { endLine, logHex, logText } from "./serial-log";
import { NO_FUNCTION, frameBytesAt, functionAt, logFunctionPlace } from "./symbol-table";

/** Deeper stacks than this do not exist in the kernel; bounds the walk over a damaged one. */
const FRAMES_MAX: u32 = 48;

/**
 * Prints a line for each frame, innermost first: `address` is executed there, `stackPointer` is the
 * value of rsp at that moment.
 */
export function logBacktrace(address: u64, stackPointer: u64): void {
  let place = address;
  let pointer = stackPointer;
  for (let frame: u32 = 0; frame < FRAMES_MAX; frame++) {
    const entry = functionAt(place);
    logText("  at ");
    logPlace(place, entry);
    endLine();
    // Assembly has no frame sizes: below it is only the entry stub.
    if (entry === NO_FUNCTION) return;

    const depth = frameBytesAt(place, entry);
    const returnTo = stackLoad(pointer + depth);
    if (returnTo === 0) return;
    // One below, because the call may be the function's last instruction.
    place = returnTo - 1;
    pointer += depth + 8;
  }
}

/** Prints `name (file.ts:line)`, or the bare address if the address is not in compiled code. */
export function logCodePlace(address: u64): void {
  logPlace(address, functionAt(address));
}

function logPlace(address: u64, entry: u32): void {
  if (entry !== NO_FUNCTION) {
    logFunctionPlace(address, entry);
    return;
  }
  logText("assembly 0x");
  logHex(address);
}
