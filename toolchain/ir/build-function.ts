/**
 * One wasm function body to SSA form, straight from the stack machine.
 *
 * Values of locals are found on demand (Braun, Buchwald et al.): a block with one predecessor asks
 * it, a block with several gets a parameter. A loop's header is open until its `end` is reached,
 * because branches to it may still come; its parameters receive their arguments then. Superfluous
 * parameters are removed by a later pass. Code that cannot be reached is skipped, never built.
 */
import { operationName, PLAIN_OPERATIONS, WasmOp } from "../wasm/instruction-set.ts";
import { EMPTY_BLOCK, InstructionReader } from "../wasm/instruction-reader.ts";
import { type FunctionBody, type FunctionType, ValueType, type WasmModule } from "../wasm/types.ts";
import { type Block, type Instruction, IrFunction, type Value } from "./function.ts";
import { hasSystemCallResults, Intrinsic, SYSTEM_CALL_RESULTS } from "./intrinsic.ts";
import { TrapKind } from "./machine-code.ts";
import { isLoad, isPure, isStore, Opcode, Type } from "./opcode.ts";
import { IR_OPERATIONS } from "./wasm-operations.ts";

/** What a call to a function of the module becomes. */
export type Callee =
  | { readonly kind: "function"; readonly index: number }
  | { readonly kind: "intrinsic"; readonly intrinsic: number }
  | { readonly kind: "trap" };

/** What the module knows and the function needs. */
export interface BuildContext {
  readonly module: WasmModule;
  callee(functionIndex: number): Callee;
  /** Canonical number of a wasm type. */
  signature(typeIndex: number): number;
  /** The value of a global that never changes, else null. */
  constantGlobal(globalIndex: number): bigint | null;
  /** Nothing reads the global, so that setting it has no effect. */
  isUnread(globalIndex: number): boolean;
}

/** Why a function cannot be translated; the module's builder adds names and lines. */
export class Unsupported extends Error {
  constructor(
    readonly origin: number,
    message: string,
  ) {
    super(message);
  }
}

/**
 * Block parameters that one function may need before simplification; a hostile body could ask for
 * blocks times locals.
 */
const PARAMETERS_MAX = 4_000_000;
/**
 * asc's allocators stop in these if memory does not grow. They call no assertion, and their
 * `unreachable` says nothing else.
 */
const OUT_OF_MEMORY: ReadonlySet<string> = new Set([
  "~lib/rt/tlsf/growMemory",
  "~lib/rt/tlsf/initialize",
  "~lib/rt/stub/maybeGrowMemory",
]);

interface Frame {
  readonly kind: "block" | "loop" | "if" | "dead";
  /**
   * Types that a branch to the frame's label carries: parameters of a loop, results of the others.
   */
  readonly labelTypes: readonly Type[];
  readonly resultTypes: readonly Type[];
  readonly parameterTypes: readonly Type[];
  /** Height of the value stack below the frame's parameters. */
  readonly height: number;
  /** Loop: its header. Others: the block behind the end, made by the first branch to it. */
  label: Block | -1;
  /** If: the block of the false case, until `else` is met. */
  elseBlock: Block | -1;
  /** If: the values that both cases start with. */
  readonly parameters: readonly Value[];
}

interface Predecessor {
  readonly from: Block;
  readonly edge: number;
}

const DEAD: Omit<Frame, "height"> = {
  kind: "dead",
  labelTypes: [],
  resultTypes: [],
  parameterTypes: [],
  label: -1,
  elseBlock: -1,
  parameters: [],
};

export function buildFunction(
  context: BuildContext,
  body: FunctionBody,
  name: string,
  functionIndex: number,
  parameterNames?: ReadonlyMap<number, string>,
): IrFunction {
  return new FunctionBuilder(context, body, name, functionIndex, parameterNames).build();
}

export function irType(type: ValueType, origin: number): Type {
  if (type === ValueType.I32) return Type.I32;
  if (type === ValueType.I64) return Type.I64;
  if (type === ValueType.F32 || type === ValueType.F64)
    throw new Unsupported(origin, "floating point is not supported");
  throw new Unsupported(origin, "reference types are not supported");
}

