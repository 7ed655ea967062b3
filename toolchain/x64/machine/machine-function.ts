import { Column } from "../../ir/function.ts";
import type { TrapKind } from "../../ir/machine-code.ts";
import { Type } from "../../ir/opcode.ts";
import { Condition } from "./condition.ts";
import { MachineOp } from "./machine-op.ts";
import type { WindowedOperand } from "./memory-operand.ts";
import type { Register, RegisterSet } from "./register.ts";

declare const brand: unique symbol;
/**
 * A virtual register: one value, defined once. Numbers below the IR function's number of values are
 * those values.
 */
export type VirtualRegister = number & { readonly [brand]: "VirtualRegister" };

export const NO_REGISTER = -1 as VirtualRegister;

/**
 * How an operand meets the allocator. An instruction reads its uses first ("early") and writes its
 * definitions last ("late"), so a definition may take the register of a use that ends there, unless
 * the kind says otherwise.
 */
export enum OperandKind {
  /** Read from a register. */
  UseRegister,
  /** Read from a register or a stack slot. */
  UseAny,
  /** Read from the register named; the value may live anywhere else, a move brings it there. */
  UseFixed,
  /**
   * The value that the definition before it overwrites. A move copies the value into the
   * definition's register; the value's own register keeps it.
   */
  UseTied,
  Definition,
  /**
   * Takes the register into which the next operand, a UseTied, was moved; distinct from all other
   * uses.
   */
  DefinitionTied,
  /** Written to the register named; a move takes it away. */
  DefinitionFixed,
  /** As DefinitionFixed, but written before the uses are read: no use may be there. */
  DefinitionFixedEarly,
  /** A register of its own for the whole instruction. */
  DefinitionEarly,
}

const KIND_BITS = 4;
const FIXED_SHIFT = KIND_BITS;
const EXTENDED = 1 << 8;

/** Packed: kind, fixed register, whether the instruction reads the upper half. */
export type Constraint = number;
export const constraint = (
  kind: OperandKind,
  register: Register | 0 = 0,
  extended = false,
): Constraint => kind | (register << FIXED_SHIFT) | (extended ? EXTENDED : 0);
export const constraintKind = (bits: Constraint): OperandKind => bits & ((1 << KIND_BITS) - 1);
export const constraintRegister = (bits: Constraint): Register => (bits >> FIXED_SHIFT) & 15;
/** The use reads all 64 bits: if the value is an i32, its upper half must be clear. */
export const readsExtended = (bits: Constraint): boolean => (bits & EXTENDED) !== 0;
export const isDefinition = (kind: OperandKind): boolean => kind >= OperandKind.Definition;

/** What the last source operand of an instruction is. */
export enum Source {
  None,
  /** A virtual register: the last use before those of the memory operand. */
  Register,
  Immediate,
  Memory,
}

export class MachineInstruction {
  operandStart = 0;
  operandCount = 0;
  source = Source.None;
  condition: Condition = Condition.Equal;
  immediate = 0;
  immediateHigh = 0;
  /** Base and index are operand numbers. */
  memory: WindowedOperand<number> | null = null;
  /** The memory operand is the destination (Add … Xor) or the first operand (Cmp, Test). */
  toMemory = false;
  /** Callee or table. */
  symbol: string | null = null;
  /** Registers that hold nothing afterwards, besides those of fixed operands. */
  clobbers: RegisterSet = 0;
  trap: TrapKind | 0 = 0;
  /** IR instruction that the trap belongs to, where it is not `origin`: a folded load. */
  trapOrigin = -1;
  /** Signature number of a call, and whether call_indirect must compare it. */
  signature = 0;
  checksSignature = false;
  /** Length of the table of an indirect call, -1 if it is read from the table. */
  tableLength = 0;
  /** Operand number of the temporary of an indirect call. */
  temporaryOperand = -1;
  /** Bytes of stack arguments that a call pops. */
  stackArgumentBytes = 0;
  /** The first two operands may change places. */
  commutative = false;

  constructor(
    readonly op: MachineOp,
    /** Bytes: 1, 2, 4, 8. */
    readonly width: number,
    /** IR instruction, -1: none. */
    public origin: number,
    public rule: string,
  ) {}
}

export interface MachineEdge {
  target: number;
  /** Values for the target's parameters. */
  readonly arguments: VirtualRegister[];
}

export interface MachineBlock {
  readonly parameters: readonly VirtualRegister[];
  /** Index of its Label, and one past its last instruction. */
  start: number;
  end: number;
  edges: MachineEdge[];
  predecessors: number[];
  frequency: number;
}

/**
 * A function in machine instructions over virtual registers: blocks in the order of the code,
 * instructions in one array. Each block starts with a Label and ends with a terminator; no edge is
 * critical. Block 0 is the entry.
 */
export class MachineFunction {
  readonly instructions: MachineInstruction[] = [];
  readonly blocks: MachineBlock[] = [];
  /** Types of the virtual registers: I32 or I64. */
  readonly types = new Column();
  /** Defining MoveImmediate or Lea if the value can be made again anywhere. */
  readonly rematerializable: (MachineInstruction | null)[] = [];
  readonly operandRegisters = new Column();
  readonly operandConstraints = new Column();
  /** The function's parameters, including those that nothing reads. */
  parameters: readonly VirtualRegister[] = [];
  /**
   * Of an entry point that reads or sets words of a message: the value of each word at the entry,
   * or NO_REGISTER if nothing reads it. The words stay in their registers
   * (`MESSAGE_WORD_REGISTERS`), which hold nothing else. Null in all other functions.
   */
  messageWords: VirtualRegister[] | null = null;

  constructor(readonly name: string) {}

  newRegister(type: Type): VirtualRegister {
    this.rematerializable.push(null);
    return this.types.push(type) as VirtualRegister;
  }
  type(register: VirtualRegister): Type {
    return this.types.data[register] as Type;
  }
  operandRegister(instruction: MachineInstruction, index: number): VirtualRegister {
    return this.operandRegisters.data[instruction.operandStart + index]! as VirtualRegister;
  }
  operandConstraint(instruction: MachineInstruction, index: number): Constraint {
    return this.operandConstraints.data[instruction.operandStart + index]!;
  }
  get registerCount(): number {
    return this.types.length;
  }
}
