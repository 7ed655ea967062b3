// The kernel as it is, but for a bug that a character typed brings out.

import { interrupt as enterInterrupt } from "../../kernel/main";
import { panic } from "../../kernel/x64/panic";
import { in8 } from "../../kernel/x64/x64";

export { abort, currentSaveArea, fault, kernelException, start, systemCall } from "../../kernel/main";

const VECTOR_SERIAL: u32 = 32 + 4;
const SERIAL_STATUS: u32 = 0x3fd;
const DATA_READY: u32 = 1;

export function interrupt(vector: u32): void {
  if (vector === VECTOR_SERIAL && (in8(SERIAL_STATUS) & DATA_READY) !== 0) panic("the planted bug");
  enterInterrupt(vector);
}
