/**
 * Which IR operation each plain wasm instruction becomes. What is not here (floats) is refused by
 * the builder.
 */
import { PLAIN_OPERATIONS } from "../wasm/instruction-set.ts";
import { Opcode, Type } from "./opcode.ts";

interface IrOperation {
  readonly op: Opcode;
  /** The instruction's type column. */
  readonly type: Type;
  readonly result: Type;
}

const SIMPLE: Readonly<Record<string, Opcode>> = {
  add: Opcode.Add,
  sub: Opcode.Sub,
  mul: Opcode.Mul,
  and: Opcode.And,
  or: Opcode.Or,
  xor: Opcode.Xor,
  shl: Opcode.Shl,
  shr_s: Opcode.ShrS,
  shr_u: Opcode.ShrU,
  rotl: Opcode.Rotl,
  rotr: Opcode.Rotr,
  div_s: Opcode.DivS,
  div_u: Opcode.DivU,
  rem_s: Opcode.RemS,
  rem_u: Opcode.RemU,
  clz: Opcode.Clz,
  ctz: Opcode.Ctz,
  popcnt: Opcode.Popcnt,
  extend8_s: Opcode.Extend8S,
  extend16_s: Opcode.Extend16S,
  extend32_s: Opcode.Extend32S,
};

/** The type column is that of the operands, the result is a boolean. */
const COMPARISONS: Readonly<Record<string, Opcode>> = {
  eqz: Opcode.Eqz,
  eq: Opcode.Eq,
  ne: Opcode.Ne,
  lt_s: Opcode.LtS,
  lt_u: Opcode.LtU,
  gt_s: Opcode.GtS,
  gt_u: Opcode.GtU,
  le_s: Opcode.LeS,
  le_u: Opcode.LeU,
  ge_s: Opcode.GeS,
  ge_u: Opcode.GeU,
};

const MEMORY: Readonly<Record<string, Opcode>> = {
  load8_s: Opcode.Load8S,
  load8_u: Opcode.Load8U,
  load16_s: Opcode.Load16S,
  load16_u: Opcode.Load16U,
  load32_s: Opcode.Load32S,
  load32_u: Opcode.Load32U,
  store8: Opcode.Store8,
  store16: Opcode.Store16,
  store32: Opcode.Store32,
};

/** By wasm opcode. */
export const IR_OPERATIONS: ReadonlyMap<number, IrOperation> = new Map(
  [...PLAIN_OPERATIONS].flatMap(([opcode, { name }]) => {
    const operation = translate(name);
    return operation === null ? [] : [[opcode, operation] as const];
  }),
);

function translate(name: string): IrOperation | null {
  const [prefix, word] = name.split(".") as [string, string];
  if (prefix !== "i32" && prefix !== "i64") return null;
  const type = prefix === "i32" ? Type.I32 : Type.I64;
  const full =
    type === Type.I32
      ? ([Opcode.Load32U, Opcode.Store32] as const)
      : ([Opcode.Load64, Opcode.Store64] as const);
  if (word === "load") return { op: full[0], type, result: type };
  if (word === "store") return { op: full[1], type, result: Type.None };
  if (word === "wrap_i64") return { op: Opcode.Wrap, type, result: type };
  if (word === "extend_i32_s") return { op: Opcode.ExtendS, type, result: type };
  if (word === "extend_i32_u") return { op: Opcode.ExtendU, type, result: type };
  if (SIMPLE[word] !== undefined) return { op: SIMPLE[word], type, result: type };
  if (COMPARISONS[word] !== undefined) return { op: COMPARISONS[word], type, result: Type.I32 };
  if (MEMORY[word] !== undefined)
    return { op: MEMORY[word], type, result: word.startsWith("store") ? Type.None : type };
  return null;
}
