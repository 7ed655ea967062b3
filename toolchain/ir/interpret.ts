/**
 * Runs scheduled functions as the IR defines them, one instruction after the other: the reference
 * that tests hold against a wasm engine on one side and machine code on the other. Values are
 * unsigned bits.
 */
import { evaluate, evaluateDivision } from "./evaluate.ts";
import type { Block, Instruction, IrFunction, Value } from "./function.ts";
import { Intrinsic } from "./intrinsic.ts";
import { TrapKind } from "./machine-code.ts";
import type { IrModule } from "./module.ts";
import { isLoad, isPure, isStore, Opcode, Type } from "./opcode.ts";

/** A run that ended in a trap, with the wasm offset of the instruction. */
export class TrapError extends Error {
  constructor(
    readonly kind: TrapKind,
    readonly origin: number,
    readonly reason: string,
  ) {
    super(`${reason} at offset 0x${origin.toString(16)}`);
  }
}

interface InterpreterHost {
  external?(name: string, operands: readonly bigint[]): readonly bigint[];
  intrinsic?(
    intrinsic: Intrinsic,
    operands: readonly bigint[],
    memory: Uint8Array,
  ): readonly bigint[];
  messageWord?(index: number): bigint;
}

const PAGE_BYTES = 65_536;
/** Nested calls; deeper ones count as an exhausted stack. */
const CALL_DEPTH_MAX = 2_000;

export class Interpreter {
  memory: Uint8Array;
  readonly globals: bigint[];
  private view: DataView;
  private readonly tables: number[][];
  private readonly droppedData = new Set<number>();
  private readonly droppedElements = new Set<number>();
  private depth = 0;

  constructor(
    private readonly module: IrModule,
    private readonly host: InterpreterHost = {},
  ) {
    this.memory = new Uint8Array(module.memory.initialPages * PAGE_BYTES);
    this.view = new DataView(this.memory.buffer);
    for (const [index, { address, bytes }] of module.dataSegments.entries()) {
      if (address < 0) continue;
      this.memory.set(bytes, address);
      this.droppedData.add(index);
    }
    this.globals = module.globals.map(({ initial }) => initial);
    this.tables = module.tables.map(({ entries }) => [...entries]);
    if (module.start >= 0) this.invoke(module.start, []);
  }

  /** Calls an export; operands and results are bits. */
  call(name: string, operands: readonly bigint[]): readonly bigint[] {
    const index = this.module.exports.get(name);
    if (index === undefined) throw new Error(`no export ${name}`);
    this.depth = 0;
    return this.invoke(index, operands);
  }

  private invoke(index: number, operands: readonly bigint[]): readonly bigint[] {
    const entry = this.module.functions[index]!;
    if (entry.kind === "intrinsic") throw new Error("an intrinsic is not a function");
    if (entry.kind === "external") {
      if (this.host.external === undefined) throw new Error(`no external ${entry.name}`);
      return this.host.external(entry.name, operands);
    }
    if (++this.depth > CALL_DEPTH_MAX)
      throw new TrapError(TrapKind.StackExhausted, -1, "stack exhausted");
    const results = this.run(entry.body, operands);
    this.depth--;
    return results;
  }

  private run(fn: IrFunction, operands: readonly bigint[]): readonly bigint[] {
    const values: bigint[] = new Array<bigint>(fn.valueTypes.length);
    let block = 0 as Block;
    let incoming = operands;
    for (;;) {
      const parameters = fn.blockParameters[block]!;
      for (let i = 0; i < parameters.length; i++) values[parameters[i]!] = incoming[i]!;
      const list = fn.blockInstructions[block]!;
      for (let i = 0; i < list.length - 1; i++) this.step(fn, list[i]!, values);

      const terminator = list[list.length - 1]!;
      const inputs = this.operandsOf(fn, terminator, values);
      const op = fn.opcode(terminator);
      if (op === Opcode.Return) return inputs;
      if (op === Opcode.Unreachable)
        throw new TrapError(TrapKind.Unreachable, fn.origin(terminator), "unreachable");
      const edges = fn.blockEdges[block]!;
      let taken = 0;
      if (op === Opcode.Branch) taken = inputs[0] !== 0n ? 0 : 1;
      if (op === Opcode.Switch)
        taken = Number(inputs[0]! < BigInt(edges.length - 1) ? inputs[0] : edges.length - 1);
      const edge = edges[taken]!;
      incoming = edge.args.map((value) => values[value]!);
      block = edge.target;
    }
  }