class FunctionBuilder {
  private readonly fn: IrFunction;
  private readonly reader: InstructionReader;
  private readonly stack: Value[] = [];
  private readonly frames: Frame[] = [];
  /** The block being filled, -1 where code cannot be reached. */
  private current: Block | -1;
  /** The short system call that was built last, and the block in which it stands. */
  private systemCall: { readonly instruction: Instruction; readonly block: Block } | null = null;

  // By block.
  private readonly definitions: Map<number, Value>[] = [];
  private readonly predecessors: Predecessor[][] = [];
  private readonly isSealed: boolean[] = [];
  /** Parameters of an open block that wait for their arguments. */
  private readonly waiting: { local: number; slot: number }[][] = [];

  /** Parameters whose arguments are still to be found. */
  private readonly pending: { block: Block; local: number; slot: number }[] = [];
  private parameterCount = 0;
  private readonly constants = new Map<bigint, Value>();
  private readonly longConstants = new Map<bigint, Value>();

  constructor(
    private readonly context: BuildContext,
    private readonly body: FunctionBody,
    name: string,
    functionIndex: number,
    parameterNames: ReadonlyMap<number, string> | undefined,
  ) {
    const { parameters, results } = context.module.types[body.typeIndex]!;
    const types = (list: readonly ValueType[]): Type[] =>
      list.map((type) => irType(type, body.start));
    this.fn = new IrFunction(name, functionIndex, types(parameters), types(results));
    this.reader = new InstructionReader(
      context.module.bytes,
      context.module.file,
      body.start,
      body.end,
    );
    this.current = this.newBlock();
    this.isSealed[this.current] = true;
    for (const [local, type] of this.fn.parameterTypes.entries()) {
      this.definitions[this.current]!.set(local, this.fn.newParameter(this.current, type));
      this.fn.namedParameters.push({ name: parameterNames?.get(local), isAssigned: false });
    }
  }

  private noteAssignment(local: number): void {
    const parameter = this.fn.namedParameters[local];
    if (parameter !== undefined) parameter.isAssigned = true;
  }

  build(): IrFunction {
    const { fn, reader } = this;
    this.frames.push({
      ...DEAD,
      kind: "block",
      labelTypes: fn.resultTypes,
      resultTypes: fn.resultTypes,
      height: 0,
    });
    while (this.frames.length > 0) {
      reader.next();
      if (this.current === -1) this.skip();
      else this.instruction();
    }
    if (this.current !== -1) {
      this.terminate(Opcode.Return, this.popMany(fn.resultTypes.length));
    }
    return fn;
  }

  /** Unreachable code: only its nesting counts. */
  private skip(): void {
    switch (this.reader.opcode) {
      case WasmOp.Block:
      case WasmOp.Loop:
      case WasmOp.If:
        this.frames.push({ ...DEAD, height: this.stack.length });
        return;
      case WasmOp.Else:
        this.else();
        return;
      case WasmOp.End:
        this.end();
        return;
    }
  }

