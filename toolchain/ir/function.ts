import { Opcode, Type } from "./opcode.ts";

declare const brand: unique symbol;
export type Instruction = number & { readonly [brand]: "Instruction" };
export type Value = number & { readonly [brand]: "Value" };
export type Block = number & { readonly [brand]: "Block" };

export const NO_VALUE = -1 as Value;

/** A column of 32-bit numbers that grows. */
export class Column {
  data: Int32Array;
  length = 0;

  constructor(capacity = 64) {
    this.data = new Int32Array(capacity);
  }

  push(value: number): number {
    if (this.length === this.data.length) {
      const grown = new Int32Array(this.data.length * 2);
      grown.set(this.data);
      this.data = grown;
    }
    this.data[this.length] = value;
    return this.length++;
  }
}

/** A control-flow edge: the target and the values for its parameters. */
export interface Edge {
  target: Block;
  args: Value[];
}

/**
 * One function in SSA form: a control-flow graph of blocks with parameters.
 *
 * Instructions, operands and values are columns of typed arrays; an index is a branded number.
 * Block 0 is the entry; its parameters are the function's. After `schedule`, every instruction that
 * is used stands in exactly one block's list, each after the definitions of its operands, and the
 * last one of a list is its only terminator. A value of type i32 is understood as zero-extended
 * wherever a 64-bit register holds it (the zero-extension contract, verified by the allocation
 * checker).
 */
export class IrFunction {
  // Instructions.
  readonly opcodes = new Column();
  readonly types = new Column();
  readonly immediates = new Column();
  /** Second immediate: the table of CallIndirect. */
  readonly auxiliaries = new Column();
  readonly operandStarts = new Column();
  readonly operandCounts = new Column();
  /** First result value, or -1; further results follow it. */
  readonly resultStarts = new Column();
  readonly resultCounts = new Column();
  /**
   * Byte offset of the wasm instruction in the module: index into source maps and line tables. -1:
   * none.
   */
  readonly origins = new Column();
  /** Index into `inlinedCalls`, -1 if the instruction was not inlined. */
  readonly inlinedAt = new Column();

  readonly operands = new Column();

  // Values.
  readonly valueTypes = new Column();
  /** The defining instruction, or ~block for a block parameter. */
  readonly valueDefinitions = new Column();

  // Constants: low and high halves.
  readonly constantLow = new Column();
  readonly constantHigh = new Column();

  /**
   * Instruction lists by block, terminator last. Pure instructions appear here only after
   * `schedule`.
   */
  readonly blockInstructions: Instruction[][] = [];
  readonly blockParameters: Value[][] = [];
  /** Out-edges of each block's terminator. */
  readonly blockEdges: Edge[][] = [];
  /** Loop depth of each block, filled by loop analysis. */
  readonly loopDepths: number[] = [];
  /** Order in which code is laid out, filled by `layout`; unreachable blocks are absent. */
  blockOrder: Block[] = [];

  /**
   * Of each parameter of the source: its name, if it has one, and whether the function gives it
   * another value later. For debuggers.
   */
  readonly namedParameters: { readonly name: string | undefined; isAssigned: boolean }[] = [];

  /** Call sites that were inlined: the function inlined and where. */
  readonly inlinedCalls: {
    readonly functionIndex: number;
    readonly origin: number;
    readonly inlinedAt: number;
  }[] = [];

  constructor(
    readonly name: string,
    readonly functionIndex: number,
    readonly parameterTypes: readonly Type[],
    readonly resultTypes: readonly Type[],
  ) {}

  newBlock(): Block {
    this.blockInstructions.push([]);
    this.blockParameters.push([]);
    this.blockEdges.push([]);
    this.loopDepths.push(0);
    return (this.blockInstructions.length - 1) as Block;
  }

  get blockCount(): number {
    return this.blockInstructions.length;
  }

  newValue(type: Type, definition: number): Value {
    this.valueDefinitions.push(definition);
    return this.valueTypes.push(type) as Value;
  }

  newParameter(block: Block, type: Type): Value {
    const value = this.newValue(type, ~block);
    this.blockParameters[block]!.push(value);
    return value;
  }

  /** Makes an instruction that stands in no block yet. */
  newInstruction(
    op: Opcode,
    type: Type,
    operands: readonly Value[],
    resultTypes: readonly Type[],
    immediate = 0,
    origin = -1,
    auxiliary = 0,
    inlinedAt = -1,
  ): Instruction {
    const instruction = this.opcodes.push(op) as Instruction;
    this.types.push(type);
    this.immediates.push(immediate | 0);
    this.auxiliaries.push(auxiliary | 0);
    this.operandStarts.push(this.operands.length);
    this.operandCounts.push(operands.length);
    for (const operand of operands) this.operands.push(operand);
    this.origins.push(origin);
    this.inlinedAt.push(inlinedAt);
    this.resultStarts.push(resultTypes.length === 0 ? NO_VALUE : this.valueTypes.length);
    this.resultCounts.push(resultTypes.length);
    for (const resultType of resultTypes) this.newValue(resultType, instruction);
    return instruction;
  }

  opcode(instruction: Instruction): Opcode {
    return this.opcodes.data[instruction] as Opcode;
  }
  type(instruction: Instruction): Type {
    return this.types.data[instruction] as Type;
  }
  immediate(instruction: Instruction): number {
    return this.immediates.data[instruction]!;
  }
  origin(instruction: Instruction): number {
    return this.origins.data[instruction]!;
  }
  operandCount(instruction: Instruction): number {
    return this.operandCounts.data[instruction]!;
  }
  operand(instruction: Instruction, index: number): Value {
    return this.operands.data[this.operandStarts.data[instruction]! + index]! as Value;
  }
  setOperand(instruction: Instruction, index: number, value: Value): void {
    this.operands.data[this.operandStarts.data[instruction]! + index] = value;
  }
  resultCount(instruction: Instruction): number {
    return this.resultCounts.data[instruction]!;
  }
  result(instruction: Instruction, index = 0): Value {
    return (this.resultStarts.data[instruction]! + index) as Value;
  }
  valueType(value: Value): Type {
    return this.valueTypes.data[value] as Type;
  }
  /** The instruction that defines `value`, or -1 if it is a block parameter. */
  definition(value: Value): Instruction | -1 {
    const definition = this.valueDefinitions.data[value]!;
    return definition >= 0 ? (definition as Instruction) : -1;
  }
  /** The bits of a constant, 0 … 2^64-1 (i32: 0 … 2^32-1). */
  constantBits(instruction: Instruction): bigint {
    const index = this.immediate(instruction);
    const low = BigInt(this.constantLow.data[index]! >>> 0);
    return this.type(instruction) === Type.I32
      ? low
      : low | (BigInt(this.constantHigh.data[index]! >>> 0) << 32n);
  }
}
