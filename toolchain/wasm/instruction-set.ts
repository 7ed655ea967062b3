import { ValueType } from "./types.ts";

/**
 * Opcodes with a meaning of their own; operations that only pop and push are in the table below.
 * Prefix 0xFC: 0xFC00 + number.
 */
export enum WasmOp {
  Unreachable = 0x00,
  Nop = 0x01,
  Block = 0x02,
  Loop = 0x03,
  If = 0x04,
  Else = 0x05,
  End = 0x0b,
  Branch = 0x0c,
  BranchIf = 0x0d,
  BranchTable = 0x0e,
  Return = 0x0f,
  Call = 0x10,
  CallIndirect = 0x11,
  Drop = 0x1a,
  Select = 0x1b,
  SelectTyped = 0x1c,
  LocalGet = 0x20,
  LocalSet = 0x21,
  LocalTee = 0x22,
  GlobalGet = 0x23,
  GlobalSet = 0x24,
  TableGet = 0x25,
  TableSet = 0x26,
  I32Load = 0x28,
  I64Store32 = 0x3e,
  MemorySize = 0x3f,
  MemoryGrow = 0x40,
  I32Const = 0x41,
  I64Const = 0x42,
  F32Const = 0x43,
  F64Const = 0x44,
  I32Eqz = 0x45,
  I64Extend32S = 0xc4,
  RefNull = 0xd0,
  RefIsNull = 0xd1,
  RefFunc = 0xd2,
  FirstPrefixed = 0xfc00,
  MemoryInit = 0xfc08,
  DataDrop = 0xfc09,
  MemoryCopy = 0xfc0a,
  MemoryFill = 0xfc0b,
  TableInit = 0xfc0c,
  ElemDrop = 0xfc0d,
  TableCopy = 0xfc0e,
  TableGrow = 0xfc0f,
  TableSize = 0xfc10,
  TableFill = 0xfc11,
}

interface PlainOperation {
  readonly name: string;
  readonly parameters: readonly ValueType[];
  readonly result: ValueType | null;
  /** Loads and stores: log2 of the access width; -1 for others. */
  readonly accessLog2: number;
}

const TYPE_OF_LETTER: Readonly<Record<string, ValueType>> = {
  i: ValueType.I32,
  l: ValueType.I64,
  f: ValueType.F32,
  d: ValueType.F64,
};

/** Operations with fixed operand and result types, by opcode. */
export const PLAIN_OPERATIONS: ReadonlyMap<number, PlainOperation> = new Map(build());

