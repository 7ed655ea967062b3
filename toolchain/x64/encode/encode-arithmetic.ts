import { type MachineInstruction, Source } from "../machine/machine-function.ts";
import { MachineOp } from "../machine/machine-op.ts";
import { PLAIN_ADDRESS } from "../machine/memory-operand.ts";
import { Register } from "../machine/register.ts";
import { fitsByte, type RegisterOrMemory } from "./assembler.ts";
import type { Encode, FunctionCode } from "./function-code.ts";

/**
 * The /digit of an operation in the opcode group 80/81/83, which is bits 5..3 of its other opcodes
 * too.
 */
export const AluDigit = { Add: 0, Or: 1, And: 4, Sub: 5, Xor: 6, Cmp: 7 } as const;

export const ARITHMETIC = {
  [MachineOp.Add]: alu(AluDigit.Add),
  [MachineOp.Or]: alu(AluDigit.Or),
  [MachineOp.And]: alu(AluDigit.And),
  [MachineOp.Sub]: alu(AluDigit.Sub),
  [MachineOp.Xor]: alu(AluDigit.Xor),
  [MachineOp.Cmp]: alu(AluDigit.Cmp),
  [MachineOp.AddFlexible]: addFlexible,
  [MachineOp.Test]: test,
  [MachineOp.BitTest](code, instruction) {
    const [value, number] = [code.location(instruction, 0), code.location(instruction, 1)];
    code.assembler.modrm(instruction.width, 0x0fa3, number, value);
  },
  [MachineOp.Imul](code, instruction) {
    code.trapHere(instruction);
    const [product, factor] = [code.location(instruction, 0), code.source(instruction, 2)];
    code.assembler.modrm(instruction.width, 0x0faf, product, factor);
  },
  [MachineOp.ImulImmediate](code, instruction) {
    const { width, immediate } = instruction;
    code.trapHere(instruction);
    const immediateBytes = fitsByte(immediate) ? 1 : 4;
    const opcode = immediateBytes === 1 ? 0x6b : 0x69;
    const [product, factor] = [code.location(instruction, 0), code.source(instruction, 1)];
    code.assembler.modrm(width, opcode, product, factor, { immediateBytes });
    code.assembler.immediate(immediate, immediateBytes);
  },
  [MachineOp.Rol]: shift(0),
  [MachineOp.Ror]: shift(1),
  [MachineOp.Shl]: shift(4),
  [MachineOp.Shr]: shift(5),
  [MachineOp.Sar]: shift(7),
  [MachineOp.Not]: (code, instruction) =>
    code.assembler.modrm(instruction.width, 0xf7, 2, code.location(instruction, 0)),
  [MachineOp.Neg]: (code, instruction) =>
    code.assembler.modrm(instruction.width, 0xf7, 3, code.location(instruction, 0)),
  [MachineOp.Lzcnt]: countBits(0x0fbd, { prefix: 0xf3 }),
  [MachineOp.Tzcnt]: countBits(0x0fbc, { prefix: 0xf3 }),
  [MachineOp.Popcnt]: countBits(0x0fb8, { prefix: 0xf3 }),
  [MachineOp.Bsr]: countBits(0x0fbd, {}),
  [MachineOp.Bsf]: countBits(0x0fbc, {}),
  [MachineOp.SetCondition](code, instruction) {
    const result = code.location(instruction, 0);
    code.assembler.modrm(1, 0x0f90 | instruction.condition, 0, result, { byteOperand: true });
  },
  [MachineOp.ConditionalMove](code, instruction) {
    code.trapHere(instruction);
    const [result, source] = [code.location(instruction, 0), code.source(instruction, 2)];
    code.assembler.modrm(instruction.width, 0x0f40 | instruction.condition, result, source);
  },
} satisfies Partial<Record<MachineOp, Encode>>;

function alu(digit: number): Encode {
  // Operand 0 of cmp is its left side; of the others it is the definition, and the tied use
  // follows.
  const source = digit === AluDigit.Cmp ? 1 : 2;
  return (code, instruction) => {
    const { width, toMemory } = instruction;
    const byteReg = width === 1;
    const target = toMemory ? code.physicalAddress(instruction) : code.location(instruction, 0);
    code.trapHere(instruction);
    if (instruction.source === Source.Immediate) {
      aluImmediate(code, digit, width, target, instruction.immediate);
    } else if (typeof target !== "number") {
      const opcode = (digit << 3) | (byteReg ? 0 : 1);
      code.assembler.modrm(width, opcode, code.location(instruction, 0), target, { byteReg });
    } else {
      const opcode = (digit << 3) | (byteReg ? 2 : 3);
      code.assembler.modrm(width, opcode, target, code.source(instruction, source), { byteReg });
    }
  };
}

