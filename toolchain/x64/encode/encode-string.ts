import { LINEAR_BASE_SYMBOL, MEMORY_PAGES_SYMBOL, TrapKind } from "../../ir/machine-code.ts";
import { DIRECT_MAP_HIGH, DIRECT_MAP_LOW } from "../../../kernel/abi/address-space.ts";
import type { PhysicalAddress } from "./assembler.ts";
import { Condition } from "../machine/condition.ts";
import { loadConstant } from "./encode-move.ts";
import type { Encode, FunctionCode } from "./function-code.ts";
import type { MachineInstruction } from "../machine/machine-function.ts";
import { DESTINATION_PHYSICAL, MachineOp, SOURCE_PHYSICAL } from "../machine/machine-op.ts";
import { PLAIN_ADDRESS } from "../machine/memory-operand.ts";
import { Register } from "../machine/register.ts";

const { rax, rcx, rdx, rsi, rdi, r15 } = Register;
const PAGE_SHIFT = 16;
const PAGE_BYTES = 1 << PAGE_SHIFT;
const WINDOW_BYTES = 2 ** 32;

/**
 * Copies and fills in fixed registers: destination rdi, source rsi or byte rax, bytes rcx. rdx is
 * free, rax too in a copy. The direction flag is always clear, so that a copy that must go
 * backwards is a loop.
 */
export const STRINGS = {
  [MachineOp.MemoryCopy]: memoryCopy,
  [MachineOp.MemoryFill](code, { origin }) {
    checkRange(code, rdi, origin);
    toAddress(code, rdi);
    fill(code);
  },
  [MachineOp.StringCopy](code, { immediate }) {
    toSide(code, rdi, (immediate & DESTINATION_PHYSICAL) !== 0);
    toSide(code, rsi, (immediate & SOURCE_PHYSICAL) !== 0);
    copyForward(code);
  },
  [MachineOp.StringFill](code) {
    toSide(code, rdi, true);
    fill(code);
  },
} satisfies Partial<Record<MachineOp, Encode>>;

/**
 * Stops unless [start, start + rcx) lies in one part: rcx ≤ end and start ≤ end - rcx, in 64 bits.
 *
 * In the target linux the only part is the program's memory. In a domain, memory objects are mapped
 * between the program's largest memory and 4 GiB, and the program does not know where: a range that
 * starts there must end by 4 GiB, and a page that is missing faults as it does under a store. The
 * kernel maps pages of its whole window itself.
 */
function checkRange(code: FunctionCode, start: Register, origin: number): void {
  const { assembler: a } = code;
  const { target, memory } = code.module;
  const trap = code.trapLabel(TrapKind.OutOfBounds, origin);
  const mappedBytes = memory.maximumPages * PAGE_BYTES;
  if (target === "kernel") loadConstant(code, rdx, 0, 1);
  else {
    a.modrm(4, 0x8b, rdx, { ...PLAIN_ADDRESS, symbol: MEMORY_PAGES_SYMBOL });
    a.modrm(8, 0xc1, 4, rdx);
    a.byte(PAGE_SHIFT);
  }
  if (target === "domain" && mappedBytes < WINDOW_BYTES) {
    const [mapped, checked] = [a.newLabel(), a.newLabel()];
    a.modrm(4, 0x81, 7, start);
    a.immediate(mappedBytes | 0, 4);
    a.jumpIf(Condition.AboveOrEqual, mapped);
    a.bind(checked);
    code.later(origin, () => {
      a.bind(mapped);
      loadConstant(code, rdx, 0, 1);
      a.jump(checked);
    });
  }
  a.modrm(8, 0x2b, rdx, rcx);
  a.jumpIf(Condition.Below, trap);
  a.modrm(8, 0x3b, start, rdx);
  a.jumpIf(Condition.Above, trap);
}

function memoryCopy(code: FunctionCode, { origin }: MachineInstruction): void {
  const { assembler: a } = code;
  const [backward, done] = [a.newLabel(), a.newLabel()];
  checkRange(code, rdi, origin);
  checkRange(code, rsi, origin);
  // Backwards exactly if the destination starts inside the source: destination - source < bytes,
  // unsigned.
  a.modrm(8, 0x8b, rdx, rdi);
  a.modrm(8, 0x2b, rdx, rsi);
  a.modrm(8, 0x3b, rdx, rcx);
  a.jumpIf(Condition.Below, backward);
  toAddress(code, rdi);
  toAddress(code, rsi);
  copyForward(code);
  a.bind(done);
  code.later(origin, () => {
    a.bind(backward);
    copyBackward(code);
    a.jump(done);
  });
}