function* build(): Generator<[number, PlainOperation]> {
  // Loads and stores from 0x28 on: name, signature, log2 of the width.
  const memory: [string, string, number][] = [
    ["i32.load", "i:i", 2],
    ["i64.load", "i:l", 3],
    ["f32.load", "i:f", 2],
    ["f64.load", "i:d", 3],
    ["i32.load8_s", "i:i", 0],
    ["i32.load8_u", "i:i", 0],
    ["i32.load16_s", "i:i", 1],
    ["i32.load16_u", "i:i", 1],
    ["i64.load8_s", "i:l", 0],
    ["i64.load8_u", "i:l", 0],
    ["i64.load16_s", "i:l", 1],
    ["i64.load16_u", "i:l", 1],
    ["i64.load32_s", "i:l", 2],
    ["i64.load32_u", "i:l", 2],
    ["i32.store", "ii:", 2],
    ["i64.store", "il:", 3],
    ["f32.store", "if:", 2],
    ["f64.store", "id:", 3],
    ["i32.store8", "ii:", 0],
    ["i32.store16", "ii:", 1],
    ["i64.store8", "il:", 0],
    ["i64.store16", "il:", 1],
    ["i64.store32", "il:", 2],
  ];
  for (const [index, [name, signature, log2]] of memory.entries())
    yield [0x28 + index, operation(name, signature, log2)];

  // 0x45 … 0xC4 in the order of the standard.
  let opcode = 0x45;
  const run = function* (
    prefix: string,
    names: string,
    signature: string,
  ): Generator<[number, PlainOperation]> {
    for (const name of names.split(" "))
      yield [opcode++, operation(`${prefix}.${name}`, signature)];
  };
  const integerComparisons = "eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u";
  const floatComparisons = "eq ne lt gt le ge";
  const integerBinary = "add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u rotl rotr";
  const floatUnary = "abs neg ceil floor trunc nearest sqrt";
  const floatBinary = "add sub mul div min max copysign";
  yield* run("i32", "eqz", "i:i");
  yield* run("i32", integerComparisons, "ii:i");
  yield* run("i64", "eqz", "l:i");
  yield* run("i64", integerComparisons, "ll:i");
  yield* run("f32", floatComparisons, "ff:i");
  yield* run("f64", floatComparisons, "dd:i");
  yield* run("i32", "clz ctz popcnt", "i:i");
  yield* run("i32", integerBinary, "ii:i");
  yield* run("i64", "clz ctz popcnt", "l:l");
  yield* run("i64", integerBinary, "ll:l");
  yield* run("f32", floatUnary, "f:f");
  yield* run("f32", floatBinary, "ff:f");
  yield* run("f64", floatUnary, "d:d");
  yield* run("f64", floatBinary, "dd:d");
  yield* run("i32", "wrap_i64", "l:i");
  yield* run("i32", "trunc_f32_s trunc_f32_u", "f:i");
  yield* run("i32", "trunc_f64_s trunc_f64_u", "d:i");
  yield* run("i64", "extend_i32_s extend_i32_u", "i:l");
  yield* run("i64", "trunc_f32_s trunc_f32_u", "f:l");
  yield* run("i64", "trunc_f64_s trunc_f64_u", "d:l");
  yield* run("f32", "convert_i32_s convert_i32_u", "i:f");
  yield* run("f32", "convert_i64_s convert_i64_u", "l:f");
  yield* run("f32", "demote_f64", "d:f");
  yield* run("f64", "convert_i32_s convert_i32_u", "i:d");
  yield* run("f64", "convert_i64_s convert_i64_u", "l:d");
  yield* run("f64", "promote_f32", "f:d");
  yield* run("i32", "reinterpret_f32", "f:i");
  yield* run("i64", "reinterpret_f64", "d:l");
  yield* run("f32", "reinterpret_i32", "i:f");
  yield* run("f64", "reinterpret_i64", "l:d");
  yield* run("i32", "extend8_s extend16_s", "i:i");
  yield* run("i64", "extend8_s extend16_s extend32_s", "l:l");

  // Saturating conversions, 0xFC 0 … 7.
  opcode = WasmOp.FirstPrefixed;
  yield* run("i32", "trunc_sat_f32_s trunc_sat_f32_u", "f:i");
  yield* run("i32", "trunc_sat_f64_s trunc_sat_f64_u", "d:i");
  yield* run("i64", "trunc_sat_f32_s trunc_sat_f32_u", "f:l");
  yield* run("i64", "trunc_sat_f64_s trunc_sat_f64_u", "d:l");
}

function operation(name: string, signature: string, accessLog2 = -1): PlainOperation {
  const [parameters, result] = signature
    .split(":")
    .map((part) => [...part].map((letter) => TYPE_OF_LETTER[letter]!));
  return { name, parameters: parameters!, result: result![0] ?? null, accessLog2 };
}

/** Where the standard's word is not the enumeration's with a dot. */
const OTHER_NAMES: Readonly<Record<number, string>> = {
  [WasmOp.Branch]: "br",
  [WasmOp.BranchIf]: "br_if",
  [WasmOp.BranchTable]: "br_table",
  [WasmOp.CallIndirect]: "call_indirect",
  [WasmOp.SelectTyped]: "select",
  [WasmOp.RefIsNull]: "ref.is_null",
};

export function operationName(opcode: number): string {
  const plain = PLAIN_OPERATIONS.get(opcode);
  if (plain !== undefined) return plain.name;
  const word = WasmOp[opcode] ?? `0x${opcode.toString(16)}`;
  return OTHER_NAMES[opcode] ?? word.replace(/([a-z0-9])([A-Z])/g, "$1.$2").toLowerCase();
}

/** Why an opcode is not supported; for messages. */
export function unknownOpcode(opcode: number): string {
  if (opcode === 0xfd) return "vector instructions (SIMD) are not supported";
  if (opcode === 0xfe) return "atomic instructions are not supported";
  if (opcode === 0xfb) return "garbage-collected types are not supported";
  if (opcode >= 0x06 && opcode <= 0x0a) return "exception handling is not supported";
  if (opcode >= 0x12 && opcode <= 0x15)
    return "tail calls and typed function references are not supported";
  return `unknown instruction 0x${opcode.toString(16)}`;
}
