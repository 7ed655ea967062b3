import { LINEAR_BASE_SYMBOL, MEMORY_PAGES_SYMBOL, TrapKind } from "../../ir/machine-code.ts";
import { DIRECT_MAP_HIGH, DIRECT_MAP_LOW } from "../../../kernel/abi/address-space.ts";
import { PLAIN_ADDRESS, type PhysicalAddress } from "./assembler.ts";
import { Condition } from "../machine/condition.ts";
import type { FunctionEncoder } from "./encode.ts";
import type { MachineInstruction } from "../machine/machine-function.ts";
import { DESTINATION_PHYSICAL, MachineOp, SOURCE_PHYSICAL } from "../machine/machine-op.ts";
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
export function encodeString(encoder: FunctionEncoder, instruction: MachineInstruction): void {
  switch (instruction.op) {
    case MachineOp.MemoryCopy:
      memoryCopy(encoder, instruction.origin);
      return;
    case MachineOp.MemoryFill:
      checkRange(encoder, rdi, instruction.origin);
      toAddress(encoder, rdi);
      fill(encoder);
      return;
    case MachineOp.StringCopy:
      toSide(encoder, rdi, (instruction.immediate & DESTINATION_PHYSICAL) !== 0);
      toSide(encoder, rsi, (instruction.immediate & SOURCE_PHYSICAL) !== 0);
      copyForward(encoder);
      return;
    case MachineOp.StringFill:
      toSide(encoder, rdi, true);
      fill(encoder);
      return;
    default:
      throw new Error("not a string instruction");
  }
}

/**
 * Stops unless [start, start + rcx) lies in one part: rcx ≤ end and start ≤ end - rcx, in 64 bits.
 *
 * In the target linux the only part is the program's memory. In a domain, memory objects are mapped
 * between the program's largest memory and 4 GiB, and the program does not know where: a range that
 * starts there must end by 4 GiB, and a page that is missing faults as it does under a store. The
 * kernel maps pages of its whole window itself.
 */
function checkRange(encoder: FunctionEncoder, start: Register, origin: number): void {
  const { assembler: a } = encoder;
  const { target, memory } = encoder.module;
  const trap = encoder.trapLabel(TrapKind.OutOfBounds, origin);
  const mappedBytes = memory.maximumPages * PAGE_BYTES;
  if (target === "kernel") encoder.loadConstant(rdx, 0, 1);
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
    encoder.later(origin, () => {
      a.bind(mapped);
      encoder.loadConstant(rdx, 0, 1);
      a.jump(checked);
    });
  }
  a.modrm(8, 0x2b, rdx, rcx);
  a.jumpIf(Condition.Below, trap);
  a.modrm(8, 0x3b, start, rdx);
  a.jumpIf(Condition.Above, trap);
}

function memoryCopy(encoder: FunctionEncoder, origin: number): void {
  const { assembler: a } = encoder;
  const [backward, done] = [a.newLabel(), a.newLabel()];
  checkRange(encoder, rdi, origin);
  checkRange(encoder, rsi, origin);
  // Backwards exactly if the destination starts inside the source: destination - source < bytes,
  // unsigned.
  a.modrm(8, 0x8b, rdx, rdi);
  a.modrm(8, 0x2b, rdx, rsi);
  a.modrm(8, 0x3b, rdx, rcx);
  a.jumpIf(Condition.Below, backward);
  toAddress(encoder, rdi);
  toAddress(encoder, rsi);
  copyForward(encoder);
  a.bind(done);
  encoder.later(origin, () => {
    a.bind(backward);
    copyBackward(encoder);
    a.jump(done);
  });
}

/**
 * Eight bytes at a time from the end, the odd bytes first. The pointers stay offsets of 32 bits, an
 * end at 4 GiB is 0.
 */
function copyBackward(encoder: FunctionEncoder): void {
  const { assembler: a } = encoder;
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
  encoder.trapAt(TrapKind.OutOfBounds);
  a.modrm(4, 0x0fb6, rax, linear(encoder, rsi));
  encoder.trapAt(TrapKind.OutOfBounds);
  a.modrm(1, 0x88, rax, linear(encoder, rdi));
  subtract(rdx, 1);
  a.jumpIf(Condition.NotEqual, byteLoop);
  a.bind(words);
  a.modrm(4, 0xc1, 5, rcx);
  a.byte(3);
  a.jumpIf(Condition.Equal, end);
  a.bind(wordLoop);
  subtract(rsi, 8);
  subtract(rdi, 8);
  encoder.trapAt(TrapKind.OutOfBounds);
  a.modrm(8, 0x8b, rax, linear(encoder, rsi));
  encoder.trapAt(TrapKind.OutOfBounds);
  a.modrm(8, 0x89, rax, linear(encoder, rdi));
  subtract(rcx, 1);
  a.jumpIf(Condition.NotEqual, wordLoop);
  a.bind(end);
}

/** rdi and rsi are addresses. Eight bytes at a time, then the rest. */
function copyForward(encoder: FunctionEncoder): void {
  inWordsAndBytes(encoder, [0xf3, 0x48, 0xa5], [0xf3, 0xa4]);
}

/** rdi is an address, the byte is in al. */
function fill(encoder: FunctionEncoder): void {
  const { assembler: a } = encoder;
  a.modrm(4, 0x0fb6, rax, rax, { byteOperand: true });
  encoder.loadConstant(rdx, 0x01010101, 0x01010101);
  a.modrm(8, 0x0faf, rax, rdx);
  inWordsAndBytes(encoder, [0xf3, 0x48, 0xab], [0xf3, 0xaa]);
}

function inWordsAndBytes(
  encoder: FunctionEncoder,
  words: readonly number[],
  bytes: readonly number[],
): void {
  const { assembler: a } = encoder;
  a.modrm(4, 0x8b, rdx, rcx);
  a.modrm(4, 0xc1, 5, rcx);
  a.byte(3);
  encoder.trapAt(TrapKind.OutOfBounds);
  a.plain(...words);
  a.modrm(4, 0x8b, rcx, rdx);
  a.modrm(4, 0x83, 4, rcx);
  a.byte(7);
  encoder.trapAt(TrapKind.OutOfBounds);
  a.plain(...bytes);
}

function linear(encoder: FunctionEncoder, register: Register): PhysicalAddress {
  switch (encoder.module.target) {
    case "kernel":
      return { ...PLAIN_ADDRESS, base: r15, index: register };
    case "linux":
      return { ...PLAIN_ADDRESS, base: register, symbol: LINEAR_BASE_SYMBOL, absolute: true };
    case "domain":
      return { ...PLAIN_ADDRESS, base: register };
  }
}

/** Turns an offset in linear memory into an address. */
function toAddress(encoder: FunctionEncoder, register: Register): void {
  if (encoder.module.target === "domain") return;
  encoder.assembler.modrm(8, 0x8d, register, linear(encoder, register));
}

function toSide(encoder: FunctionEncoder, register: Register, isPhysical: boolean): void {
  if (!isPhysical) {
    toAddress(encoder, register);
    return;
  }
  encoder.loadConstant(rdx, DIRECT_MAP_LOW | 0, DIRECT_MAP_HIGH | 0);
  encoder.assembler.modrm(8, 0x03, register, rdx);
}
