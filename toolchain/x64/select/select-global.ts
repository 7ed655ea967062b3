import type { Instruction } from "../../ir/function.ts";
import { Opcode, Type } from "../../ir/opcode.ts";
import { globalAddress } from "./global-address.ts";
import { MachineOp, TO_MEMORY } from "../machine/machine-op.ts";
import { type Rule, rule } from "./rule.ts";
import type { Selector } from "./selector.ts";
import { widthOf } from "../machine/type-width.ts";

export const GLOBAL_GET_RULES: readonly Rule[] = [
  rule("global get: immutable", (select: Selector, at: Instruction) => {
    const global = select.module.globals[select.fn.immediate(at)]!;
    if (global.mutable) return false;
    const builder = select
      .emit(MachineOp.MoveImmediate, widthOf(global.type))
      .define(select.result(at));
    builder.immediate(Number(BigInt.asIntN(32, global.initial)));
    builder.instruction.immediateHigh =
      global.type === Type.I64 ? Number(BigInt.asIntN(32, global.initial >> 32n)) : 0;
    select.machine.rematerializable[select.result(at)] = builder.instruction;
    return true;
  }),
  rule("global get", (select: Selector, at: Instruction) => {
    const index = select.fn.immediate(at);
    select
      .emit(MachineOp.Move, widthOf(select.module.globals[index]!.type))
      .define(select.result(at))
      .source({ kind: "memory", address: globalAddress(select.module, index), load: -1 });
    return true;
  }),
];

export const GLOBAL_SET_RULES: readonly Rule[] = [
  rule("global set: operation in memory", (select: Selector, at: Instruction) => {
    const { fn } = select;
    const index = fn.immediate(at);
    const value = fn.operand(at, 0);
    const definition = fn.definition(value);
    const op = definition === -1 ? undefined : TO_MEMORY[fn.opcode(definition)];
    if (
      definition === -1 ||
      op === undefined ||
      !select.hasSingleUse(value) ||
      !select.isInThisBlock(value) ||
      select.isDemanded(value)
    )
      return false;
    const [left, right] = [fn.operand(definition, 0), fn.operand(definition, 1)];
    if (
      !select.isFoldableLoad(left, Opcode.GlobalGet) ||
      fn.immediate(fn.definition(left) as Instruction) !== index
    )
      return false;
    select.leaveOutLoad(left);
    const immediate = select.immediate(right);
    const source =
      immediate !== null
        ? ({ kind: "immediate", value: immediate } as const)
        : ({ kind: "register", register: select.input(right) } as const);
    select
      .emit(op, widthOf(select.module.globals[index]!.type))
      .toMemory()
      .registerSource(source)
      .memory(globalAddress(select.module, index));
    return true;
  }),
  rule("global set", (select: Selector, at: Instruction) => {
    const index = select.fn.immediate(at);
    const value = select.fn.operand(at, 0);
    const immediate = select.immediate(value);
    const width = widthOf(select.module.globals[index]!.type);
    const address = globalAddress(select.module, index);
    if (immediate !== null)
      select
        .emit(MachineOp.Store, width)
        .source({ kind: "immediate", value: immediate })
        .memory(address);
    else {
      const register = width === 8 ? select.register(value) : select.lowHalf(value);
      select
        .emit(MachineOp.Store, width)
        .registerSource({ kind: "register", register })
        .memory(address);
    }
    return true;
  }),
];
