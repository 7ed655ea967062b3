import type { Block, Instruction, IrFunction, Value } from "../../ir/function.ts";
import type { TrapKind } from "../../ir/machine-code.ts";
import type { IrModule } from "../../ir/module.ts";
import { Opcode, Type } from "../../ir/opcode.ts";
import { DiagnosticError } from "../../report/diagnostic.ts";
import { declareCoverage, hit } from "../machine/coverage.ts";
import { InstructionBuilder } from "../machine/instruction-builder.ts";
import {
  type MachineFunction,
  MachineInstruction,
  NO_REGISTER,
  type VirtualRegister,
} from "../machine/machine-function.ts";
import type { MachineOp } from "../machine/machine-op.ts";
import { MESSAGE_WORD_REGISTERS } from "../machine/register.ts";
import { SharedConstants } from "./shared-constants.ts";
import { ValueUses } from "./value-uses.ts";

declareCoverage("wrap left to the user");

const fitsUnsigned32 = (bits: bigint): boolean => bits < 1n << 32n;

/**
 * Machine code for one IR instruction at a time, the root: questions about the values that it
 * reads, and the instructions made for it. `FunctionSelector` chooses the roots, from the last
 * instruction of the last block to the first.
 */
export class RootSelection {
  protected root = -1 as Instruction;
  protected rootRule = "";
  protected code: MachineInstruction[] = [];
  /** The block being selected, and where in it the code of the root goes. */
  protected block = 0 as Block;
  protected position = 0;
  protected readonly uses: ValueUses;
  protected readonly constants: SharedConstants;
  /** Values that some instruction reads from a register. */
  private readonly demanded: Uint8Array;
  /** The last block that read a register, and the first place there that does. */
  private readonly userBlock: number[] = [];
  private readonly firstUser: number[] = [];

  /** `blocks` are those that control can reach. */
  constructor(
    readonly fn: IrFunction,
    readonly module: IrModule,
    readonly machine: MachineFunction,
    blocks: readonly Block[],
  ) {
    const valueCount = fn.valueTypes.length;
    this.demanded = new Uint8Array(valueCount);
    this.uses = new ValueUses(fn, blocks);
    this.constants = new SharedConstants(fn, machine);
    for (let value = 0; value < valueCount; value++)
      machine.newRegister(fn.valueType(value as Value));
  }

  /** Stops the compilation at `instruction`, for a reason that the programmer can act on. */
  refuse(instruction: Instruction, reason: string): never {
    const origin = instruction >= 0 ? this.fn.origin(instruction) : -1;
    const position = origin >= 0 ? this.module.sourceOf(origin) : null;
    throw new DiagnosticError([
      {
        severity: "error",
        ...(position === null
          ? {}
          : { file: position.file, line: position.line, column: position.column }),
        message: `function ${this.fn.name}: ${reason}`,
      },
    ]);
  }

  // Looking at values. None of these changes anything.

  opcodeOf(value: Value): Opcode | -1 {
    const definition = this.fn.definition(value);
    return definition === -1 ? -1 : this.fn.opcode(definition);
  }
  operandOf(value: Value, index: number): Value {
    return this.fn.operand(this.fn.definition(value) as Instruction, index);
  }
  typeOf(value: Value): Type {
    return this.fn.valueType(value);
  }
  /** Bits of a constant; null if `value` is not a constant. */
  constant(value: Value): bigint | null {
    const definition = this.fn.definition(value);
    if (definition === -1) return null;
    const op = this.fn.opcode(definition);
    if (op === Opcode.Const) return this.fn.constantBits(definition);
    if (op !== Opcode.GlobalConst) return null;
    const global = this.module.globals[this.fn.immediate(definition)]!;
    return BigInt.asUintN(global.type === Type.I64 ? 64 : 32, global.initial);
  }
  /**
   * The constant as an immediate of 32 bits: any i32; an i64 if sign extension restores it. Null:
   * `value` is not such a constant.
   */
  immediate(value: Value): number | null {
    const bits = this.constant(value);
    if (bits === null) return null;
    const low = BigInt.asIntN(32, bits);
    if (this.fn.valueType(value) === Type.I64 && low !== BigInt.asIntN(64, bits)) return null;
    return Number(low);
  }
  hasSingleUse(value: Value): boolean {
    return this.uses.isSingle(value);
  }
  isDemanded(value: Value): boolean {
    return this.demanded[value] === 1;
  }
  /** Every use of `value` is the address of a load or store. */
  isOnlyAddress(value: Value): boolean {
    return this.uses.isOnlyAddress(value);
  }
  /**
   * `value` is defined by a pure operation `op` in the block being selected and has no other use:
   * it may be computed at the root instead.
   */
  isFoldable(value: Value, op: Opcode): boolean {
    return this.opcodeOf(value) === op && this.hasSingleUse(value) && this.isInThisBlock(value);
  }
  isInThisBlock(value: Value): boolean {
    const definition = this.fn.definition(value);
    return definition !== -1 && this.uses.blockOf(definition) === this.uses.blockOf(this.root);
  }
  /** Number of successors of the block that ends with `terminator`. */
  edgeCount(terminator: Instruction): number {
    return this.fn.blockEdges[this.uses.blockOf(terminator) as Block]!.length;
  }
  /** Where `register` is first read in the block being selected, or the block's end. */
  protected firstUse(register: number): number {
    return this.userBlock[register] === this.block
      ? this.firstUser[register]!
      : this.fn.blockInstructions[this.block]!.length - 1;
  }

