import type { Instruction, Value } from "../../ir/function.ts";
import { MEMORY_PAGES_SYMBOL, TrapKind } from "../../ir/machine-code.ts";
import { Opcode, Type } from "../../ir/opcode.ts";
import { type SourceOperand, symbolAddress } from "../machine/instruction-builder.ts";
import type { VirtualRegister } from "../machine/machine-function.ts";
import { MachineOp, TO_MEMORY } from "../machine/machine-op.ts";
import { CALL_CLOBBERS, Register } from "../machine/register.ts";
import { type Rule, rule } from "./rule.ts";
import { SMALL_COPY, SMALL_FILL } from "./select-small-copy.ts";
import type { Selector } from "./selector.ts";
import { widthOf } from "../machine/type-width.ts";

/**
 * The symbol that grows linear memory in the targets domain and linux: pages in edi, old size or -1
 * in eax.
 */
const MEMORY_GROW_SYMBOL = "trine_memory_grow";

function selectLoad(select: Selector, at: Instruction, op: MachineOp, width: number): boolean {
  const address = select.addressOf(at);
  select
    .emitMemoryAccess(op, width, TrapKind.OutOfBounds)
    .define(select.result(at))
    .source({ kind: "memory", address, load: at });
  return true;
}

function loadRule(name: string, op: MachineOp, widthFor: (type: Type) => number): readonly Rule[] {
  return [rule(name, (select, at) => selectLoad(select, at, op, widthFor(select.fn.type(at))))];
}

export const LOAD8_S_RULES = loadRule("load 8 bits signed", MachineOp.MoveSign8, widthOf);
export const LOAD8_U_RULES = loadRule("load 8 bits unsigned", MachineOp.MoveZero8, () => 4);
export const LOAD16_S_RULES = loadRule("load 16 bits signed", MachineOp.MoveSign16, widthOf);
export const LOAD16_U_RULES = loadRule("load 16 bits unsigned", MachineOp.MoveZero16, () => 4);
export const LOAD32_U_RULES = loadRule("load 32 bits", MachineOp.Move, () => 4);
export const LOAD64_RULES = loadRule("load 64 bits", MachineOp.Move, () => 8);
export const LOAD32_S_RULES: readonly Rule[] = [
  rule(
    "load 32 bits signed to i64",
    (select, at) =>
      select.fn.type(at) === Type.I64 && selectLoad(select, at, MachineOp.MoveSign32, 8),
  ),
  ...LOAD32_U_RULES,
];

function storeRules(bytes: number, loads: readonly Opcode[]): readonly Rule[] {
  return [
    rule(`store ${bytes * 8} bits: operation in memory`, (select: Selector, at: Instruction) =>
      selectInMemory(select, at, bytes, loads),
    ),

    rule(`store ${bytes * 8} bits: constant`, (select: Selector, at: Instruction) => {
      const value = select.fn.operand(at, 1);
      const immediate = bytes === 8 ? select.immediate(value) : lowBits(select, value, bytes);
      if (immediate === null) return false;
      const address = select.addressOf(at);
      select
        .emitMemoryAccess(MachineOp.Store, bytes, TrapKind.OutOfBounds)
        .source({ kind: "immediate", value: immediate })
        .memory(address);
      return true;
    }),

    rule(`store ${bytes * 8} bits`, (select: Selector, at: Instruction) => {
      const address = select.addressOf(at);
      const value =
        bytes === 8
          ? select.register(select.fn.operand(at, 1))
          : narrowInput(select, select.fn.operand(at, 1), bytes);
      select
        .emitMemoryAccess(MachineOp.Store, bytes, TrapKind.OutOfBounds)
        .registerSource({ kind: "register", register: value })
        .memory(address);
      return true;
    }),
  ];
}

/** The low `bytes` of a constant as a signed immediate. */
function lowBits(select: Selector, value: Value, bytes: number): number | null {
  const bits = select.constant(value);
  return bits === null ? null : Number(BigInt.asIntN(bytes * 8, bits));
}

/**
 * A register whose low `bytes` are those of `value`: what only touches the bits above is left out.
 */
function narrowInput(select: Selector, value: Value, bytes: number): VirtualRegister {
  let current = value;
  while (
    select.hasSingleUse(current) &&
    select.isInThisBlock(current) &&
    !select.isDemanded(current)
  ) {
    const op = select.opcodeOf(current);
    const mask = op === Opcode.And ? select.constant(select.operandOf(current, 1)) : null;
    const low = (1n << BigInt(bytes * 8)) - 1n;
    const isMask = mask !== null && (mask & low) === low;
    const isExtension =
      (op === Opcode.Extend8S && bytes === 1) ||
      (op === Opcode.Extend16S && bytes <= 2) ||
      op === Opcode.Extend32S ||
      op === Opcode.ExtendS ||
      op === Opcode.ExtendU ||
      op === Opcode.Wrap;
    if (!isMask && !isExtension) break;
    current = select.operandOf(current, 0);
  }
  return select.lowHalf(current);
}

/**
 * `store(p, op(load(p), x))` becomes `op [p], x`: the load is executed once, at the place of the
 * store. Nothing with an effect may stand between the two, and both must name the same address.
 */
