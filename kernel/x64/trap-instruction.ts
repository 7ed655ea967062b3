// What the instruction that raised #UD or #DE says about the fault. `code` holds its first four
// bytes, the first one lowest.

import { FaultKind, TRAP_KINDS } from "../abi/fault";

export const VECTOR_DIVIDE: u32 = 0;
export const VECTOR_INVALID_OPCODE: u32 = 6;

const UD2: u32 = 0x0b0f;
const UD1: u32 = 0xb90f;
/**
 * The last byte of an instruction with two register operands: this value, and three bits for each
 * register.
 */
const REGISTERS: u32 = 0xc0;

/**
 * For #UD: the fault for which the compiler placed the instruction; IllegalInstruction if the
 * instruction is not one of the compiler's.
 */
export function trapKind(code: u32): FaultKind {
  const opcode = code & 0xffff;
  if (opcode === UD2) return FaultKind.Unreachable;
  const kind = ((code >> 16) & 0xff) - REGISTERS;
  return opcode === UD1 && kind < 32 && ((<u32>TRAP_KINDS >> kind) & 1) !== 0
    ? <FaultKind>kind
    : FaultKind.IllegalInstruction;
}

// `div` and `idiv` of a register: 0xf7 and 0xf0 to 0xff, behind a REX prefix for 64 bits and for r8
// to r15.
const DIVIDE: u32 = 0xf0f7;
const DIVIDE_MASK: u32 = 0xf0ff;
const REX: u32 = 0x40;
const REX_MASK: u32 = 0xf0;
const REX_WIDE: u32 = 8;
const REX_HIGH: u32 = 1;
/** The places of rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi in the save area, four bits each. */
const SAVED_ORDER: u32 = 0x546f1320;
/** For rsp, and for every form of instruction that the compiler does not use. */
export const DIVISOR_UNKNOWN: u32 = 15;

/**
 * For #DE: the register that holds the divisor, by its place in the save area
 * (kernel/abi/thread-save-area.ts).
 */
export function divisorRegister(code: u32): u32 {
  const hasPrefix = (code & REX_MASK) === REX;
  const instruction = hasPrefix ? code >> 8 : code;
  if ((instruction & DIVIDE_MASK) !== DIVIDE) return DIVISOR_UNKNOWN;
  const number = (instruction >> 8) & 7;
  return hasPrefix && (code & REX_HIGH) !== 0 ? number + 7 : (SAVED_ORDER >> (number << 2)) & 15;
}

/** For #DE: the divisor is zero, or else the quotient does not fit. */
export function divideKind(code: u32, divisor: u64): FaultKind {
  const isWide = (code & REX_MASK) === REX && (code & REX_WIDE) !== 0;
  return (isWide ? divisor : divisor & 0xffffffff) === 0
    ? FaultKind.DivideByZero
    : FaultKind.DivideOverflow;
}
