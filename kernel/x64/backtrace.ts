// The call chain in TypeScript names, found by walking a kernel stack with the frame sizes of the
// symbol table. The walk reads only that table and the stacks, and both only within their bounds.

import { stackLoad } from "./assembly";
import { endLine, logHex, logText } from "./serial-log";
import { NO_FUNCTION, frameBytesAt, functionAt, logFunctionPlace } from "./symbol-table";

/** No stack of the kernel has more frames. The limit ends the walk over a damaged stack. */
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
    // Assembly has no frame sizes. Only the entry stub lies below it.
    if (entry === NO_FUNCTION) return;

    const depth = frameBytesAt(place, entry);
    const returnTo = stackLoad(pointer + depth);
    if (returnTo === 0) return;
    // One byte before the return address, because the call may be the last instruction of its
    // function.
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