  private instruction(): void {
    const { reader, fn } = this;
    const { opcode } = reader;
    const operation = IR_OPERATIONS.get(opcode);
    if (operation !== undefined) {
      const operands = this.popMany(PLAIN_OPERATIONS.get(opcode)!.parameters.length);
      const result = this.emit(
        operation.op,
        operation.type,
        operands,
        operation.result,
        isMemoryAccess(operation.op) ? reader.memoryOffset : 0,
      );
      if (operation.result !== Type.None) this.stack.push(result);
      return;
    }
    switch (opcode) {
      case WasmOp.Nop:
        return;
      case WasmOp.Unreachable:
        this.terminate(
          Opcode.Unreachable,
          [],
          OUT_OF_MEMORY.has(fn.name) ? TrapKind.OutOfMemory : 0,
        );
        return;
      case WasmOp.Block:
      case WasmOp.Loop:
      case WasmOp.If:
        this.begin(opcode);
        return;
      case WasmOp.Else:
        this.else();
        return;
      case WasmOp.End:
        this.end();
        return;
      case WasmOp.Branch: {
        const frame = this.frameAt(reader.index);
        this.jump(this.label(frame), this.popMany(frame.labelTypes.length));
        return;
      }
      case WasmOp.BranchIf: {
        const condition = this.stack.pop()!;
        const frame = this.frameAt(reader.index);
        const values =
          frame.labelTypes.length === 0 ? [] : this.stack.slice(-frame.labelTypes.length);
        const next = this.newBlock();
        const from = this.terminate(Opcode.Branch, [condition]);
        this.addEdge(from, this.label(frame), values);
        this.addEdge(from, next, []);
        this.enterSealed(next);
        return;
      }
      case WasmOp.BranchTable:
        this.branchTable();
        return;
      case WasmOp.Return:
        this.terminate(Opcode.Return, this.popMany(fn.resultTypes.length));
        return;
      case WasmOp.Call:
        this.call();
        return;
      case WasmOp.CallIndirect: {
        const type = this.context.module.types[reader.index]!;
        const index = this.stack.pop()!;
        const operands = [...this.popMany(type.parameters.length), index];
        this.emitCall(
          Opcode.CallIndirect,
          type,
          operands,
          this.context.signature(reader.index),
          reader.secondIndex,
        );
        return;
      }
      case WasmOp.Drop:
        this.stack.pop();
        return;
      case WasmOp.Select:
      case WasmOp.SelectTyped: {
        const condition = this.stack.pop()!;
        const ifZero = this.stack.pop()!;
        const ifNotZero = this.stack.pop()!;
        const type = fn.valueType(ifZero);
        this.stack.push(this.emit(Opcode.Select, type, [condition, ifNotZero, ifZero], type));
        return;
      }
      case WasmOp.LocalGet:
        this.stack.push(this.readLocal(reader.index));
        return;
      case WasmOp.LocalSet:
        this.noteAssignment(reader.index);
        this.definitions[this.current as Block]!.set(reader.index, this.stack.pop()!);
        return;
      case WasmOp.LocalTee:
        this.noteAssignment(reader.index);
        this.definitions[this.current as Block]!.set(
          reader.index,
          this.stack[this.stack.length - 1]!,
        );
        return;
      case WasmOp.GlobalGet:
        this.globalGet();
        return;
      case WasmOp.GlobalSet: {
        const value = this.stack.pop()!;
        if (!this.context.isUnread(reader.index))
          this.emit(Opcode.GlobalSet, fn.valueType(value), [value], Type.None, reader.index);
        return;
      }
      case WasmOp.I32Const:
        this.stack.push(this.constant(Type.I32, reader.constant));
        return;
      case WasmOp.I64Const:
        this.stack.push(this.constant(Type.I64, reader.constant));
        return;
      case WasmOp.MemorySize:
        this.stack.push(this.emit(Opcode.MemorySize, Type.I32, [], Type.I32));
        return;
      case WasmOp.MemoryGrow:
        this.stack.push(this.emit(Opcode.MemoryGrow, Type.I32, this.popMany(1), Type.I32));
        return;
      case WasmOp.MemoryCopy:
        this.emit(Opcode.MemoryCopy, Type.None, this.popMany(3), Type.None);
        return;
      case WasmOp.MemoryFill:
        this.emit(Opcode.MemoryFill, Type.None, this.popMany(3), Type.None);
        return;
      case WasmOp.MemoryInit:
        this.emit(Opcode.MemoryInit, Type.None, this.popMany(3), Type.None, reader.index);
        return;
      case WasmOp.DataDrop:
        this.emit(Opcode.DataDrop, Type.None, [], Type.None, reader.index);
        return;
      case WasmOp.TableSize:
        this.stack.push(this.emit(Opcode.TableSize, Type.I32, [], Type.I32, reader.index));
        return;
      case WasmOp.TableCopy:
        // Low half: the table copied to; high half: the one copied from.
        this.emit(
          Opcode.TableCopy,
          Type.None,
          this.popMany(3),
          Type.None,
          packIndices(reader.index, reader.secondIndex),
        );
        return;
      case WasmOp.TableInit:
        this.emit(
          Opcode.TableInit,
          Type.None,
          this.popMany(3),
          Type.None,
          packIndices(reader.secondIndex, reader.index),
        );
        return;
      case WasmOp.ElemDrop:
        this.emit(Opcode.ElemDrop, Type.None, [], Type.None, packIndices(0, reader.index));
        return;
    }
    const plain = PLAIN_OPERATIONS.get(opcode);
    const isFloat = plain !== undefined || opcode === WasmOp.F32Const || opcode === WasmOp.F64Const;
    const reason = isFloat
      ? "floating point is not supported"
      : "values of reference types are not supported";
    throw new Unsupported(reader.offset, `${operationName(opcode)}: ${reason}`);
  }

