import type { Instruction, Value } from "../../ir/function.ts";
import { LINEAR_BASE_SYMBOL, TrapKind } from "../../ir/machine-code.ts";
import { bitLength } from "../../ir/known-bits.ts";
import { Opcode, Type } from "../../ir/opcode.ts";
import { Condition } from "../machine/condition.ts";
import { declareCoverage, hit } from "../machine/coverage.ts";
import { type Address, NO_ADDRESS } from "../machine/instruction-builder.ts";
import { NO_REGISTER } from "../machine/machine-function.ts";
import { MachineOp } from "../machine/machine-op.ts";
import type { RootSelection } from "./root-selection.ts";

/**
 * Offsets and constants up to this size may be added in any order: a sum that wraps reaches only
 * the first 64 KiB, which are never mapped, or the guard.
 */
const NULL_BYTES = 65536;
/** Where the target linux puts linear memory. */
const LINUX_LINEAR_BASE = 0x1000_0000;
/**
 * Constants beyond this are not folded, so that displacement and linear base stay within 32 bits.
 */
const FOLDED_CONSTANT_MAX = 0x4000_0000;

const ACCESS_BYTES: Partial<Record<Opcode, number>> = {
  [Opcode.Load8S]: 1,
  [Opcode.Load8U]: 1,
  [Opcode.Load16S]: 2,
  [Opcode.Load16U]: 2,
  [Opcode.Load32S]: 4,
  [Opcode.Load32U]: 4,
  [Opcode.Load64]: 8,
  [Opcode.Store8]: 1,
  [Opcode.Store16]: 2,
  [Opcode.Store32]: 4,
  [Opcode.Store64]: 8,
};

for (const name of [
  "address: constant",
  "address: constant folded into 64-bit address",
  "address: base + index",
  "address: base + scaled index",
  "address: base + constant under 67h",
  "address: scaled index under 67h",
  "address: register",
  "address: constant of a sum that does not wrap",
  "address: offset above 2 GiB",
])
  declareCoverage(name);

/**
 * The memory operand of a load or store: address operand plus memarg offset.
 *
 * Wasm adds the offset to the 32-bit address without wrapping. With a small offset (offset + size ≤
 * 64 KiB) a machine sum may wrap all the same: where wasm would be out of bounds, it then reaches
 * the first 64 KiB, which are never mapped. Address arithmetic of the program itself wraps at 32
 * bits: it goes under 67h, or is a constant so small that the sum ends in the guard behind the
 * window.
 */
export function linearAddress(select: RootSelection, access: Instruction): Address {
  const address = select.fn.operand(access, 0);
  const offset = select.fn.immediate(access) >>> 0;
  return addressOfValue(select, address, offset, ACCESS_BYTES[select.fn.opcode(access)] ?? 8);
}

/**
 * An address with nothing folded into it, for accesses that are not loads or stores of the IR. The
 * offset must be small.
 */
export function plainAddress(select: RootSelection, address: Value, offset: number): Address {
  return { ...windowOf(select), base: select.register(address), displacement: offset };
}

function windowOf(select: RootSelection): Address {
  switch (select.module.target) {
    case "kernel":
      return { ...NO_ADDRESS, window: true };
    case "linux":
      return { ...NO_ADDRESS, symbol: LINEAR_BASE_SYMBOL, absolute: true };
    case "domain":
      return NO_ADDRESS;
  }
}

function addressOfValue(
  select: RootSelection,
  address: Value,
  offset: number,
  bytes: number,
): Address {
  const window = windowOf(select);
  const base = select.module.target === "linux" ? LINUX_LINEAR_BASE : 0;
  const { lowPagesUsed, maximumPages } = select.module.memory;
  const isSmall = offset + bytes <= NULL_BYTES && (!lowPagesUsed || offset === 0);
  const mayUse32 =
    isSmall && select.module.target !== "kernel" && maximumPages * 65536 <= 2 ** 32 - base;

  const constant = select.constant(address);
  if (constant !== null && Number(constant) + offset + base < 2 ** 31) {
    hit("address: constant");
    return {
      ...window,
      address32: select.module.target !== "kernel",
      displacement: Number(constant) + offset,
    };
  }

  if (
    select.opcodeOf(address) === Opcode.Add &&
    select.isOnlyAddress(address) &&
    !select.isDemanded(address)
  ) {
    const left = select.operandOf(address, 0);
    const right = select.operandOf(address, 1);
    const addend = select.constant(right);
    if (addend !== null) {
      const low = Number(BigInt.asIntN(32, addend));
      if (low >= 0 && low + offset + bytes <= NULL_BYTES && !lowPagesUsed) {
        hit("address: constant folded into 64-bit address");
        return addressOfValue(select, left, offset + low, bytes);
      }
      // A sum that is known not to wrap is the same in 64 bits, so its constant can be an offset.
      if (
        low >= 0 &&
        low + offset + base < 2 ** 31 &&
        2 ** bitLength(select.fn, left) + low <= 2 ** 32
      ) {
        hit("address: constant of a sum that does not wrap");
        return addressOfValue(select, left, offset + low, bytes);
      }
      if (mayUse32 && Math.abs(low) < FOLDED_CONSTANT_MAX)
        return folded32(select, left, low + offset, window);
    } else if (mayUse32 && select.isInThisBlock(address)) {
      return sum32(select, left, right, offset, window);
    }
  }
  if (mayUse32 && scaleOf(select, address) !== null && select.isInThisBlock(address)) {
    return folded32(select, address, offset, window);
  }

  if (offset + base < 2 ** 31) {
    hit("address: register");
    return { ...window, base: select.register(address), displacement: offset };
  }
  return largeOffset(select, address, offset, window);
}

