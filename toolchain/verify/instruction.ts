import {
  Code,
  Decoder,
  DecoderOptions,
  FlowControl,
  Instruction,
  MemorySizeExt,
  Mnemonic,
  OpKind,
  Register,
} from "iced-x86";

import { type Needs, needsOf } from "./level.ts";

export const RSP = 4;
export const R15 = 15;
export const NO_REGISTER = -1;
/** Memory relative to the next instruction. */
export const RIP = 16;

export type Operand =
  /**
   * `number` 0..15; `bits` 8, 16, 32, 64. ah, ch, dh, bh count as 8-bit parts of registers 0..3.
   */
  | { readonly kind: "register"; readonly number: number; readonly bits: number }
  | { readonly kind: "immediate"; readonly value: bigint }
  | { readonly kind: "memory" }
  | { readonly kind: "branch"; readonly target: number }
  /** Control and segment registers, string operands, and whatever else there is. */
  | { readonly kind: "other"; readonly name: string };

export interface Memory {
  readonly base: number;
  readonly index: number;
  readonly scale: number;
  /**
   * Relative to rip: the target's offset from the start of the text. Else the displacement, signed.
   */
  readonly displacement: number;
  /** Address-size prefix: computed mod 2^32. */
  readonly is32: boolean;
  readonly bytes: number;
  readonly segment: "none" | "fs" | "other";
}

/** What the verifier knows of one instruction. Offsets count from the start of the text. */
export interface MachineInstruction {
  readonly offset: number;
  readonly length: number;
  readonly mnemonic: Mnemonic;
  /** Of the processor: see level.ts. */
  readonly needs: Needs;
  readonly operands: readonly Operand[];
  readonly memory: Memory | null;
  readonly hasRepeat: boolean;
  /**
   * lock, repne, xacquire and the like, and prefixes that mean nothing or whose meaning depends on
   * who made the processor: never ours.
   */
  readonly hasForbiddenPrefix: boolean;
  /** By how much it moves rsp by itself: push, pop, call, ret. */
  readonly stackIncrement: number;
}

const OPERAND_SIZE = 0x66;
const ADDRESS_SIZE = 0x67;
const REX_WIDE = 8;
const SEGMENTS: readonly number[] = [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65];
const PAUSE_BYTES = 2;
const REPEATS: readonly number[] = [0xf2, 0xf3];
const LEGACY_PREFIXES: ReadonlySet<number> = new Set([
  OPERAND_SIZE,
  ADDRESS_SIZE,
  0xf0,
  ...SEGMENTS,
  ...REPEATS,
]);

/**
 * Decodes code from start to end, without gaps. An undecodable byte is an instruction with mnemonic
 * INVALID, which no rule accepts. `offset` is where the code lies in the text.
 */
export function decodeInstructions(code: Uint8Array, offset: number): MachineInstruction[] {
  const decoder = new Decoder(64, code, DecoderOptions.None);
  decoder.ip = BigInt(offset);
  const instruction = new Instruction();
  const result: MachineInstruction[] = [];
  let at = offset;
  while (decoder.canDecode) {
    decoder.decodeOut(instruction);
    result.push(
      describe(instruction, at, code.subarray(at - offset, at - offset + instruction.length)),
    );
    at += instruction.length;
  }
  instruction.free();
  decoder.free();
  return result;
}

function describe(instruction: Instruction, offset: number, bytes: Uint8Array): MachineInstruction {
  const operands: Operand[] = [];
  let hasMemory = false;
  for (let index = 0; index < instruction.opCount; index++) {
    const kind = instruction.opKind(index);
    switch (kind) {
      case OpKind.Register:
        operands.push(registerOperand(instruction.opRegister(index)));
        break;
      case OpKind.Memory:
        hasMemory = true;
        operands.push({ kind: "memory" });
        break;
      case OpKind.NearBranch64:
        operands.push({
          kind: "branch",
          target: Number(BigInt.asIntN(64, instruction.nearBranchTarget)),
        });
        break;
      case OpKind.Immediate8:
      case OpKind.Immediate16:
      case OpKind.Immediate32:
      case OpKind.Immediate64:
      case OpKind.Immediate8to16:
      case OpKind.Immediate8to32:
      case OpKind.Immediate8to64:
      case OpKind.Immediate32to64:
        operands.push({ kind: "immediate", value: instruction.immediate(index) });
        break;
      default:
        operands.push({ kind: "other", name: OpKind[kind] ?? "unknown" });
    }
  }
  const memory = hasMemory ? describeMemory(instruction) : null;
  return {
    offset,
    length: instruction.length,
    mnemonic: instruction.code === Code.INVALID ? Mnemonic.INVALID : instruction.mnemonic,
    operands,
    needs: needsOf(instruction),
    memory,
    hasRepeat: instruction.hasRepPrefix,
    hasForbiddenPrefix:
      instruction.hasLockPrefix ||
      instruction.hasRepnePrefix ||
      instruction.hasXacquirePrefix ||
      instruction.hasXreleasePrefix ||
      (instruction.segmentPrefix !== Register.None && !hasMemory) ||
      !isPlainPause(instruction) ||
      !hasPlainPrefixes(bytes, operands, memory, instruction.flowControl !== FlowControl.Next),
    stackIncrement: instruction.stackPointerIncrement,
  };
}

