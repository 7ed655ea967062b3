/**
 * Validates a decoded module as the standard's appendix does: indices, constant expressions and, by
 * `validate-function.ts`, every function body. A module that passes can be translated without
 * further checks of types or indices.
 */
import { wasmError } from "./byte-reader.ts";
import { type ConstantExpression, ValueType, type WasmModule } from "./types.ts";
import { validateFunction } from "./validate-function.ts";

export function validateModule(module: WasmModule): void {
  const fail = (offset: number, message: string): never => {
    throw wasmError(module.file, offset, message);
  };

  if (module.memories.length > 1) fail(0, "a module may have one memory");
  validateExports(module, fail);
  if (module.start !== null) {
    const type = module.types[module.functionTypes[module.start] ?? -1];
    if (type === undefined) fail(0, `start function ${module.start} does not exist`);
    else if (type.parameters.length + type.results.length > 0)
      fail(0, "the start function has parameters or results");
  }

  for (const global of module.globalDefinitions)
    constant(module, global.initial, global.type, fail);
  for (const segment of module.elements) {
    if (segment.place !== null) {
      const table = module.tables[segment.place.index];
      if (table === undefined) fail(segment.offset, `table ${segment.place.index} does not exist`);
      else if (table.elementType !== segment.elementType)
        fail(segment.offset, "the segment's elements are not of the table's type");
      constant(module, segment.place.offset, ValueType.I32, fail);
    }
    for (const entry of segment.entries) constant(module, entry, segment.elementType, fail);
  }
  for (const segment of module.data) {
    if (segment.place === null) continue;
    if (segment.place.index >= module.memories.length)
      fail(segment.offset, `memory ${segment.place.index} does not exist`);
    constant(module, segment.place.offset, ValueType.I32, fail);
  }

  const declared = declaredFunctions(module);
  for (let i = 0; i < module.bodies.length; i++)
    validateFunction(module, module.bodies[i]!, declared);
}

type Fail = (offset: number, message: string) => never;

function validateExports(module: WasmModule, fail: Fail): void {
  const counts = {
    function: module.functionTypes.length,
    table: module.tables.length,
    memory: module.memories.length,
    global: module.globals.length,
  };
  const seen = new Set<string>();
  for (const { name, kind, index, offset } of module.exports) {
    if (seen.has(name)) fail(offset, `export ${JSON.stringify(name)} is repeated`);
    seen.add(name);
    if (index >= counts[kind]) fail(offset, `exported ${kind} ${index} does not exist`);
  }
}

const TYPE_OF_CONSTANT = {
  i32: ValueType.I32,
  i64: ValueType.I64,
  f32: ValueType.F32,
  f64: ValueType.F64,
};

function constant(
  module: WasmModule,
  expression: ConstantExpression,
  expected: ValueType,
  fail: Fail,
): void {
  const { offset } = expression;
  let type: ValueType;
  if (expression.kind === "global") {
    const global = module.globals[expression.index];
    if (global === undefined) return fail(offset, `global ${expression.index} does not exist`);
    if (expression.index >= module.importedGlobalCount)
      fail(offset, "only imported globals may stand in a constant expression");
    if (global.mutable) fail(offset, "a mutable global may not stand in a constant expression");
    type = global.type;
  } else if (expression.kind === "function") {
    if (expression.index >= module.functionTypes.length)
      fail(offset, `function ${expression.index} does not exist`);
    type = ValueType.FunctionReference;
  } else if (expression.kind === "null") {
    type = expression.type;
  } else type = TYPE_OF_CONSTANT[expression.kind];
  if (type !== expected)
    fail(offset, `expected a constant of type ${ValueType[expected]}, found ${ValueType[type]}`);
}

/** Functions that `ref.func` may name: those that occur outside of bodies. */
function declaredFunctions(module: WasmModule): ReadonlySet<number> {
  const declared = new Set<number>();
  for (const { kind, index } of module.exports) if (kind === "function") declared.add(index);
  for (const segment of module.elements)
    for (const entry of segment.entries) if (entry.kind === "function") declared.add(entry.index);
  for (const { initial } of module.globalDefinitions)
    if (initial.kind === "function") declared.add(initial.index);
  return declared;
}