  // Control.

  private begin(opcode: WasmOp.Block | WasmOp.Loop | WasmOp.If): void {
    const { parameters, results } = this.blockType();
    const parameterTypes = parameters.map((type) => irType(type, this.reader.offset));
    const resultTypes = results.map((type) => irType(type, this.reader.offset));
    const condition = opcode === WasmOp.If ? this.stack.pop()! : -1;
    const values = this.popMany(parameterTypes.length);
    const frame: Frame = {
      kind: opcode === WasmOp.Block ? "block" : opcode === WasmOp.Loop ? "loop" : "if",
      labelTypes: opcode === WasmOp.Loop ? parameterTypes : resultTypes,
      resultTypes,
      parameterTypes,
      height: this.stack.length,
      label: -1,
      elseBlock: -1,
      parameters: values,
    };
    this.frames.push(frame);
    if (opcode === WasmOp.Block) {
      this.stack.push(...values);
    } else if (opcode === WasmOp.Loop) {
      const header = this.newBlock();
      const parameterValues = parameterTypes.map((type) => this.fn.newParameter(header, type));
      frame.label = header;
      this.jump(header, values);
      this.current = header;
      this.stack.push(...parameterValues);
    } else {
      const thenBlock = this.newBlock();
      frame.elseBlock = this.newBlock();
      const from = this.terminate(Opcode.Branch, [condition as Value]);
      this.addEdge(from, thenBlock, []);
      this.addEdge(from, frame.elseBlock, []);
      this.enterSealed(thenBlock);
      this.stack.push(...values);
    }
  }

  private else(): void {
    const frame = this.frames[this.frames.length - 1]!;
    if (frame.kind === "dead") return;
    if (this.current !== -1) this.jump(this.label(frame), this.popMany(frame.resultTypes.length));
    this.enterSealed(frame.elseBlock as Block);
    frame.elseBlock = -1;
    this.stack.length = frame.height;
    this.stack.push(...frame.parameters);
  }

  private end(): void {
    const frame = this.frames.pop()!;
    if (frame.kind === "dead") return;
    if (frame.kind === "loop") {
      this.seal(frame.label as Block);
      if (this.current === -1) this.stack.length = frame.height;
      return;
    }
    if (frame.elseBlock !== -1) {
      // An if without else: the false case passes on what it started with.
      if (this.current !== -1) this.jump(this.label(frame), this.popMany(frame.resultTypes.length));
      this.enterSealed(frame.elseBlock);
      this.jump(this.label(frame), frame.parameters);
    }
    if (frame.label === -1) {
      // Nothing branches here, so that code simply goes on, if it got here at all.
      if (this.current === -1) this.stack.length = frame.height;
      return;
    }
    if (this.current !== -1) this.jump(frame.label, this.popMany(frame.resultTypes.length));
    this.stack.length = frame.height;
    const { label } = frame;
    this.seal(label);
    this.current = label;
    this.stack.push(...this.fn.blockParameters[label]!.slice(0, frame.resultTypes.length));
  }

  private branchTable(): void {
    const { labels } = this.reader;
    const index = this.stack.pop()!;
    const arity = this.frameAt(labels[0]!).labelTypes.length;
    const values = this.popMany(arity);
    if (labels.length === 1) {
      this.jump(this.label(this.frameAt(labels[0]!)), values);
      return;
    }
    const from = this.terminate(Opcode.Switch, [index]);
    for (const depth of labels) this.addEdge(from, this.label(this.frameAt(depth)), values);
  }

  private frameAt(depth: number): Frame {
    return this.frames[this.frames.length - 1 - depth]!;
  }

  /** The block that branches to the frame lead to. */
  private label(frame: Frame): Block {
    if (frame.label === -1) {
      frame.label = this.newBlock();
      for (const type of frame.labelTypes) this.fn.newParameter(frame.label, type);
    }
    return frame.label;
  }

