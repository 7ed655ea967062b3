import { type InsertedMove, isSlot } from "../allocate/allocation.ts";
import { type MachineInstruction, Source } from "../machine/machine-function.ts";
import { MachineOp } from "../machine/machine-op.ts";
import type { Encode, FunctionCode } from "./function-code.ts";

/** movzx, movsx and movsxd; `isByte`: the source is a byte. */
const extension =
  (opcode: number, isByte: boolean, isSigned: boolean): Encode =>
  (code, instruction) => {
    code.trapHere(instruction);
    code.assembler.modrm(
      isSigned ? instruction.width : 4,
      opcode,
      code.location(instruction, 0),
      code.source(instruction, 1),
      { byteOperand: isByte },
    );
  };

export const MOVES = {
  [MachineOp.Move](code, instruction) {
    code.trapHere(instruction);
    code.assembler.modrm(
      instruction.width,
      0x8b,
      code.location(instruction, 0),
      code.source(instruction, 1),
    );
  },
  [MachineOp.MoveZero8]: extension(0x0fb6, true, false),
  [MachineOp.MoveZero16]: extension(0x0fb7, false, false),
  [MachineOp.MoveSign8]: extension(0x0fbe, true, true),
  [MachineOp.MoveSign16]: extension(0x0fbf, false, true),
  [MachineOp.MoveSign32]: extension(0x63, false, true),
  [MachineOp.MoveImmediate](code, instruction) {
    moveImmediate(code, instruction, code.location(instruction, 0), code.areFlagsLive);
  },
  [MachineOp.SetMessageWord](code, instruction) {
    const register = code.location(instruction, 0);
    if (instruction.source === Source.Immediate)
      moveImmediate(code, instruction, register, code.areFlagsLive);
    else code.assembler.modrm(8, 0x8b, register, code.source(instruction, 1));
  },
  [MachineOp.Lea](code, instruction) {
    lea(code, instruction, code.location(instruction, 0));
  },
  [MachineOp.Store]: store,
} satisfies Partial<Record<MachineOp, Encode>>;

function store(code: FunctionCode, instruction: MachineInstruction): void {
  const { width, immediate } = instruction;
  const isByte = width === 1;
  const address = code.physicalAddress(instruction);
  code.trapHere(instruction);
  if (instruction.source === Source.Immediate) {
    const immediateBytes = Math.min(width, 4);
    code.assembler.modrm(width, isByte ? 0xc6 : 0xc7, 0, address, { immediateBytes });
    code.assembler.immediate(immediate, immediateBytes);
    return;
  }
  const value = code.location(instruction, 0);
  code.assembler.modrm(width, isByte ? 0x88 : 0x89, value, address, { byteReg: isByte });
}

/** Moves that the allocator inserted at one place, in order. */
export function encodeInsertedMoves(
  code: FunctionCode,
  moves: readonly InsertedMove[] | undefined,
  areFlagsLive: boolean,
): void {
  for (const move of moves ?? []) {
    code.records.note(-1, move.kind);
    if (move.kind === "exchange") code.assembler.modrm(8, 0x87, move.from, move.to);
    else if (move.kind === "make") rematerialize(code, move.definition, move.to, areFlagsLive);
    else if (isSlot(move.to))
      code.assembler.modrm(move.width, 0x89, move.from, code.place(move.to));
    else code.assembler.modrm(move.width, 0x8b, move.to, code.place(move.from));
  }
}

function rematerialize(
  code: FunctionCode,
  definition: MachineInstruction,
  to: number,
  areFlagsLive: boolean,
): void {
  if (definition.op === MachineOp.MoveImmediate) moveImmediate(code, definition, to, areFlagsLive);
  else lea(code, definition, to);
}

function lea(code: FunctionCode, instruction: MachineInstruction, to: number): void {
  code.assembler.modrm(instruction.width, 0x8d, to, code.physicalAddress(instruction));
}

/** The shortest form; xor, which changes the flags, only if nothing reads them. */
function moveImmediate(
  code: FunctionCode,
  { immediate: low, immediateHigh: high, width }: MachineInstruction,
  to: number,
  areFlagsLive: boolean,
): void {
  const { assembler } = code;
  if (low === 0 && (width === 4 || high === 0) && !areFlagsLive) assembler.modrm(4, 0x31, to, to);
  else if (width === 4 || high === 0) {
    if (to >= 8) assembler.byte(0x41);
    assembler.byte(0xb8 | (to & 7));
    assembler.immediate(low, 4);
  } else if (high === -1 && low < 0) {
    assembler.modrm(8, 0xc7, 0, to);
    assembler.immediate(low, 4);
  } else loadConstant(code, to, low, high);
}

/** mov r64, imm64. */
export function loadConstant(
  code: FunctionCode,
  register: number,
  low: number,
  high: number,
): void {
  const { assembler } = code;
  assembler.byte(0x48 | (register >> 3));
  assembler.byte(0xb8 | (register & 7));
  assembler.immediate(low, 4);
  assembler.immediate(high, 4);
}
