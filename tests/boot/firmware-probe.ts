// A kernel that prints which of the locks that firmware sets (firmware.asm) are left after boot,
// and ends.

import { initializeMachine, powerOff } from "../../kernel/x64/machine";
import { endLine, logHex, logText } from "../../kernel/x64/serial-log";
import { firmwareLocks } from "./firmware";

export { fastCall, fastRecv, fastReply } from "./no-fast-path";
export { kernelException } from "../../kernel/x64/panic";

const EXIT_CODE: u32 = 0x10;

export function start(startInfo: u64): void {
  initializeMachine(startInfo);
  logText("probe: locks ");
  logHex(firmwareLocks());
  endLine();
  powerOff(EXIT_CODE);
}

/** The kernel runs with interrupts off, and there is no user code: these are never called. */
export function interrupt(vector: u32): void {}
export function systemCall(operation: u32): void {}
export function fault(vector: u32, errorCode: u32, address: u64): void {}
export function currentSaveArea(): u32 {
  return 0;
}
