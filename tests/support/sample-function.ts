import {
  type Block,
  type Instruction,
  IrFunction,
  type Value,
} from "../../toolchain/ir/function.ts";
import {
  type FunctionEntry,
  type IrModule,
  LEVEL_LEAST,
  type Signature,
  type Target,
} from "../../toolchain/ir/module.ts";
import { isComparison, Opcode, Type } from "../../toolchain/ir/opcode.ts";

/**
 * Builds a scheduled function by hand, for tests: each instruction is appended to the current
 * block.
 */
export class SampleFunction {
  readonly fn: IrFunction;
  block: Block;

  constructor(
    parameterTypes: readonly Type[],
    resultTypes: readonly Type[],
    name = "sample",
    functionIndex = 0,
  ) {
    this.fn = new IrFunction(name, functionIndex, parameterTypes, resultTypes);
    this.block = this.fn.newBlock();
    for (const type of parameterTypes) this.fn.newParameter(this.block, type);
  }

  parameter(index: number): Value {
    return this.fn.blockParameters[0]![index]!;
  }
  newBlock(loopDepth = 0, ...types: readonly Type[]): Block {
    const block = this.fn.newBlock();
    this.fn.loopDepths[block] = loopDepth;
    for (const type of types) this.fn.newParameter(block, type);
    return block;
  }
  parametersOf(block: Block): readonly Value[] {
    return this.fn.blockParameters[block]!;
  }

  instruction(
    op: Opcode,
    type: Type,
    operands: readonly Value[],
    results: readonly Type[],
    immediate = 0,
    auxiliary = 0,
  ): Instruction {
    const instruction = this.fn.newInstruction(
      op,
      type,
      operands,
      results,
      immediate,
      this.fn.opcodes.length,
      auxiliary,
    );
    this.fn.blockInstructions[this.block]!.push(instruction);
    return instruction;
  }
  constant(type: Type, bits: bigint): Value {
    const { fn } = this;
    fn.constantLow.push(Number(BigInt.asIntN(32, bits)));
    const index = fn.constantHigh.push(Number(BigInt.asIntN(32, bits >> 32n)));
    return fn.result(this.instruction(Opcode.Const, type, [], [type], index));
  }
  i32(value: number): Value {
    return this.constant(Type.I32, BigInt(value));
  }
  i64(value: bigint): Value {
    return this.constant(Type.I64, value);
  }
  /** A pure operation or a division; `type` is that of its type column. */
  op(op: Opcode, type: Type, ...operands: readonly Value[]): Value {
    const result = isComparison(op) || op === Opcode.Eqz || op === Opcode.Wrap ? Type.I32 : type;
    return this.fn.result(this.instruction(op, type, operands, [result]));
  }
  load(op: Opcode, type: Type, address: Value, offset = 0): Value {
    return this.fn.result(this.instruction(op, type, [address], [type], offset));
  }
  store(op: Opcode, type: Type, address: Value, value: Value, offset = 0): void {
    this.instruction(op, type, [address, value], [], offset);
  }
  jump(target: Block, ...args: readonly Value[]): void {
    this.instruction(Opcode.Jump, Type.None, [], []);
    this.fn.blockEdges[this.block]!.push({ target, args: [...args] });
  }
  branch(condition: Value, taken: Block, otherwise: Block): void {
    this.instruction(Opcode.Branch, Type.None, [condition], []);
    this.fn.blockEdges[this.block]!.push(
      { target: taken, args: [] },
      { target: otherwise, args: [] },
    );
  }
  switch(index: Value, ...targets: readonly Block[]): void {
    this.instruction(Opcode.Switch, Type.None, [index], []);
    for (const target of targets) this.fn.blockEdges[this.block]!.push({ target, args: [] });
  }
  return(...values: readonly Value[]): IrFunction {
    this.instruction(Opcode.Return, Type.None, values, []);
    this.fn.blockOrder = Array.from({ length: this.fn.blockCount }, (_, block) => block as Block);
    return this.fn;
  }
}

/**
 * A module around functions by hand; each is exported by its name. Signature n + 1 is that of
 * function n.
 */
export function moduleOf(
  target: Target,
  functions: readonly IrFunction[],
  more: Partial<IrModule> = {},
): IrModule {
  const signatures: Signature[] = [
    { parameters: [], results: [] },
    ...functions.map((fn) => ({ parameters: fn.parameterTypes, results: fn.resultTypes })),
  ];
  const entries: FunctionEntry[] = functions.map((fn, index) => ({
    kind: "defined",
    name: fn.name,
    signature: index + 1,
    body: fn,
  }));
  return {
    name: "sample",
    target,
    level: LEVEL_LEAST,
    signatures,
    functions: entries,
    globals: [],
    tables: [],
    dataSegments: [],
    elementSegments: [],
    memory: { initialPages: 4, maximumPages: 16, lowPagesUsed: false },
    exports: new Map(functions.map((fn, index) => [fn.name, index])),
    start: -1,
    sourceOf: () => null,
    ...more,
  };
}
