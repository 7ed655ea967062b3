/**
 * Puts small callees in the place of their calls. Which ones is decided by `inline-plan.ts`; here a
 * body is copied, and every copied instruction remembers the call that it came in by, so that
 * backtraces and debug information keep their frames.
 */
import { coldBlocks } from "../cold-blocks.ts";
import { reversePostorder } from "../control-flow.ts";
import type { Block, Instruction, IrFunction, Value } from "../function.ts";
import type { IrModule } from "../module.ts";
import { isPure, Opcode, Type } from "../opcode.ts";
import { Replacement } from "../replacement.ts";

/** Whether to inline this call of `callee`. `isCold`: every path from the call traps. */
export type InlineDecision = (caller: IrFunction, callee: IrFunction, isCold: boolean) => boolean;

/**
 * Calls of bodies that are copied are not looked at again: callees come here with their own calls
 * decided.
 */
export function inlineCalls(fn: IrFunction, module: IrModule, decide: InlineDecision): boolean {
  const order = reversePostorder(fn);
  const isCold = coldBlocks(fn, order);
  const replacement = new Replacement();
  for (const start of order) {
    let block = start;
    for (let position = 0; position < fn.blockInstructions[block]!.length; position++) {
      const call = fn.blockInstructions[block]![position]!;
      if (fn.opcode(call) !== Opcode.Call) continue;
      const entry = module.functions[fn.immediate(call)]!;
      if (
        entry.kind !== "defined" ||
        entry.body === fn ||
        !decide(fn, entry.body, isCold[start] === 1)
      )
        continue;
      block = inlineCall(fn, module, block, position, entry.body, replacement);
      position = -1;
    }
  }
  if (fn.blockCount === order.length && replacement.isEmpty) return false;
  replacement.apply(fn);
  return true;
}

/**
 * Splits the block at the call and copies the callee in between. Returns the block that goes on
 * behind the call.
 */
function inlineCall(
  fn: IrFunction,
  module: IrModule,
  block: Block,
  position: number,
  callee: IrFunction,
  replacement: Replacement,
): Block {
  const list = fn.blockInstructions[block]!;
  const call = list[position]!;
  const after = fn.newBlock();
  fn.blockInstructions[after] = list.slice(position + 1);
  fn.blockEdges[after] = fn.blockEdges[block]!;
  fn.blockInstructions[block] = list.slice(0, position);
  fn.blockEdges[block] = [];
  for (const [index, type] of callee.resultTypes.entries())
    replacement.replace(fn.result(call, index), fn.newParameter(after, type));

  const operands = Array.from({ length: fn.operandCount(call) }, (_, i) => fn.operand(call, i));
  const entry = new BodyCopy(fn, module, callee, call, after).copy(operands);
  const jump = fn.newInstruction(
    Opcode.Jump,
    Type.None,
    [],
    [],
    0,
    fn.origin(call),
    0,
    fn.inlinedAt.data[call]!,
  );
  fn.blockInstructions[block]!.push(jump);
  fn.blockEdges[block]!.push({ target: entry, args: [] });
  return after;
}

class BodyCopy {
  private readonly values: Int32Array;
  private readonly blocks: Int32Array;
  private readonly inlinedIndices = new Map<number, number>();

  constructor(
    private readonly fn: IrFunction,
    private readonly module: IrModule,
    private readonly callee: IrFunction,
    private readonly call: Instruction,
    private readonly after: Block,
  ) {
    this.values = new Int32Array(callee.valueTypes.length).fill(-1);
    this.blocks = new Int32Array(callee.blockCount).fill(-1);
  }

  /** Returns the copy of the entry, which has no parameters. */
  copy(operands: readonly Value[]): Block {
    const { fn, callee } = this;
    const order = reversePostorder(callee);
    for (const block of order) {
      const copy = fn.newBlock();
      this.blocks[block] = copy;
      for (const [slot, parameter] of callee.blockParameters[block]!.entries()) {
        this.values[parameter] =
          block === 0 ? operands[slot]! : fn.newParameter(copy, callee.valueType(parameter));
      }
    }
    for (const block of order) this.block(block);
    return this.blocks[0]! as Block;
  }

