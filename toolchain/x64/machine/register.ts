import type { Target } from "../../ir/module.ts";

/** General registers by their x86 number. */
export enum Register {
  rax,
  rcx,
  rdx,
  rbx,
  rsp,
  rbp,
  rsi,
  rdi,
  r8,
  r9,
  r10,
  r11,
  r12,
  r13,
  r14,
  r15,
}

export const REGISTER_COUNT = 16;

export const ARGUMENT_REGISTERS: readonly Register[] = [
  Register.rdi,
  Register.rsi,
  Register.rdx,
  Register.rcx,
  Register.r8,
  Register.r9,
  Register.r10,
  Register.r11,
];
export const RESULT_REGISTERS: readonly Register[] = [Register.rax, Register.rdx];

/**
 * In the order in which a prologue pushes them. r15 belongs to the window in the target kernel and
 * is never touched there.
 */
export const CALLEE_SAVED: readonly Register[] = [
  Register.rbx,
  Register.rbp,
  Register.r12,
  Register.r13,
  Register.r14,
  Register.r15,
];

/** Hold a message's words 0 to 3 where a thread enters and leaves the kernel. */
export const MESSAGE_WORD_REGISTERS: readonly Register[] = [
  Register.rbx,
  Register.r12,
  Register.r13,
  Register.r14,
];

/** A set of registers, bit r for register r. */
export type RegisterSet = number;

export const registerSet = (registers: readonly Register[]): RegisterSet =>
  registers.reduce((set, register) => set | (1 << register), 0);

export const CALLEE_SAVED_SET = registerSet(CALLEE_SAVED);

/** Registers that a call may change. */
export const CALL_CLOBBERS = registerSet([
  Register.rax,
  Register.rcx,
  Register.rdx,
  Register.rsi,
  Register.rdi,
  Register.r8,
  Register.r9,
  Register.r10,
  Register.r11,
]);

/**
 * Registers that the allocator may use, in the order to try: caller-saved registers first, and
 * among them first those that the calling convention and fixed operands need least often.
 */
export function allocatableRegisters(target: Target): readonly Register[] {
  const registers = [
    Register.rsi,
    Register.rdi,
    Register.rax,
    Register.r8,
    Register.r9,
    Register.r10,
    Register.r11,
    Register.rdx,
    Register.rcx,
    Register.rbx,
    Register.rbp,
    Register.r12,
    Register.r14,
    Register.r13,
  ];
  return target === "kernel" ? registers : [...registers, Register.r15];
}