/** [value + displacement] under 67h, where value may itself be a sum or a scaled index. */
function folded32(
  select: RootSelection,
  value: Value,
  displacement: number,
  window: Address,
): Address {
  if (
    select.opcodeOf(value) === Opcode.Add &&
    select.isFoldable(value, Opcode.Add) &&
    select.constant(select.operandOf(value, 1)) === null
  ) {
    return sum32(
      select,
      select.operandOf(value, 0),
      select.operandOf(value, 1),
      displacement,
      window,
    );
  }
  const scale = scaleOf(select, value);
  if (scale !== null && select.isFoldable(value, Opcode.Shl)) {
    hit("address: scaled index under 67h");
    return {
      ...window,
      address32: true,
      index: select.lowHalf(select.operandOf(value, 0)),
      scale,
      displacement,
    };
  }
  hit("address: base + constant under 67h");
  return { ...window, address32: true, base: select.lowHalf(value), displacement };
}

/** [left + right + displacement] under 67h. */
function sum32(
  select: RootSelection,
  left: Value,
  right: Value,
  displacement: number,
  window: Address,
): Address {
  if (scaleOf(select, left) !== null && scaleOf(select, right) === null)
    return sum32(select, right, left, displacement, window);
  const scale = scaleOf(select, right);
  if (scale !== null) {
    hit("address: base + scaled index");
    return {
      ...window,
      address32: true,
      base: select.lowHalf(left),
      index: select.lowHalf(select.operandOf(right, 0)),
      scale,
      displacement,
    };
  }
  if (select.isFoldable(left, Opcode.Add)) {
    const addend = select.immediate(select.operandOf(left, 1));
    if (addend !== null && Math.abs(addend + displacement) < FOLDED_CONSTANT_MAX) {
      return sum32(select, select.operandOf(left, 0), right, displacement + addend, window);
    }
  }
  if (select.isFoldable(right, Opcode.Add)) {
    const addend = select.immediate(select.operandOf(right, 1));
    if (addend !== null && Math.abs(addend + displacement) < FOLDED_CONSTANT_MAX) {
      return sum32(select, left, select.operandOf(right, 0), displacement + addend, window);
    }
  }
  hit("address: base + index");
  return {
    ...window,
    address32: true,
    base: select.lowHalf(left),
    index: select.lowHalf(right),
    displacement,
  };
}

/** 2, 4 or 8 if `value` is a shift left by 1, 2 or 3 that can be an index; else null. */
function scaleOf(select: RootSelection, value: Value): 2 | 4 | 8 | null {
  if (!select.isFoldable(value, Opcode.Shl)) return null;
  const count = select.constant(select.operandOf(value, 1));
  if (count === null) return null;
  const masked = Number(count) & 31;
  return masked >= 1 && masked <= 3 ? ((1 << masked) as 2 | 4 | 8) : null;
}

/**
 * For offsets that a displacement cannot hold: the sum is made in a register. A sum beyond 4 GiB is
 * out of bounds and traps.
 */
function largeOffset(
  select: RootSelection,
  address: Value,
  offset: number,
  window: Address,
): Address {
  hit("address: offset above 2 GiB");
  const constant = select.temporary(Type.I32);
  const sum = select.temporary(Type.I32);
  const load = select
    .emit(MachineOp.MoveImmediate, 4)
    .define(constant)
    .immediate(offset | 0);
  select.machine.rematerializable[constant] = load.instruction;
  select
    .emit(MachineOp.Add, 4)
    .defineTied(sum, constant)
    .registerSource({ kind: "register", register: select.register(address) });
  select.emit(MachineOp.TrapIf, 4).condition(Condition.Below).traps(TrapKind.OutOfBounds);
  return { ...window, base: sum, index: NO_REGISTER };
}
