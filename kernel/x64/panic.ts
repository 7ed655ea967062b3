// The end of a kernel whose own invariant is broken: the kernel prints what happened, the registers
// and the call chain, and stops the machine.

import { FaultKind, faultName } from "../abi/fault";
import { logBacktrace, logCodePlace } from "./backtrace";
import { imageLoad32, returnAddress, stackLoad, stackPointer } from "./assembly";
import { powerOff, stopMachine } from "./power";
import { commandLineHas } from "./memory-map";
import { restartAfterFailure } from "./restart";
import { endLine, logByte, logHex, logHexDigits, logLine, logNumber, logText } from "./serial-log";
import {
  DIVISOR_UNKNOWN,
  VECTOR_DIVIDE,
  VECTOR_INVALID_OPCODE,
  divideKind,
  divisorRegister,
  trapKind,
} from "./trap-instruction";
import { readCr2, readCr3 } from "./x64";

/** Code of the power-off that ends a panic, if the command line asks for a power-off. */
const PANIC_CODE: u32 = 0x7f;

// What trap-entry.asm pushes: registers, vector, error code and the processor's frame, in words.
const REGISTERS: u32 = 15;
const FRAME_RIP: u64 = 17 * 8;
const FRAME_FLAGS: u64 = 19 * 8;
const FRAME_RSP: u64 = 20 * 8;

const VECTOR_PAGE_FAULT: u32 = 14;

/** A panic inside the panic's own output must not start over. */
let isPanicking: bool = false;

let restarts: bool = false;

/** From now on a panic restarts the machine after it has been printed. */
export function restartOnPanic(): void {
  restarts = true;
}

/** Stops the machine. The message is a string literal. Never returns. */
export function panic(message: string): void {
  begin();
  logLine(message);
  logBacktrace(returnAddress(), stackPointer());
  end();
}

/** A failed assertion ends here: code compiled by asc calls it with the place in the source. */
export function abort(message: string | null, file: string | null, line: u32, _column: u32): void {
  begin();
  if (message !== null) logText(message);
  else logText("assertion failed");
  if (file !== null) {
    logText(" at ");
    logText(file);
    logByte(0x3a);
    logNumber(line);
  }
  endLine();
  logBacktrace(returnAddress(), stackPointer());
  end();
}

/**
 * An exception in the kernel, a double fault or a machine check. `frame` is the address of what
 * trap-entry.asm pushed. Never returns.
 */
export function kernelException(vector: u32, errorCode: u32, frame: u64): void {
  begin();
  const rip = stackLoad(frame + FRAME_RIP);
  const rsp = stackLoad(frame + FRAME_RSP);
  logVector(vector, rip, frame);
  if (vector === VECTOR_PAGE_FAULT) {
    logText(" at address 0x");
    logHex(readCr2());
  }
  logText(", error code 0x");
  logHex(errorCode);
  logText(", in ");
  logCodePlace(rip);
  endLine();
  logRegisters(frame);
  logBacktrace(rip, rsp);
  end();
}

function begin(): void {
  if (isPanicking) stopMachine();
  isPanicking = true;
  endLine();
  logText("trine: kernel panic: ");
}

function end(): void {
  if (commandLineHas("panic=exit")) powerOff(PANIC_CODE);
  if (restarts) restartAfterFailure();
  stopMachine();
}

function logVector(vector: u32, rip: u64, frame: u64): void {
  if (vector === VECTOR_DIVIDE) logText(faultName(divideFault(imageLoad32(rip), frame)));
  else if (vector === 1) logText("debug exception");
  else if (vector === VECTOR_INVALID_OPCODE) logText(faultName(trapKind(imageLoad32(rip))));
  else if (vector === 8) logText("double fault (the stack may be exhausted)");
  else if (vector === 13) logText("general protection");
  else if (vector === VECTOR_PAGE_FAULT) logText("page fault");
  else if (vector === 18) logText("machine check");
  else {
    logText("exception ");
    logNumber(vector);
  }
}

function divideFault(code: u32, frame: u64): FaultKind {
  const register = divisorRegister(code);
  return register === DIVISOR_UNKNOWN
    ? FaultKind.Other
    : divideKind(code, stackLoad(frame + <u64>register * 8));
}

function logRegisters(frame: u64): void {
  for (let i: u32 = 0; i < REGISTERS; i++) {
    logText(i % 4 === 0 ? "  " : " ");
    logRegisterName(i);
    logByte(0x20);
    logHexDigits(stackLoad(frame + <u64>i * 8), 16);
    if (i % 4 === 3) endLine();
  }
  endLine();
  logText("  rip ");
  logHexDigits(stackLoad(frame + FRAME_RIP), 16);
  logText(" rsp ");
  logHexDigits(stackLoad(frame + FRAME_RSP), 16);
  logText(" flags ");
  logHex(stackLoad(frame + FRAME_FLAGS));
  logText(" cr3 ");
  logHex(readCr3());
  endLine();
}

/** Names in the order of the frame. */
function logRegisterName(index: u32): void {
  const names = "raxrbxrcxrdxrsirdirbpr8 r9 r10r11r12r13r14r15";
  for (let i: u32 = 0; i < 3; i++)
    logByte(load<u16>(changetype<usize>(names) + ((<usize>index * 3 + i) << 1)));
}
