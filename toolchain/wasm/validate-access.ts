import { type BodyValidation, type Check, type OperandType, UNKNOWN } from "./body-validation.ts";
import { WasmOp } from "./instruction-set.ts";
import { ValueType } from "./types.ts";

const { I32, FunctionReference, ExternalReference } = ValueType;
const THREE_I32 = [I32, I32, I32];

const isReference = (type: OperandType): boolean =>
  type === FunctionReference || type === ExternalReference;

/** Constants, and operands that an instruction drops or chooses from. */
export const OPERAND_CHECKS: Readonly<Partial<Record<WasmOp, Check>>> = {
  [WasmOp.I32Const]: (body) => body.push(I32),
  [WasmOp.I64Const]: (body) => body.push(ValueType.I64),
  [WasmOp.F32Const]: (body) => body.push(ValueType.F32),
  [WasmOp.F64Const]: (body) => body.push(ValueType.F64),
  [WasmOp.Drop](body) {
    body.pop(UNKNOWN);
  },
  [WasmOp.Select]: select,
  [WasmOp.SelectTyped](body) {
    const { selectType } = body.reader;
    body.pop(I32);
    body.pop(selectType);
    body.pop(selectType);
    body.push(selectType);
  },
  [WasmOp.RefNull](body) {
    const { selectType } = body.reader;
    if (!isReference(selectType)) body.fail("not a reference type");
    body.push(selectType);
  },
  [WasmOp.RefIsNull](body) {
    const type = body.pop(UNKNOWN);
    if (type !== UNKNOWN && !isReference(type)) body.fail("operand is not a reference");
    body.push(I32);
  },
  [WasmOp.RefFunc](body) {
    const { index } = body.reader;
    if (!body.declared.has(index)) body.fail(`function ${index} is not declared as referenced`);
    body.push(FunctionReference);
  },
};

function select(body: BodyValidation): void {
  body.pop(I32);
  const first = body.pop(UNKNOWN);
  const second = body.pop(UNKNOWN);
  if (isReference(first) || isReference(second)) body.fail("references need a select with a type");
  if (first !== second && first !== UNKNOWN && second !== UNKNOWN)
    body.fail("operands have different types");
  body.push(first === UNKNOWN ? second : first);
}

/** Locals and globals. */
export const VARIABLE_CHECKS: Readonly<Partial<Record<WasmOp, Check>>> = {
  [WasmOp.LocalGet]: (body) => body.push(body.local(body.reader.index)),
  [WasmOp.LocalSet](body) {
    body.pop(body.local(body.reader.index));
  },
  [WasmOp.LocalTee](body) {
    const type = body.local(body.reader.index);
    body.pop(type);
    body.push(type);
  },
  [WasmOp.GlobalGet]: (body) => body.push(body.global(body.reader.index).type),
  [WasmOp.GlobalSet](body) {
    const global = body.global(body.reader.index);
    if (!global.mutable) body.fail("the global is immutable");
    body.pop(global.type);
  },
};

/** Memory as a whole; loads and stores are plain operations. */
export const MEMORY_CHECKS: Readonly<Partial<Record<WasmOp, Check>>> = {
  [WasmOp.MemorySize](body) {
    body.memory(body.reader.index);
    body.push(I32);
  },
  [WasmOp.MemoryGrow](body) {
    body.memory(body.reader.index);
    body.pop(I32);
    body.push(I32);
  },
  [WasmOp.MemoryInit](body) {
    body.memory(body.reader.secondIndex);
    body.dataSegment(body.reader.index);
    body.popAll(THREE_I32);
  },
  [WasmOp.DataDrop]: (body) => body.dataSegment(body.reader.index),
  [WasmOp.MemoryCopy](body) {
    body.memory(body.reader.index);
    body.memory(body.reader.secondIndex);
    body.popAll(THREE_I32);
  },
  [WasmOp.MemoryFill](body) {
    body.memory(body.reader.index);
    body.popAll(THREE_I32);
  },
};

export const TABLE_CHECKS: Readonly<Partial<Record<WasmOp, Check>>> = {
  [WasmOp.TableGet](body) {
    const type = body.table(body.reader.index);
    body.pop(I32);
    body.push(type);
  },
  [WasmOp.TableSet](body) {
    body.pop(body.table(body.reader.index));
    body.pop(I32);
  },
  [WasmOp.TableInit](body) {
    if (body.table(body.reader.secondIndex) !== body.elementSegment(body.reader.index))
      body.fail("the segment's elements are not of the table's type");
    body.popAll(THREE_I32);
  },
  [WasmOp.ElemDrop](body) {
    body.elementSegment(body.reader.index);
  },
  [WasmOp.TableCopy](body) {
    if (body.table(body.reader.index) !== body.table(body.reader.secondIndex))
      body.fail("the tables have different types");
    body.popAll(THREE_I32);
  },
  [WasmOp.TableGrow](body) {
    const type = body.table(body.reader.index);
    body.pop(I32);
    body.pop(type);
    body.push(I32);
  },
  [WasmOp.TableSize](body) {
    body.table(body.reader.index);
    body.push(I32);
  },
  [WasmOp.TableFill](body) {
    const type = body.table(body.reader.index);
    body.pop(I32);
    body.pop(type);
    body.pop(I32);
  },
};