  // Committing: from the first of these calls on, a rule must succeed.

  /**
   * The register of `value`, which the value must then have. `i64.extend_i32_u` takes no code: its
   * operand's register is extended already.
   */
  register(value: Value): VirtualRegister {
    let current = value;
    while (this.opcodeOf(current) === Opcode.ExtendU) current = this.operandOf(current, 0);
    if (this.opcodeOf(current) === Opcode.MessageWord)
      return this.usedHere(this.messageWord(this.fn.definition(current) as Instruction));
    this.demanded[current] = 1;
    const bits = this.constant(current);
    if (bits !== null && !fitsUnsigned32(bits) && this.immediate(current) === null)
      return this.constantRegister(bits);
    return this.usedHere(current as number as VirtualRegister);
  }
  /** The one register of the word that `instruction` reads, which it has from the entry on. */
  private messageWord(instruction: Instruction): VirtualRegister {
    const words = this.machine.messageWords!;
    const number = this.messageWordNumber(instruction);
    if (words[number] === NO_REGISTER) words[number] = this.temporary(Type.I64);
    return words[number]!;
  }
  /** Operand 0 of an instruction that reads or sets a word of a message. */
  messageWordNumber(instruction: Instruction): number {
    const number = this.constant(this.fn.operand(instruction, 0));
    if (number === null || number >= MESSAGE_WORD_REGISTERS.length)
      this.refuse(instruction, "the number of a message's word must be a constant from 0 to 3");
    return Number(number);
  }
  /** A register with an i64 constant that several instructions share: made outside of loops. */
  constantRegister(bits: bigint): VirtualRegister {
    return this.usedHere(this.constants.register(bits, this.block));
  }
  /** A register whose low half is the i32 `value`; its upper half may be anything. */
  lowHalf(value: Value): VirtualRegister {
    if (this.opcodeOf(value) === Opcode.Wrap && this.demanded[value] === 0) {
      hit("wrap left to the user");
      return this.register(this.operandOf(value, 0));
    }
    return this.register(value);
  }
  /** As `lowHalf` for an i32, `register` for an i64. */
  input(value: Value): VirtualRegister {
    return this.fn.valueType(value) === Type.I64 ? this.register(value) : this.lowHalf(value);
  }
  /** The virtual register that `instruction` defines. */
  result(instruction: Instruction, index = 0): VirtualRegister {
    return this.fn.result(instruction, index) as number as VirtualRegister;
  }
  temporary(type: Type): VirtualRegister {
    return this.machine.newRegister(type);
  }
  /** Appends a machine instruction to the code of the root. */
  emit(op: MachineOp, width: number): InstructionBuilder {
    const instruction = new MachineInstruction(op, width, this.root, this.rootRule);
    this.code.push(instruction);
    return new InstructionBuilder(this.machine, instruction);
  }
  emitMemoryAccess(op: MachineOp, width: number, trap: TrapKind): InstructionBuilder {
    return this.emit(op, width).traps(trap);
  }

  private usedHere(register: VirtualRegister): VirtualRegister {
    if (this.userBlock[register] !== this.block || this.position < this.firstUser[register]!)
      this.firstUser[register] = this.position;
    this.userBlock[register] = this.block;
    return register;
  }

  /** The code of the root moves to `position`, and with it the first uses of what it reads. */
  protected moveRootTo(position: number): void {
    this.position = position;
    for (const instruction of this.code) {
      for (let k = 0; k < instruction.operandCount; k++) {
        const register = this.machine.operandRegister(instruction, k);
        if (this.userBlock[register] === this.block) this.usedHere(register);
      }
    }
  }
}