  private blockType(): FunctionType {
    const code = this.reader.blockType;
    if (code === EMPTY_BLOCK) return { parameters: [], results: [] };
    return code >= 0
      ? this.context.module.types[code]!
      : { parameters: [], results: [(code + 128) as ValueType] };
  }

  private newBlock(): Block {
    const block = this.fn.newBlock();
    this.definitions.push(new Map());
    this.predecessors.push([]);
    this.isSealed.push(false);
    this.waiting.push([]);
    return block;
  }

  private addEdge(from: Block, target: Block, args: readonly Value[]): void {
    const edges = this.fn.blockEdges[from]!;
    this.predecessors[target]!.push({ from, edge: edges.length });
    edges.push({ target, args: [...args] });
  }

  private jump(target: Block, args: readonly Value[]): void {
    this.addEdge(this.terminate(Opcode.Jump, []), target, args);
  }

  /** Ends the current block; what follows cannot be reached until a block is entered. */
  private terminate(op: Opcode, operands: readonly Value[], immediate = 0): Block {
    const block = this.current as Block;
    this.append(this.fn.newInstruction(op, Type.None, operands, [], immediate, this.reader.offset));
    this.current = -1;
    return block;
  }

  /** Goes on in a block all of whose predecessors are known. */
  private enterSealed(block: Block): void {
    this.seal(block);
    this.current = block;
  }

  // Values.

  private emit(
    op: Opcode,
    type: Type,
    operands: readonly Value[],
    result: Type,
    immediate = 0,
  ): Value {
    const results = result === Type.None ? [] : [result];
    const instruction = this.fn.newInstruction(
      op,
      type,
      operands,
      results,
      immediate,
      this.reader.offset,
    );
    if (!isPure(op)) this.append(instruction);
    return this.fn.result(instruction);
  }

  private append(instruction: Instruction): void {
    this.fn.blockInstructions[this.current as Block]!.push(instruction);
  }

  private popMany(count: number): Value[] {
    return count === 0 ? [] : this.stack.splice(this.stack.length - count, count);
  }

  private call(): void {
    const { module } = this.context;
    const type = module.types[module.functionTypes[this.reader.index]!]!;
    const callee = this.context.callee(this.reader.index);
    if (callee.kind === "trap") {
      this.terminate(Opcode.Unreachable, []);
      return;
    }
    const operands = this.popMany(type.parameters.length);
    if (callee.kind === "function") this.emitCall(Opcode.Call, type, operands, callee.index, 0);
    else if (callee.intrinsic === Intrinsic.Result)
      this.stack.push(this.systemCallResult(operands[0]!));
    else if (callee.intrinsic === Intrinsic.MessageWord)
      this.stack.push(this.emit(Opcode.MessageWord, Type.I64, operands, Type.I64));
    else if (hasSystemCallResults(callee.intrinsic))
      this.emitSystemCall(operands, callee.intrinsic);
    else this.emitCall(Opcode.Intrinsic, type, operands, callee.intrinsic, 0);
  }

  /** Pushes the status alone; `systemCallResult` finds the other results. */
  private emitSystemCall(operands: readonly Value[], intrinsic: Intrinsic): void {
    const results = Array.from({ length: 1 + SYSTEM_CALL_RESULTS }, () => Type.I64);
    const instruction = this.fn.newInstruction(
      Opcode.Intrinsic,
      Type.None,
      operands,
      results,
      intrinsic,
      this.reader.offset,
    );
    this.append(instruction);
    this.systemCall = { instruction, block: this.current as Block };
    this.stack.push(this.fn.result(instruction));
  }

  /** Only straight on from the call: elsewhere another call may have come between. */
  private systemCallResult(number: Value): Value {
    const definition = this.fn.definition(number);
    const isConstant = definition !== -1 && this.fn.opcode(definition) === Opcode.Const;
    const index = isConstant ? Number(this.fn.constantBits(definition)) : -1;
    if (!(index >= 0 && index < SYSTEM_CALL_RESULTS))
      throw new Unsupported(
        this.reader.offset,
        "the number of the result is not a constant of them",
      );
    if (this.systemCall === null || this.systemCall.block !== this.current)
      throw new Unsupported(
        this.reader.offset,
        "no short system call stands right before its result",
      );
    return this.fn.result(this.systemCall.instruction, 1 + index);
  }

