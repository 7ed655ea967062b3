import { EMPTY_BLOCK, InstructionReader } from "./instruction-reader.ts";
import { operationName, WasmOp } from "./instruction-set.ts";
import { type FunctionBody, type FunctionType, ValueType, type WasmModule } from "./types.ts";

/** The type of an operand that unreachable code would have left. */
export const UNKNOWN = 0;
export type OperandType = ValueType | typeof UNKNOWN;

interface ControlFrame {
  readonly opcode: number;
  readonly start: readonly ValueType[];
  readonly end: readonly ValueType[];
  /** Height of the operand stack below the frame. */
  readonly height: number;
  unreachable: boolean;
}

/** Checks one instruction, which the reader has read. */
export type Check = (body: BodyValidation) => void;

const NO_TYPES: readonly ValueType[] = [];

/**
 * The state of the standard's validation algorithm: a stack of operand types and a stack of control
 * frames. What does not fit throws a DiagnosticError at the instruction.
 */
export class BodyValidation {
  readonly reader: InstructionReader;
  private readonly localTypes: readonly ValueType[];
  private readonly operands: OperandType[] = [];
  private readonly frames: ControlFrame[] = [];

  /** `declared`: the functions that `ref.func` may name. */
  constructor(
    readonly module: WasmModule,
    body: FunctionBody,
    readonly declared: ReadonlySet<number>,
  ) {
    this.reader = new InstructionReader(module.bytes, module.file, body.start, body.end);
    this.localTypes = body.localTypes;
    this.enter(WasmOp.Block, NO_TYPES, module.types[body.typeIndex]!.results);
  }

  fail(message: string): never {
    const { reader } = this;
    return reader.fail(`${operationName(reader.opcode)}: ${message}`, reader.offset);
  }

  // Operands.

  push(type: OperandType): void {
    this.operands.push(type);
  }
  pop(expected: OperandType): OperandType {
    const frame = this.frame;
    let actual: OperandType = UNKNOWN;
    if (this.operands.length === frame.height) {
      if (!frame.unreachable) this.fail("an operand is missing");
    } else actual = this.operands.pop()!;
    if (actual !== expected && actual !== UNKNOWN && expected !== UNKNOWN) {
      this.fail(`expected an operand of type ${ValueType[expected]}, found ${ValueType[actual]}`);
    }
    return actual === UNKNOWN ? expected : actual;
  }
  /** As `pop`, but an unknown operand stays unknown: it may serve labels of different types. */
  popUnlessUnknown(expected: ValueType): OperandType {
    const frame = this.frame;
    if (this.operands.length === frame.height && frame.unreachable) return UNKNOWN;
    const actual = this.operands.at(-1);
    this.pop(expected);
    return actual === UNKNOWN ? UNKNOWN : expected;
  }
  pushAll(types: readonly OperandType[]): void {
    for (const type of types) this.operands.push(type);
  }
  popAll(types: readonly ValueType[]): void {
    for (let i = types.length - 1; i >= 0; i--) this.pop(types[i]!);
  }

  // Control frames.

  /** The innermost block that is open. */
  get frame(): ControlFrame {
    return this.frames.at(-1)!;
  }
  /** The body's last `end` has been read. */
  get isEnded(): boolean {
    return this.frames.length === 0;
  }
  get results(): readonly ValueType[] {
    return this.frames[0]!.end;
  }
  enter(opcode: number, start: readonly ValueType[], end: readonly ValueType[]): void {
    this.frames.push({ opcode, start, end, height: this.operands.length, unreachable: false });
    this.pushAll(start);
  }
  leave(): ControlFrame {
    const frame = this.frame;
    this.popAll(frame.end);
    const left = this.operands.length - frame.height;
    if (left !== 0) this.fail(`${left} operands are left over at the end of the block`);
    this.frames.pop();
    return frame;
  }
  /** The rest of the block cannot be reached: any operand may be missing. */
  unreachable(): void {
    const frame = this.frame;
    this.operands.length = frame.height;
    frame.unreachable = true;
  }
  /** The types that a branch to the label carries. */
  label(depth: number): readonly ValueType[] {
    const frame = this.frames[this.frames.length - 1 - depth];
    if (frame === undefined) return this.fail(`label ${depth} does not exist`);
    return frame.opcode === WasmOp.Loop ? frame.start : frame.end;
  }
  blockType(): FunctionType {
    const code = this.reader.blockType;
    if (code === EMPTY_BLOCK) return { parameters: NO_TYPES, results: NO_TYPES };
    if (code >= 0) return this.type(code);
    const type = (code + 128) as ValueType;
    if (code < -64 || ValueType[type] === undefined) this.fail("malformed block type");
    return { parameters: NO_TYPES, results: [type] };
  }

  // What instructions refer to by index.

  type(index: number): FunctionType {
    return this.module.types[index] ?? this.fail(`type ${index} does not exist`);
  }
  function(index: number): FunctionType {
    const type = this.module.functionTypes[index];
    return type === undefined ? this.fail(`function ${index} does not exist`) : this.type(type);
  }
  local(index: number): ValueType {
    return this.localTypes[index] ?? this.fail(`local ${index} does not exist`);
  }
  global(index: number): WasmModule["globals"][number] {
    return this.module.globals[index] ?? this.fail(`global ${index} does not exist`);
  }
  memory(index: number): void {
    if (index >= this.module.memories.length) this.fail("the module has no such memory");
  }
  /** The type of a table's elements. */
  table(index: number): ValueType {
    const found = this.module.tables[index];
    return found === undefined ? this.fail(`table ${index} does not exist`) : found.elementType;
  }
  dataSegment(index: number): void {
    if (!this.module.hasDataCount) this.fail("needs a data count section");
    if (index >= this.module.data.length) this.fail(`data segment ${index} does not exist`);
  }
  elementSegment(index: number): ValueType {
    const found = this.module.elements[index];
    return found === undefined
      ? this.fail(`element segment ${index} does not exist`)
      : found.elementType;
  }
}
