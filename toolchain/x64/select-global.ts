import type { Instruction } from "../ir/function.ts";
import { GLOBALS_SYMBOL } from "../ir/machine-code.ts";
import type { IrModule } from "../ir/module.ts";
import { Type } from "../ir/opcode.ts";
import { type Address, NO_ADDRESS, symbolAddress } from "./instruction-builder.ts";
import { MachineOp } from "./machine-op.ts";
import { type Rule, rule } from "./rule.ts";
import type { Selector } from "./select.ts";
import { widthOf } from "./type-width.ts";

/** Where the mutable global `index` lives: 8 bytes in the section of globals, or behind fs in the thread's own block. */
export function globalAddress(module: IrModule, index: number): Address {
  const { threadLocal } = module.globals[index]!;
  let rank = 0;
  for (let i = 0; i < index; i++) {
    const other = module.globals[i]!;
    if (other.mutable && other.threadLocal === threadLocal) rank++;
  }
  return threadLocal ? { ...NO_ADDRESS, threadBlock: true, displacement: 8 * rank } : symbolAddress(GLOBALS_SYMBOL, 8 * rank);
}

export const GLOBAL_GET_RULES: readonly Rule[] = [
  rule("global get: immutable", (select: Selector, at: Instruction) => {
    const global = select.module.globals[select.fn.immediate(at)]!;
    if (global.mutable) return false;
    const builder = select.emit(MachineOp.MoveImmediate, widthOf(global.type)).define(select.result(at));
    builder.immediate(Number(BigInt.asIntN(32, global.initial)));
    builder.instruction.immediateHigh = global.type === Type.I64 ? Number(BigInt.asIntN(32, global.initial >> 32n)) : 0;
    select.machine.rematerializable[select.result(at)] = builder.instruction;
    return true;
  }),
  rule("global get", (select: Selector, at: Instruction) => {
    const index = select.fn.immediate(at);
    select.emit(MachineOp.Move, widthOf(select.module.globals[index]!.type)).define(select.result(at))
      .source({ kind: "memory", address: globalAddress(select.module, index), load: -1 });
    return true;
  }),
];

export const GLOBAL_SET_RULES: readonly Rule[] = [
  rule("global set", (select: Selector, at: Instruction) => {
    const index = select.fn.immediate(at);
    const value = select.fn.operand(at, 0);
    const immediate = select.immediate(value);
    const width = widthOf(select.module.globals[index]!.type);
    const address = globalAddress(select.module, index);
    if (immediate !== null) select.emit(MachineOp.Store, width).source({ kind: "immediate", value: immediate }).memory(address);
    else {
      const register = width === 8 ? select.register(value) : select.lowHalf(value);
      select.emit(MachineOp.Store, width).registerSource({ kind: "register", register }).memory(address);
    }
    return true;
  }),
];
