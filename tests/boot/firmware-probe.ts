// A kernel that says what boot has left of the locks that firmware sets (firmware.asm), and
// ends.

import { initializeMachine, powerOff } from "../../kernel/x64/machine";
import { endLine, logHex, logText } from "../../kernel/x64/serial-log";
import { firmwareLocks } from "./firmware";

export { kernelException } from "../../kernel/x64/panic";

const EXIT_CODE: u32 = 0x10;

export function start(startInfo: u64): void {
  initializeMachine(startInfo);
  logText("probe: locks ");
  logHex(firmwareLocks());
  endLine();
  powerOff(EXIT_CODE);
}

/** Nothing comes, and there is no user code. */
export function interrupt(vector: u32): void {}
export function systemCall(operation: u32): void {}
export function fault(vector: u32, errorCode: u32, address: u64): void {}
export function currentSaveArea(): u32 {
  return 0;
}
