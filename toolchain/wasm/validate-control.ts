import type { BodyValidation, Check, OperandType } from "./body-validation.ts";
import { WasmOp } from "./instruction-set.ts";
import { ValueType } from "./types.ts";

/** Blocks, branches and calls. */
export const CONTROL_CHECKS: Readonly<Partial<Record<WasmOp, Check>>> = {
  [WasmOp.Unreachable]: (body) => body.unreachable(),
  [WasmOp.Nop]() {},
  [WasmOp.Block]: block,
  [WasmOp.Loop]: block,
  [WasmOp.If]: block,
  [WasmOp.Else](body) {
    if (body.frame.opcode !== WasmOp.If) body.fail("no if to belong to");
    const frame = body.leave();
    body.enter(WasmOp.Else, frame.start, frame.end);
  },
  [WasmOp.End](body) {
    const frame = body.leave();
    if (frame.opcode === WasmOp.If && !sameTypes(frame.start, frame.end))
      body.fail("an if without else must end with what it starts with");
    body.pushAll(frame.end);
  },
  [WasmOp.Branch](body) {
    body.popAll(body.label(body.reader.index));
    body.unreachable();
  },
  [WasmOp.BranchIf](body) {
    body.pop(ValueType.I32);
    const types = body.label(body.reader.index);
    body.popAll(types);
    body.pushAll(types);
  },
  [WasmOp.BranchTable]: branchTable,
  [WasmOp.Return](body) {
    body.popAll(body.results);
    body.unreachable();
  },
  [WasmOp.Call](body) {
    const type = body.function(body.reader.index);
    body.popAll(type.parameters);
    body.pushAll(type.results);
  },
  [WasmOp.CallIndirect](body) {
    if (body.table(body.reader.secondIndex) !== ValueType.FunctionReference)
      body.fail("the table does not hold functions");
    body.pop(ValueType.I32);
    const type = body.type(body.reader.index);
    body.popAll(type.parameters);
    body.pushAll(type.results);
  },
};

function block(body: BodyValidation): void {
  const { opcode } = body.reader;
  const type = body.blockType();
  if (opcode === WasmOp.If) body.pop(ValueType.I32);
  body.popAll(type.parameters);
  body.enter(opcode, type.parameters, type.results);
}

function branchTable(body: BodyValidation): void {
  body.pop(ValueType.I32);
  const { labels } = body.reader;
  const defaultTypes = body.label(labels.at(-1)!);
  // Each label once: a table of many entries must not cost the square of its size.
  for (const depth of new Set(labels)) {
    const types = body.label(depth);
    if (types.length !== defaultTypes.length)
      body.fail("labels take different numbers of operands");
    const popped: OperandType[] = [];
    for (let i = types.length - 1; i >= 0; i--) popped.push(body.popUnlessUnknown(types[i]!));
    body.pushAll(popped.reverse());
  }
  body.popAll(defaultTypes);
  body.unreachable();
}

function sameTypes(left: readonly ValueType[], right: readonly ValueType[]): boolean {
  return left.length === right.length && left.every((type, i) => type === right[i]);
}