  private emitCall(
    op: Opcode,
    type: FunctionType,
    operands: readonly Value[],
    immediate: number,
    auxiliary: number,
  ): void {
    const { fn, reader } = this;
    const results = type.results.map((result) => irType(result, reader.offset));
    const column = results.length === 1 ? results[0]! : Type.None;
    const instruction = fn.newInstruction(
      op,
      column,
      operands,
      results,
      immediate,
      reader.offset,
      auxiliary,
    );
    this.append(instruction);
    for (let i = 0; i < results.length; i++) this.stack.push(fn.result(instruction, i));
  }

  private globalGet(): void {
    const { index } = this.reader;
    const type = irType(this.context.module.globals[index]!.type, this.reader.offset);
    const constant = this.context.constantGlobal(index);
    this.stack.push(
      constant !== null
        ? this.constant(type, constant)
        : this.emit(Opcode.GlobalGet, type, [], type, index),
    );
  }

  private constant(type: Type, bits: bigint): Value {
    const known = type === Type.I32 ? this.constants : this.longConstants;
    let value = known.get(bits);
    if (value === undefined) {
      value = newConstant(this.fn, type, bits);
      known.set(bits, value);
    }
    return value;
  }

  // Locals.

  private readLocal(local: number): Value {
    const value = this.lookUp(local, this.current as Block);
    this.resolvePending();
    return value;
  }

  private lookUp(local: number, start: Block): Value {
    let block = start;
    for (;;) {
      const known = this.definitions[block]!.get(local);
      if (known !== undefined) return this.remember(start, local, known);
      const predecessors = this.predecessors[block]!;
      if (!this.isSealed[block]) {
        const slot = this.addParameter(block, local);
        this.waiting[block]!.push({ local, slot });
        return this.remember(start, local, this.fn.blockParameters[block]![slot]!);
      }
      if (predecessors.length === 0) {
        // The entry: a local that is no parameter starts as zero.
        const zero = this.constant(irType(this.body.localTypes[local]!, this.reader.offset), 0n);
        return this.remember(start, local, zero);
      }
      if (predecessors.length > 1) {
        const slot = this.addParameter(block, local);
        this.pending.push({ block, local, slot });
        return this.remember(start, local, this.fn.blockParameters[block]![slot]!);
      }
      block = predecessors[0]!.from;
    }
  }

  private remember(block: Block, local: number, value: Value): Value {
    this.definitions[block]!.set(local, value);
    return value;
  }

  private addParameter(block: Block, local: number): number {
    if (++this.parameterCount > PARAMETERS_MAX)
      throw new Unsupported(this.body.start, "too many values live across branches");
    const type = irType(this.body.localTypes[local]!, this.reader.offset);
    this.definitions[block]!.set(local, this.fn.newParameter(block, type));
    return this.fn.blockParameters[block]!.length - 1;
  }

  private resolvePending(): void {
    for (let next = this.pending.pop(); next !== undefined; next = this.pending.pop()) {
      for (const { from, edge } of this.predecessors[next.block]!) {
        this.fn.blockEdges[from]![edge]!.args[next.slot] = this.lookUp(next.local, from);
      }
    }
  }

  private seal(block: Block): void {
    this.isSealed[block] = true;
    for (const { local, slot } of this.waiting[block]!) this.pending.push({ block, local, slot });
    this.waiting[block]!.length = 0;
    this.resolvePending();
  }
}

function newConstant(fn: IrFunction, type: Type, bits: bigint): Value {
  const index = fn.constantLow.push(Number(BigInt.asIntN(32, bits)));
  fn.constantHigh.push(type === Type.I32 ? 0 : Number(BigInt.asIntN(32, bits >> 32n)));
  return fn.result(fn.newInstruction(Opcode.Const, type, [], [type], index));
}

const isMemoryAccess = (op: Opcode): boolean => isLoad(op) || isStore(op);

function packIndices(low: number, high: number): number {
  return low | (high << 16);
}