  private operandsOf(
    fn: IrFunction,
    instruction: Instruction,
    values: readonly bigint[],
  ): bigint[] {
    const result: bigint[] = [];
    for (let i = 0; i < fn.operandCount(instruction); i++) {
      const value = values[fn.operand(instruction, i)];
      if (value === undefined)
        throw new Error(
          `v${fn.operand(instruction, i)} is used before it is defined in ${fn.name}`,
        );
      result.push(value);
    }
    return result;
  }

  private step(fn: IrFunction, instruction: Instruction, values: bigint[]): void {
    const op = fn.opcode(instruction);
    const type = fn.type(instruction);
    const result = fn.result(instruction);
    if (op === Opcode.Const) {
      values[result] = fn.constantBits(instruction);
      return;
    }
    const inputs = this.operandsOf(fn, instruction, values);
    const origin = fn.origin(instruction);
    if (op === Opcode.MessageWord) {
      if (this.host.messageWord === undefined) throw new Error("no message");
      values[result] = this.host.messageWord(Number(inputs[0]));
      return;
    }
    if (isPure(op)) {
      values[result] = evaluate(op, type, inputs)!;
      return;
    }
    if (isLoad(op)) {
      values[result] = this.load(
        op,
        type,
        this.address(inputs[0]!, fn.immediate(instruction), WIDTHS[op]!, origin),
      );
      return;
    }
    if (isStore(op)) {
      this.store(
        op,
        this.address(inputs[0]!, fn.immediate(instruction), WIDTHS[op]!, origin),
        inputs[1]!,
      );
      return;
    }
    const results = this.effect(fn, instruction, op, type, inputs, origin);
    for (let i = 0; i < results.length; i++) values[(result + i) as Value] = results[i]!;
  }

  private effect(
    fn: IrFunction,
    instruction: Instruction,
    op: Opcode,
    type: Type,
    inputs: readonly bigint[],
    origin: number,
  ): readonly bigint[] {
    const immediate = fn.immediate(instruction);
    const [first, second, third] = inputs.map(Number) as [number, number, number];
    switch (op) {
      case Opcode.DivS:
      case Opcode.DivU:
      case Opcode.RemS:
      case Opcode.RemU: {
        const quotient = evaluateDivision(op, type, inputs[0]!, inputs[1]!);
        if (typeof quotient === "string")
          throw new TrapError(
            TrapKind.Divide,
            origin,
            quotient === "zero" ? "divide by zero" : "divide overflow",
          );
        return [quotient];
      }
      case Opcode.MemorySize:
        return [BigInt(this.memory.length / PAGE_BYTES)];
      case Opcode.MemoryGrow:
        return [this.grow(first)];
      case Opcode.MemoryFill:
        this.check(first + third <= this.memory.length, origin);
        this.memory.fill(second & 0xff, first, first + third);
        return [];
      case Opcode.MemoryCopy:
        this.check(
          first + third <= this.memory.length && second + third <= this.memory.length,
          origin,
        );
        this.memory.copyWithin(first, second, second + third);
        return [];
      case Opcode.MemoryInit: {
        const bytes = this.droppedData.has(immediate)
          ? new Uint8Array(0)
          : this.module.dataSegments[immediate]!.bytes;
        this.check(first + third <= this.memory.length && second + third <= bytes.length, origin);
        this.memory.set(bytes.subarray(second, second + third), first);
        return [];
      }
      case Opcode.DataDrop:
        this.droppedData.add(immediate);
        return [];
      case Opcode.GlobalGet:
        return [this.globals[immediate]!];
      case Opcode.GlobalSet:
        this.globals[immediate] = inputs[0]!;
        return [];
      case Opcode.TableSize:
        return [BigInt(this.tables[immediate & 0xffff]!.length)];
      case Opcode.TableCopy:
      case Opcode.TableInit: {
        const target = this.tables[immediate & 0xffff]!;
        const high = immediate >>> 16;
        const elements = this.droppedElements.has(high) ? [] : this.module.elementSegments[high]!;
        const source = op === Opcode.TableCopy ? this.tables[high]! : elements;
        this.check(first + third <= target.length && second + third <= source.length, origin);
        target.splice(first, third, ...source.slice(second, second + third));
        return [];
      }
      case Opcode.ElemDrop:
        this.droppedElements.add(immediate >>> 16);
        return [];
      case Opcode.Call:
        return this.invoke(immediate, inputs);
      case Opcode.CallIndirect: {
        const table = this.tables[fn.auxiliaries.data[instruction]!]!;
        const index = Number(inputs[inputs.length - 1]!);
        if (index >= table.length)
          throw new TrapError(TrapKind.IndirectCallBound, origin, "table index out of bounds");
        const callee = table[index]!;
        if (callee < 0)
          throw new TrapError(
            TrapKind.IndirectCallNull,
            origin,
            "indirect call of a null function",
          );
        if (this.module.functions[callee]!.signature !== immediate) {
          throw new TrapError(
            TrapKind.IndirectCallSignature,
            origin,
            "indirect call of another signature",
          );
        }
        return this.invoke(callee, inputs.slice(0, -1));
      }
      case Opcode.Intrinsic:
        if (this.host.intrinsic === undefined)
          throw new Error(`no intrinsic ${Intrinsic[immediate]}`);
        return this.host.intrinsic(immediate, inputs, this.memory);
      default:
        throw new Error(`${Opcode[op]} cannot be interpreted`);
    }
  }