/**
 * Prefixes that processors and emulators read alike: none twice, REX right before the opcode (where
 * it is not, some ignore it and some do not), no two of a kind, a size prefix only where it changes
 * a size, and none before a branch, which some processors would make shorter.
 */
function hasPlainPrefixes(
  bytes: Uint8Array,
  operands: readonly Operand[],
  memory: Memory | null,
  isBranch: boolean,
): boolean {
  let count = 0;
  while (LEGACY_PREFIXES.has(bytes[count]!)) count++;
  const hasRex = isRex(bytes[count]);
  const next = hasRex ? bytes[count + 1] : undefined;
  if (isRex(next) || LEGACY_PREFIXES.has(next!)) return false;
  if (count === 0) return true;

  const prefixes = [...bytes.subarray(0, count)];
  const isDouble = (kind: readonly number[]): boolean =>
    prefixes.filter((prefix) => kind.includes(prefix)).length > 1;
  if (new Set(prefixes).size < count || isDouble(SEGMENTS) || isDouble(REPEATS)) return false;
  const isWord =
    memory?.bytes === 2 ||
    operands.some((operand) => operand.kind === "register" && operand.bits === 16);
  const isWide = hasRex && (bytes[count]! & REX_WIDE) !== 0;
  if (prefixes.includes(OPERAND_SIZE) && (isBranch || isWide || !isWord)) return false;
  return !prefixes.includes(ADDRESS_SIZE) || (memory !== null && !isBranch);
}

function isRex(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xf0) === 0x40;
}

function describeMemory(instruction: Instruction): Memory {
  const { memoryBase, memoryIndex, segmentPrefix } = instruction;
  const isRelative = memoryBase === Register.RIP;
  // iced gives the target itself for an operand relative to rip, and an unsigned number in both
  // cases.
  const displacement = Number(BigInt.asIntN(64, instruction.memoryDisplacement));
  const is32 =
    isAddressRegister32(memoryBase) ||
    isAddressRegister32(memoryIndex) ||
    (memoryBase === Register.None &&
      memoryIndex === Register.None &&
      instruction.memoryDisplSize === 4);
  return {
    base: isRelative ? RIP : addressRegister(memoryBase),
    index: addressRegister(memoryIndex),
    scale: instruction.memoryIndexScale,
    displacement,
    is32,
    bytes: MemorySizeExt.size(instruction.memorySize),
    segment:
      segmentPrefix === Register.None ? "none" : segmentPrefix === Register.FS ? "fs" : "other",
  };
}

/**
 * `pause` in its own two bytes. The decoder reads one with REX.B as a pause too; processors
 * exchange rax and r8 there.
 */
function isPlainPause(instruction: Instruction): boolean {
  return instruction.mnemonic !== Mnemonic.Pause || instruction.length === PAUSE_BYTES;
}

/** EIP counts as 32 bits too, and as no register that any rule accepts. */
function isAddressRegister32(register: Register): boolean {
  return (register >= Register.EAX && register <= Register.R15D) || register === Register.EIP;
}

/** A base or index outside the general registers gets a number that no rule accepts. */
const STRANGE_REGISTER = 99;

function addressRegister(register: Register): number {
  if (register === Register.None) return NO_REGISTER;
  if (register >= Register.RAX && register <= Register.R15) return register - Register.RAX;
  if (register >= Register.EAX && register <= Register.R15D) return register - Register.EAX;
  return STRANGE_REGISTER;
}

function registerOperand(register: Register): Operand {
  if (register >= Register.RAX && register <= Register.R15)
    return { kind: "register", number: register - Register.RAX, bits: 64 };
  if (register >= Register.EAX && register <= Register.R15D)
    return { kind: "register", number: register - Register.EAX, bits: 32 };
  if (register >= Register.AX && register <= Register.R15W)
    return { kind: "register", number: register - Register.AX, bits: 16 };
  const byte = BYTE_REGISTERS.get(register);
  if (byte !== undefined) return { kind: "register", number: byte, bits: 8 };
  return { kind: "other", name: Register[register] ?? "unknown" };
}

/** al … r15b, and the second bytes of the first four. */
const BYTE_REGISTERS = new Map<Register, number>([
  ...[
    Register.AL,
    Register.CL,
    Register.DL,
    Register.BL,
    Register.SPL,
    Register.BPL,
    Register.SIL,
    Register.DIL,
    Register.R8L,
    Register.R9L,
    Register.R10L,
    Register.R11L,
    Register.R12L,
    Register.R13L,
    Register.R14L,
    Register.R15L,
  ].map((register, number) => [register, number] as const),
  ...[Register.AH, Register.CH, Register.DH, Register.BH].map(
    (register, number) => [register, number] as const,
  ),
]);