/** `target` op= immediate, in the shortest form. */
export function aluImmediate(
  { assembler }: FunctionCode,
  digit: number,
  width: number,
  target: RegisterOrMemory,
  immediate: number,
): void {
  if (width === 1) {
    assembler.modrm(1, 0x80, digit, target, { immediateBytes: 1, byteOperand: true });
    assembler.immediate(immediate, 1);
  } else if (fitsByte(immediate)) {
    assembler.modrm(width, 0x83, digit, target, { immediateBytes: 1 });
    assembler.immediate(immediate, 1);
  } else if (target === Register.rax && width >= 4) {
    if (width === 8) assembler.byte(0x48);
    assembler.byte((digit << 3) | 5);
    assembler.immediate(immediate, 4);
  } else {
    const immediateBytes = Math.min(width, 4);
    assembler.modrm(width, 0x81, digit, target, { immediateBytes });
    assembler.immediate(immediate, immediateBytes);
  }
}

/** add where the sum takes over the register of a summand, else lea. */
function addFlexible(code: FunctionCode, instruction: MachineInstruction): void {
  const { width, immediate } = instruction;
  const { assembler } = code;
  const [sum, left] = [code.location(instruction, 0), code.location(instruction, 1)];
  if (instruction.source === Source.Immediate) {
    if (sum === left) aluImmediate(code, AluDigit.Add, width, sum, immediate);
    else
      assembler.modrm(width, 0x8d, sum, { ...PLAIN_ADDRESS, base: left, displacement: immediate });
    return;
  }
  const right = code.location(instruction, 2);
  if (sum === left) assembler.modrm(width, 0x03, sum, right);
  else if (sum === right) assembler.modrm(width, 0x03, sum, left);
  else {
    // rbp and r13 as a base need a displacement; as an index they do not.
    const [base, index] = (left & 7) === Register.rbp ? [right, left] : [left, right];
    assembler.modrm(width, 0x8d, sum, { ...PLAIN_ADDRESS, base, index });
  }
}

function test(code: FunctionCode, instruction: MachineInstruction): void {
  const { width, immediate } = instruction;
  const { assembler } = code;
  if (instruction.toMemory) {
    const target = code.physicalAddress(instruction);
    const immediateBytes = Math.min(width, 4);
    code.trapHere(instruction);
    assembler.modrm(width, width === 1 ? 0xf6 : 0xf7, 0, target, { immediateBytes });
    assembler.immediate(immediate, immediateBytes);
    return;
  }
  const left = code.location(instruction, 0);
  if (instruction.source === Source.Register) {
    assembler.modrm(width, 0x85, code.location(instruction, 1), left);
    return;
  }
  // A mask within seven bits gives the same flags as a byte: the sign is 0 both times.
  if (immediate >= 0 && immediate < 0x80) {
    if (left === Register.rax) assembler.byte(0xa8);
    else assembler.modrm(1, 0xf6, 0, left, { byteOperand: true, immediateBytes: 1 });
    assembler.immediate(immediate, 1);
  } else if (left === Register.rax) {
    if (width === 8) assembler.byte(0x48);
    assembler.byte(0xa9);
    assembler.immediate(immediate, 4);
  } else {
    assembler.modrm(width, 0xf7, 0, left, { immediateBytes: 4 });
    assembler.immediate(immediate, 4);
  }
}

/** A shift or rotation by an immediate, or else by cl. */
function shift(digit: number): Encode {
  return (code, instruction) => {
    const { width, immediate } = instruction;
    const value = code.location(instruction, 0);
    if (instruction.source !== Source.Immediate) code.assembler.modrm(width, 0xd3, digit, value);
    else if (immediate === 1) code.assembler.modrm(width, 0xd1, digit, value);
    else {
      code.assembler.modrm(width, 0xc1, digit, value);
      code.assembler.byte(immediate);
    }
  };
}

function countBits(opcode: number, options: { readonly prefix?: number }): Encode {
  return (code, instruction) => {
    code.trapHere(instruction);
    const [count, source] = [code.location(instruction, 0), code.source(instruction, 1)];
    code.assembler.modrm(instruction.width, opcode, count, source, options);
  };
}