/**
 * Eight bytes at a time from the end, the odd bytes first. The pointers stay offsets of 32 bits, an
 * end at 4 GiB is 0.
 */
function copyBackward(code: FunctionCode): void {
  const { assembler: a } = code;
  const [byteLoop, words, wordLoop, end] = [a.newLabel(), a.newLabel(), a.newLabel(), a.newLabel()];
  const add = (register: Register, value: Register): void => a.modrm(4, 0x03, register, value);
  const subtract = (register: Register, bytes: number): void => {
    a.modrm(4, 0x83, 5, register);
    a.byte(bytes);
  };
  add(rdi, rcx);
  add(rsi, rcx);
  a.modrm(4, 0x8b, rdx, rcx);
  a.modrm(4, 0x83, 4, rdx);
  a.byte(7);
  a.jumpIf(Condition.Equal, words);
  a.bind(byteLoop);
  subtract(rsi, 1);
  subtract(rdi, 1);
  code.records.trap(TrapKind.OutOfBounds);
  a.modrm(4, 0x0fb6, rax, linear(code, rsi));
  code.records.trap(TrapKind.OutOfBounds);
  a.modrm(1, 0x88, rax, linear(code, rdi));
  subtract(rdx, 1);
  a.jumpIf(Condition.NotEqual, byteLoop);
  a.bind(words);
  a.modrm(4, 0xc1, 5, rcx);
  a.byte(3);
  a.jumpIf(Condition.Equal, end);
  a.bind(wordLoop);
  subtract(rsi, 8);
  subtract(rdi, 8);
  code.records.trap(TrapKind.OutOfBounds);
  a.modrm(8, 0x8b, rax, linear(code, rsi));
  code.records.trap(TrapKind.OutOfBounds);
  a.modrm(8, 0x89, rax, linear(code, rdi));
  subtract(rcx, 1);
  a.jumpIf(Condition.NotEqual, wordLoop);
  a.bind(end);
}

/** rdi and rsi are addresses. Eight bytes at a time, then the rest. */
function copyForward(code: FunctionCode): void {
  inWordsAndBytes(code, [0xf3, 0x48, 0xa5], [0xf3, 0xa4]);
}

/** rdi is an address, the byte is in al. */
function fill(code: FunctionCode): void {
  const { assembler: a } = code;
  a.modrm(4, 0x0fb6, rax, rax, { byteOperand: true });
  loadConstant(code, rdx, 0x01010101, 0x01010101);
  a.modrm(8, 0x0faf, rax, rdx);
  inWordsAndBytes(code, [0xf3, 0x48, 0xab], [0xf3, 0xaa]);
}

function inWordsAndBytes(
  code: FunctionCode,
  words: readonly number[],
  bytes: readonly number[],
): void {
  const { assembler: a } = code;
  a.modrm(4, 0x8b, rdx, rcx);
  a.modrm(4, 0xc1, 5, rcx);
  a.byte(3);
  code.records.trap(TrapKind.OutOfBounds);
  a.plain(...words);
  a.modrm(4, 0x8b, rcx, rdx);
  a.modrm(4, 0x83, 4, rcx);
  a.byte(7);
  code.records.trap(TrapKind.OutOfBounds);
  a.plain(...bytes);
}

function linear(code: FunctionCode, register: Register): PhysicalAddress {
  switch (code.module.target) {
    case "kernel":
      return { ...PLAIN_ADDRESS, base: r15, index: register };
    case "linux":
      return { ...PLAIN_ADDRESS, base: register, symbol: LINEAR_BASE_SYMBOL, absolute: true };
    case "domain":
      return { ...PLAIN_ADDRESS, base: register };
  }
}

/** Turns an offset in linear memory into an address. */
function toAddress(code: FunctionCode, register: Register): void {
  if (code.module.target === "domain") return;
  code.assembler.modrm(8, 0x8d, register, linear(code, register));
}

function toSide(code: FunctionCode, register: Register, isPhysical: boolean): void {
  if (!isPhysical) {
    toAddress(code, register);
    return;
  }
  loadConstant(code, rdx, DIRECT_MAP_LOW | 0, DIRECT_MAP_HIGH | 0);
  code.assembler.modrm(8, 0x03, register, rdx);
}
