import type { Instruction, Value } from "../../ir/function.ts";
import { keyOf } from "../../ir/link-name.ts";
import { tableSymbol, TrapKind } from "../../ir/machine-code.ts";
import type { FunctionTable } from "../../ir/module.ts";
import { Type } from "../../ir/opcode.ts";
import type { InstructionBuilder } from "../machine/instruction-builder.ts";
import { symbolAddress } from "../machine/instruction-builder.ts";
import type { VirtualRegister } from "../machine/machine-function.ts";
import { MachineOp } from "../machine/machine-op.ts";
import {
  ARGUMENT_REGISTERS,
  CALL_CLOBBERS,
  Register,
  RESULT_REGISTERS,
} from "../machine/register.ts";
import { type Rule, rule } from "./rule.ts";
import type { Selector } from "./selector.ts";

/** Arguments beyond those in registers, last first, so that the first of them ends up lowest. */
function pushStackArguments(select: Selector, values: readonly Value[]): number {
  for (let i = values.length - 1; i >= ARGUMENT_REGISTERS.length; i--) {
    const immediate = select.immediate(values[i]!);
    // push imm32 extends the sign; a negative i32 would lose its clear upper half.
    if (immediate !== null && (immediate >= 0 || select.typeOf(values[i]!) === Type.I64)) {
      select.emit(MachineOp.Push, 8).source({ kind: "immediate", value: immediate });
    } else {
      select
        .emit(MachineOp.Push, 8)
        .registerSource({ kind: "register", register: select.register(values[i]!) });
    }
  }
  return 8 * Math.max(0, values.length - ARGUMENT_REGISTERS.length);
}

/**
 * Fixed definitions of a call's results. Code from other compilers may leave anything in the upper
 * half of an i32: the result of an external function is taken as 64 bits and extended afterwards.
 * `finish` makes those moves.
 */
function defineResults(
  select: Selector,
  at: Instruction,
  isExternal: boolean,
): { define: (builder: InstructionBuilder) => void; finish: () => void } {
  const { fn } = select;
  const count = fn.resultCount(at);
  if (count > RESULT_REGISTERS.length)
    select.refuse(
      at,
      `a call has ${count} results; at most ${RESULT_REGISTERS.length} are supported`,
    );
  const raw: VirtualRegister[] = [];
  for (let i = 0; i < count; i++) {
    const isUnproven = isExternal && fn.valueType(fn.result(at, i)) === Type.I32;
    raw.push(isUnproven ? select.temporary(Type.I64) : select.result(at, i));
  }
  return {
    define: (builder) =>
      raw.forEach((register, i) => builder.defineFixed(register, RESULT_REGISTERS[i]!)),
    finish: () =>
      raw.forEach((register, i) => {
        const result = select.result(at, i);
        if (register !== result)
          select.emit(MachineOp.Move, 4).define(result).source({ kind: "register", register });
      }),
  };
}

function useArguments(
  builder: InstructionBuilder,
  values: readonly Value[],
  registers: readonly VirtualRegister[],
): void {
  for (let i = 0; i < Math.min(values.length, ARGUMENT_REGISTERS.length); i++)
    builder.useFixed(registers[i]!, ARGUMENT_REGISTERS[i]!);
}

export const CALL_RULES: readonly Rule[] = [
  rule("call", (select: Selector, at: Instruction) => {
    const { fn } = select;
    const callee = select.module.functions[fn.immediate(at)]!;
    const values = Array.from({ length: fn.operandCount(at) }, (_, i) => fn.operand(at, i));
    const stackBytes = pushStackArguments(select, values);
    const registers = values
      .slice(0, ARGUMENT_REGISTERS.length)
      .map((value) => select.register(value));
    const results = defineResults(select, at, callee.kind === "external");
    const builder = select.emit(MachineOp.Call, 8).symbol(keyOf(callee));
    results.define(builder);
    useArguments(builder, values, registers);
    builder.clobber(CALL_CLOBBERS);
    builder.instruction.stackArgumentBytes = stackBytes;
    builder.instruction.signature = callee.signature;
    results.finish();
    return true;
  }),
];

/** Every entry that the bound check lets through has exactly this signature. */
function provesSignature(table: FunctionTable, signature: number): boolean {
  return (
    table.constant &&
    table.onlySignature === signature &&
    table.entries.length >= table.minimum &&
    table.entries.every((entry) => entry >= 0)
  );
}

function selectIndirectCall(select: Selector, at: Instruction, checksSignature: boolean): boolean {
  const { fn } = select;
  const signature = fn.immediate(at);
  const tableIndex = fn.auxiliaries.data[at]!;
  const table = select.module.tables[tableIndex]!;
  const operandCount = fn.operandCount(at);
  const values = Array.from({ length: operandCount - 1 }, (_, i) => fn.operand(at, i));
  const stackBytes = pushStackArguments(select, values);
  const registers = values
    .slice(0, ARGUMENT_REGISTERS.length)
    .map((value) => select.register(value));
  const index = select.register(fn.operand(at, operandCount - 1));
  const results = defineResults(select, at, false);
  const builder = select.emit(MachineOp.CallIndirect, 8).symbol(tableSymbol(tableIndex));
  results.define(builder);
  builder.instruction.temporaryOperand = builder.instruction.operandCount;
  builder.defineEarly(select.temporary(Type.I64));
  builder.useFixed(index, Register.rax);
  useArguments(builder, values, registers);
  builder.clobber(CALL_CLOBBERS);
  const { instruction } = builder;
  instruction.stackArgumentBytes = stackBytes;
  instruction.signature = signature;
  instruction.checksSignature = checksSignature;
  instruction.tableLength = table.constant ? table.minimum : -1;
  instruction.trap = TrapKind.IndirectCallBound;
  results.finish();
  return true;
}

export const CALL_INDIRECT_RULES: readonly Rule[] = [
  rule("call indirect: one signature", (select: Selector, at: Instruction) => {
    const table = select.module.tables[select.fn.auxiliaries.data[at]!]!;
    return provesSignature(table, select.fn.immediate(at)) && selectIndirectCall(select, at, false);
  }),
  rule("call indirect", (select: Selector, at: Instruction) =>
    selectIndirectCall(select, at, true),
  ),
];

export const TABLE_SIZE_RULES: readonly Rule[] = [
  rule("table size: constant", (select: Selector, at: Instruction) => {
    const table = select.module.tables[select.fn.immediate(at) & 0xffff]!;
    if (!table.constant) return false;
    const builder = select
      .emit(MachineOp.MoveImmediate, 4)
      .define(select.result(at))
      .immediate(table.minimum);
    select.machine.rematerializable[select.result(at)] = builder.instruction;
    return true;
  }),
  rule("table size", (select: Selector, at: Instruction) => {
    const symbol = `${tableSymbol(select.fn.immediate(at) & 0xffff)}.length`;
    select
      .emit(MachineOp.Move, 4)
      .define(select.result(at))
      .source({ kind: "memory", address: symbolAddress(symbol), load: -1 });
    return true;
  }),
];