function selectInMemory(
  select: Selector,
  at: Instruction,
  bytes: number,
  loads: readonly Opcode[],
): boolean {
  const { fn } = select;
  const value = fn.operand(at, 1);
  const definition = fn.definition(value);
  if (definition === -1) return false;
  const op = TO_MEMORY[fn.opcode(definition)];
  if (
    op === undefined ||
    !select.hasSingleUse(value) ||
    !select.isInThisBlock(value) ||
    select.isDemanded(value)
  )
    return false;
  const [left, right] = [fn.operand(definition, 0), fn.operand(definition, 1)];
  const isLoadHere = (candidate: Value): boolean => {
    if (!select.isFoldableLoad(candidate, ...loads)) return false;
    const load = fn.definition(candidate) as Instruction;
    return fn.operand(load, 0) === fn.operand(at, 0) && fn.immediate(load) === fn.immediate(at);
  };
  const [loaded, other] = isLoadHere(left)
    ? [left, right]
    : op !== MachineOp.Sub && isLoadHere(right)
      ? [right, left]
      : [null, right];
  if (loaded === null) return false;
  select.leaveOutLoad(loaded);
  const address = select.addressOf(at);
  const immediate = bytes === 8 ? select.immediate(other) : lowBits(select, other, bytes);
  const source: SourceOperand =
    immediate !== null
      ? { kind: "immediate", value: immediate }
      : {
          kind: "register",
          register: bytes === 8 ? select.register(other) : select.lowHalf(other),
        };
  const builder = select
    .emitMemoryAccess(op, bytes, TrapKind.OutOfBounds)
    .toMemory()
    .registerSource(source)
    .memory(address);
  builder.instruction.trapOrigin = fn.definition(loaded);
  return true;
}

export const STORE8_RULES = storeRules(1, [Opcode.Load8U, Opcode.Load8S]);
export const STORE16_RULES = storeRules(2, [Opcode.Load16U, Opcode.Load16S]);
export const STORE32_RULES = storeRules(4, [Opcode.Load32U, Opcode.Load32S]);
export const STORE64_RULES = storeRules(8, [Opcode.Load64]);

export const MEMORY_SIZE_RULES: readonly Rule[] = [
  rule("memory size", (select, at) => {
    select
      .emit(MachineOp.Move, 4)
      .define(select.result(at))
      .source({ kind: "memory", address: symbolAddress(MEMORY_PAGES_SYMBOL), load: -1 });
    return true;
  }),
];

export const MEMORY_GROW_RULES: readonly Rule[] = [
  rule("memory grow: never in the kernel", (select, at) => {
    if (select.module.target !== "kernel") return false;
    const builder = select.emit(MachineOp.MoveImmediate, 4).define(select.result(at)).immediate(-1);
    select.machine.rematerializable[select.result(at)] = builder.instruction;
    return true;
  }),
  rule("memory grow", (select, at) => {
    const pages = select.register(select.fn.operand(at, 0));
    const raw = select.temporary(Type.I64);
    select
      .emit(MachineOp.Call, 8)
      .defineFixed(raw, Register.rax)
      .useFixed(pages, Register.rdi)
      .clobber(CALL_CLOBBERS)
      .symbol(MEMORY_GROW_SYMBOL);
    select
      .emit(MachineOp.Move, 4)
      .define(select.result(at))
      .registerSource({ kind: "register", register: raw });
    return true;
  }),
];

/**
 * Both ranges are checked before the first byte is written. The count is checked as part of the
 * sums, which cannot wrap in 64 bits. Everything happens in fixed registers inside one instruction;
 * see `encode-string.ts`.
 */
export const MEMORY_COPY_RULES: readonly Rule[] = [
  SMALL_COPY,
  rule("memory copy", (select, at) => {
    const [to, from, count] = [0, 1, 2].map((i) => select.register(select.fn.operand(at, i)));
    select
      .emit(MachineOp.MemoryCopy, 4)
      .defineFixedEarly(select.temporary(Type.I64), Register.rdx)
      .defineFixedEarly(select.temporary(Type.I64), Register.rax)
      .useFixed(to!, Register.rdi)
      .useFixed(from!, Register.rsi)
      .useFixed(count!, Register.rcx)
      .clobber((1 << Register.rdi) | (1 << Register.rsi) | (1 << Register.rcx))
      .traps(TrapKind.OutOfBounds);
    return true;
  }),
];

export const MEMORY_FILL_RULES: readonly Rule[] = [
  SMALL_FILL,
  rule("memory fill", (select, at) => {
    const [to, byte, count] = [0, 1, 2].map((i) => select.register(select.fn.operand(at, i)));
    select
      .emit(MachineOp.MemoryFill, 4)
      .defineFixedEarly(select.temporary(Type.I64), Register.rdx)
      .useFixed(to!, Register.rdi)
      .useFixed(byte!, Register.rax)
      .useFixed(count!, Register.rcx)
      .clobber((1 << Register.rdi) | (1 << Register.rax) | (1 << Register.rcx))
      .traps(TrapKind.OutOfBounds);
    return true;
  }),
];