  private block(block: Block): void {
    const { fn, callee } = this;
    const copy = this.blocks[block]! as Block;
    const list = fn.blockInstructions[copy]!;
    for (const instruction of callee.blockInstructions[block]!) {
      const op = callee.opcode(instruction);
      if (isPure(op)) continue;
      const operands = this.operandsOf(instruction);
      if (op !== Opcode.Return) {
        list.push(this.instruction(instruction, operands));
        continue;
      }
      const [origin, inlinedAt] = this.placeOf(instruction);
      list.push(fn.newInstruction(Opcode.Jump, Type.None, [], [], 0, origin, 0, inlinedAt));
      fn.blockEdges[copy]!.push({ target: this.after, args: operands });
    }
    for (const { target, args } of callee.blockEdges[block]!) {
      fn.blockEdges[copy]!.push({
        target: this.blocks[target]! as Block,
        args: args.map((value) => this.value(value)),
      });
    }
  }

  private instruction(instruction: Instruction, operands: readonly Value[]): Instruction {
    const { fn, callee } = this;
    const types = Array.from({ length: callee.resultCount(instruction) }, (_, i) =>
      callee.valueType(callee.result(instruction, i)),
    );
    const [origin, inlinedAt] = this.placeOf(instruction);
    const copy = fn.newInstruction(
      callee.opcode(instruction),
      callee.type(instruction),
      operands,
      types,
      callee.immediate(instruction),
      origin,
      callee.auxiliaries.data[instruction],
      inlinedAt,
    );
    if (callee.opcode(instruction) === Opcode.Const) {
      const index = callee.immediate(instruction);
      fn.immediates.data[copy] = fn.constantLow.push(callee.constantLow.data[index]!);
      fn.constantHigh.push(callee.constantHigh.data[index]!);
    }
    for (let i = 0; i < types.length; i++)
      this.values[callee.result(instruction, i)] = fn.result(copy, i);
    return copy;
  }

  private operandsOf(instruction: Instruction): Value[] {
    return Array.from({ length: this.callee.operandCount(instruction) }, (_, i) =>
      this.value(this.callee.operand(instruction, i)),
    );
  }

  /** Pure values are copied when they are first needed, operands first. */
  private value(root: Value): Value {
    const { callee } = this;
    const stack = [root];
    while (stack.length > 0) {
      const value = stack[stack.length - 1]!;
      if (this.values[value] !== -1) {
        stack.pop();
        continue;
      }
      const definition = callee.definition(value) as Instruction;
      let isReady = true;
      for (let i = 0; i < callee.operandCount(definition); i++) {
        const operand = callee.operand(definition, i);
        if (this.values[operand] !== -1) continue;
        stack.push(operand);
        isReady = false;
      }
      if (isReady) this.instruction(definition, this.operandsOf(definition));
    }
    return this.values[root]! as Value;
  }

  /**
   * Origin and inlined call of a copy. What has no line of its own (field accessors, which asc
   * makes up) belongs to the line of the call, and is no frame.
   */
  private placeOf(instruction: Instruction): readonly [number, number] {
    const { fn, callee, module } = this;
    const origin = callee.origin(instruction);
    const inner = callee.inlinedAt.data[instruction]!;
    if (inner === -1 && module.sourceOf(origin) === null)
      return [fn.origin(this.call), fn.inlinedAt.data[this.call]!];
    return [origin, this.inlinedIndex(inner)];
  }

  /** The caller's entry for the callee's inlined call `inner`; -1 is the callee itself. */
  private inlinedIndex(inner: number): number {
    const { fn, callee } = this;
    const known = this.inlinedIndices.get(inner);
    if (known !== undefined) return known;
    const record = callee.inlinedCalls[inner];
    const entry =
      record === undefined
        ? {
            functionIndex: callee.functionIndex,
            origin: fn.origin(this.call),
            inlinedAt: fn.inlinedAt.data[this.call]!,
          }
        : {
            functionIndex: record.functionIndex,
            origin: record.origin,
            inlinedAt: this.inlinedIndex(record.inlinedAt),
          };
    const index = fn.inlinedCalls.push(entry) - 1;
    this.inlinedIndices.set(inner, index);
    return index;
  }
}