  private address(base: bigint, offset: number, bytes: number, origin: number): number {
    const address = Number(base) + (offset >>> 0);
    this.check(address + bytes <= this.memory.length, origin);
    return address;
  }

  private check(isInside: boolean, origin: number): void {
    if (!isInside) throw new TrapError(TrapKind.OutOfBounds, origin, "out of bounds");
  }

  private load(op: Opcode, type: Type, address: number): bigint {
    const extend = (value: number): bigint =>
      BigInt.asUintN(type === Type.I32 ? 32 : 64, BigInt(value));
    switch (op) {
      case Opcode.Load8S:
        return extend(this.view.getInt8(address));
      case Opcode.Load8U:
        return extend(this.view.getUint8(address));
      case Opcode.Load16S:
        return extend(this.view.getInt16(address, true));
      case Opcode.Load16U:
        return extend(this.view.getUint16(address, true));
      case Opcode.Load32S:
        return extend(this.view.getInt32(address, true));
      case Opcode.Load32U:
        return extend(this.view.getUint32(address, true));
      default:
        return this.view.getBigUint64(address, true);
    }
  }

  private store(op: Opcode, address: number, value: bigint): void {
    if (op === Opcode.Store8) this.view.setUint8(address, Number(value & 0xffn));
    else if (op === Opcode.Store16) this.view.setUint16(address, Number(value & 0xffffn), true);
    else if (op === Opcode.Store32) this.view.setUint32(address, Number(value & 0xffffffffn), true);
    else this.view.setBigUint64(address, value, true);
  }

  private grow(pages: number): bigint {
    const before = this.memory.length / PAGE_BYTES;
    if (before + pages > this.module.memory.maximumPages) return 0xffffffffn;
    const grown = new Uint8Array((before + pages) * PAGE_BYTES);
    grown.set(this.memory);
    this.memory = grown;
    this.view = new DataView(grown.buffer);
    return BigInt(before);
  }
}

const WIDTHS: Readonly<Partial<Record<Opcode, number>>> = {
  [Opcode.Load8S]: 1,
  [Opcode.Load8U]: 1,
  [Opcode.Load16S]: 2,
  [Opcode.Load16U]: 2,
  [Opcode.Load32S]: 4,
  [Opcode.Load32U]: 4,
  [Opcode.Load64]: 8,
  [Opcode.Store8]: 1,
  [Opcode.Store16]: 2,
  [Opcode.Store32]: 4,
  [Opcode.Store64]: 8,
};
