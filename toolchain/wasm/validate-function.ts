/**
 * Validates one function body: the algorithm of the standard's appendix, with a stack of operand
 * types and one of control frames.
 */
import { operationName, PLAIN_OPERATIONS, WasmOp } from "./instruction-set.ts";
import { EMPTY_BLOCK, InstructionReader } from "./instruction-reader.ts";
import { type FunctionBody, type FunctionType, ValueType, type WasmModule } from "./types.ts";

/** The type of an operand that unreachable code would have left. */
const UNKNOWN = 0;
type OperandType = ValueType | typeof UNKNOWN;

interface ControlFrame {
  readonly opcode: number;
  readonly start: readonly ValueType[];
  readonly end: readonly ValueType[];
  /** Height of the operand stack below the frame. */
  readonly height: number;
  unreachable: boolean;
}

const NO_TYPES: readonly ValueType[] = [];

export function validateFunction(
  module: WasmModule,
  body: FunctionBody,
  declared: ReadonlySet<number>,
): void {
  const reader = new InstructionReader(module.bytes, module.file, body.start, body.end);
  const operands: OperandType[] = [];
  const frames: ControlFrame[] = [];
  const { localTypes } = body;

  const fail = (message: string): never =>
    reader.fail(`${operationName(reader.opcode)}: ${message}`, reader.offset);
  const top = (): ControlFrame => frames[frames.length - 1]!;

  function push(type: OperandType): void {
    operands.push(type);
  }
  function pop(expected: OperandType): OperandType {
    const frame = top();
    let actual: OperandType = UNKNOWN;
    if (operands.length === frame.height) {
      if (!frame.unreachable) fail("an operand is missing");
    } else actual = operands.pop()!;
    if (actual !== expected && actual !== UNKNOWN && expected !== UNKNOWN) {
      fail(`expected an operand of type ${ValueType[expected]}, found ${ValueType[actual]}`);
    }
    return actual === UNKNOWN ? expected : actual;
  }
  function popAll(types: readonly ValueType[]): void {
    for (let i = types.length - 1; i >= 0; i--) pop(types[i]!);
  }
  function pushAll(types: readonly ValueType[]): void {
    for (const type of types) operands.push(type);
  }
  function enter(opcode: number, start: readonly ValueType[], end: readonly ValueType[]): void {
    frames.push({ opcode, start, end, height: operands.length, unreachable: false });
    pushAll(start);
  }
  function leave(): ControlFrame {
    const frame = top();
    popAll(frame.end);
    if (operands.length !== frame.height)
      fail(`${operands.length - frame.height} operands are left over at the end of the block`);
    frames.pop();
    return frame;
  }
  function unreachable(): void {
    const frame = top();
    operands.length = frame.height;
    frame.unreachable = true;
  }
  function blockType(): FunctionType {
    const code = reader.blockType;
    if (code === EMPTY_BLOCK) return { parameters: NO_TYPES, results: NO_TYPES };
    if (code >= 0) return module.types[code] ?? fail(`type ${code} does not exist`);
    const type = (code + 128) as ValueType;
    if (code < -64 || ValueType[type] === undefined) fail("malformed block type");
    return { parameters: NO_TYPES, results: [type] };
  }
  function label(depth: number): readonly ValueType[] {
    const frame = frames[frames.length - 1 - depth];
    if (frame === undefined) return fail(`label ${depth} does not exist`);
    return frame.opcode === WasmOp.Loop ? frame.start : frame.end;
  }
  function local(): ValueType {
    return localTypes[reader.index] ?? fail(`local ${reader.index} does not exist`);
  }
  function memory(index = 0): void {
    if (index >= module.memories.length) fail("the module has no such memory");
  }
  function table(index: number): ValueType {
    const found = module.tables[index];
    return found === undefined ? fail(`table ${index} does not exist`) : found.elementType;
  }
  function dataSegment(index: number): void {
    if (!module.hasDataCount) fail("needs a data count section");
    if (index >= module.data.length) fail(`data segment ${index} does not exist`);
  }
  function elementSegment(index: number): ValueType {
    const found = module.elements[index];
    return found === undefined
      ? fail(`element segment ${index} does not exist`)
      : found.elementType;
  }

  enter(WasmOp.Block, NO_TYPES, module.types[body.typeIndex]!.results);
  while (frames.length > 0) {
    reader.next();
    const plain = PLAIN_OPERATIONS.get(reader.opcode);
    if (plain !== undefined) {
      if (plain.accessLog2 >= 0) {
        memory();
        if (reader.alignLog2 > plain.accessLog2) fail("alignment is larger than the access");
      }
      popAll(plain.parameters);
      if (plain.result !== null) push(plain.result);
      continue;
    }
    switch (reader.opcode) {
      case WasmOp.Unreachable:
        unreachable();
        break;
      case WasmOp.Nop:
        break;
      case WasmOp.Block:
      case WasmOp.Loop:
      case WasmOp.If: {
        const type = blockType();
        if (reader.opcode === WasmOp.If) pop(ValueType.I32);
        popAll(type.parameters);
        enter(reader.opcode, type.parameters, type.results);
        break;
      }
      case WasmOp.Else: {
        if (top().opcode !== WasmOp.If) fail("no if to belong to");
        const frame = leave();
        enter(WasmOp.Else, frame.start, frame.end);
        break;
      }
      case WasmOp.End: {
        const frame = leave();
        if (frame.opcode === WasmOp.If && !sameTypes(frame.start, frame.end))
          fail("an if without else must end with what it starts with");
        pushAll(frame.end);
        break;
      }
      case WasmOp.Branch:
        popAll(label(reader.index));
        unreachable();
        break;
      case WasmOp.BranchIf: {
        pop(ValueType.I32);
        const types = label(reader.index);
        popAll(types);
        pushAll(types);
        break;
      }
      case WasmOp.BranchTable: {
        pop(ValueType.I32);
        const { labels } = reader;
        const arity = label(labels[labels.length - 1]!).length;
        // Each label once: a table of many entries must not cost the square of its size.
        for (const depth of new Set(labels)) {
          const types = label(depth);
          if (types.length !== arity) fail("labels take different numbers of operands");
          const popped: OperandType[] = [];
          for (let i = arity - 1; i >= 0; i--) popped.push(popUnlessUnknown(types[i]!));
          for (let i = arity - 1; i >= 0; i--) push(popped[i]!);
        }
        popAll(label(labels[labels.length - 1]!));
        unreachable();
        break;
      }
      case WasmOp.Return:
        popAll(frames[0]!.end);
        unreachable();
        break;
      case WasmOp.Call:
      case WasmOp.CallIndirect: {
        const isDirect = reader.opcode === WasmOp.Call;
        if (!isDirect) {
          if (table(reader.secondIndex) !== ValueType.FunctionReference)
            fail("the table does not hold functions");
          pop(ValueType.I32);
        } else if (reader.index >= module.functionTypes.length)
          fail(`function ${reader.index} does not exist`);
        const type =
          module.types[isDirect ? module.functionTypes[reader.index]! : reader.index] ??
          fail(`type ${reader.index} does not exist`);
        popAll(type.parameters);
        pushAll(type.results);
        break;
      }
      case WasmOp.Drop:
        pop(UNKNOWN);
        break;
      case WasmOp.Select: {
        pop(ValueType.I32);
        const first = pop(UNKNOWN);
        const second = pop(UNKNOWN);
        for (const type of [first, second]) {
          if (type === ValueType.FunctionReference || type === ValueType.ExternalReference)
            fail("references need a select with a type");
        }
        if (first !== second && first !== UNKNOWN && second !== UNKNOWN)
          fail("operands have different types");
        push(first === UNKNOWN ? second : first);
        break;
      }
      case WasmOp.SelectTyped:
        pop(ValueType.I32);
        pop(reader.selectType);
        pop(reader.selectType);
        push(reader.selectType);
        break;
      case WasmOp.LocalGet:
        push(local());
        break;
      case WasmOp.LocalSet:
        pop(local());
        break;
      case WasmOp.LocalTee:
        pop(local());
        push(local());
        break;
      case WasmOp.GlobalGet:
        push((module.globals[reader.index] ?? fail(`global ${reader.index} does not exist`)).type);
        break;
      case WasmOp.GlobalSet: {
        const global =
          module.globals[reader.index] ?? fail(`global ${reader.index} does not exist`);
        if (!global.mutable) fail("the global is immutable");
        pop(global.type);
        break;
      }
      case WasmOp.TableGet: {
        const type = table(reader.index);
        pop(ValueType.I32);
        push(type);
        break;
      }
      case WasmOp.TableSet: {
        const type = table(reader.index);
        pop(type);
        pop(ValueType.I32);
        break;
      }
      case WasmOp.MemorySize:
        memory(reader.index);
        push(ValueType.I32);
        break;
      case WasmOp.MemoryGrow:
        memory(reader.index);
        pop(ValueType.I32);
        push(ValueType.I32);
        break;
      case WasmOp.I32Const:
        push(ValueType.I32);
        break;
      case WasmOp.I64Const:
        push(ValueType.I64);
        break;
      case WasmOp.F32Const:
        push(ValueType.F32);
        break;
      case WasmOp.F64Const:
        push(ValueType.F64);
        break;
      case WasmOp.RefNull:
        if (
          reader.selectType !== ValueType.FunctionReference &&
          reader.selectType !== ValueType.ExternalReference
        )
          fail("not a reference type");
        push(reader.selectType);
        break;
      case WasmOp.RefIsNull: {
        const type = pop(UNKNOWN);
        if (
          type !== UNKNOWN &&
          type !== ValueType.FunctionReference &&
          type !== ValueType.ExternalReference
        )
          fail("operand is not a reference");
        push(ValueType.I32);
        break;
      }
      case WasmOp.RefFunc:
        if (!declared.has(reader.index))
          fail(`function ${reader.index} is not declared as referenced`);
        push(ValueType.FunctionReference);
        break;
      case WasmOp.MemoryInit:
        memory(reader.secondIndex);
        dataSegment(reader.index);
        popAll(THREE_I32);
        break;
      case WasmOp.DataDrop:
        dataSegment(reader.index);
        break;
      case WasmOp.MemoryCopy:
        memory(reader.index);
        memory(reader.secondIndex);
        popAll(THREE_I32);
        break;
      case WasmOp.MemoryFill:
        memory(reader.index);
        popAll(THREE_I32);
        break;
      case WasmOp.TableInit:
        if (table(reader.secondIndex) !== elementSegment(reader.index))
          fail("the segment's elements are not of the table's type");
        popAll(THREE_I32);
        break;
      case WasmOp.ElemDrop:
        elementSegment(reader.index);
        break;
      case WasmOp.TableCopy:
        if (table(reader.index) !== table(reader.secondIndex))
          fail("the tables have different types");
        popAll(THREE_I32);
        break;
      case WasmOp.TableGrow: {
        const type = table(reader.index);
        pop(ValueType.I32);
        pop(type);
        push(ValueType.I32);
        break;
      }
      case WasmOp.TableSize:
        table(reader.index);
        push(ValueType.I32);
        break;
      case WasmOp.TableFill: {
        const type = table(reader.index);
        pop(ValueType.I32);
        pop(type);
        pop(ValueType.I32);
        break;
      }
      default:
        fail("not allowed here");
    }
  }
  if (!reader.isAtEnd) reader.fail("bytes are left over behind the end of the function");

  /**
   * For br_table: an unknown operand stays unknown, so that it may serve labels of different types.
   */
  function popUnlessUnknown(expected: ValueType): OperandType {
    const frame = top();
    if (operands.length === frame.height && frame.unreachable) return UNKNOWN;
    const actual = operands[operands.length - 1];
    pop(expected);
    return actual === UNKNOWN ? UNKNOWN : expected;
  }
}

const THREE_I32 = [ValueType.I32, ValueType.I32, ValueType.I32];

function sameTypes(left: readonly ValueType[], right: readonly ValueType[]): boolean {
  return left.length === right.length && left.every((type, i) => type === right[i]);
}
