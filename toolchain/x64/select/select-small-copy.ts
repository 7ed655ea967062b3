import type { Instruction } from "../../ir/function.ts";
import { TrapKind } from "../../ir/machine-code.ts";
import { Type } from "../../ir/opcode.ts";
import { plainAddress } from "./linear-address.ts";
import type { VirtualRegister } from "../machine/machine-function.ts";
import { MachineOp } from "../machine/machine-op.ts";
import { type Rule, rule } from "./rule.ts";
import type { Selector } from "./selector.ts";

/**
 * Copies and fills of at most this many bytes are loads and stores: four registers hold what a copy
 * moves.
 */
const SMALL_BYTES_MAX = 32;

/** Offsets and sizes of the accesses that make up `bytes` bytes, the widest first. */
function accesses(bytes: number): { offset: number; width: 1 | 2 | 4 | 8 }[] {
  const result: { offset: number; width: 1 | 2 | 4 | 8 }[] = [];
  for (let offset = 0; offset < bytes; ) {
    const width = ([8, 4, 2, 1] as const).find((candidate) => offset + candidate <= bytes)!;
    result.push({ offset, width });
    offset += width;
  }
  return result;
}

/** The number of bytes, if it is a small constant. */
function smallCount(select: Selector, at: Instruction): number | null {
  const count = select.constant(select.fn.operand(at, 2));
  return count === null || count === 0n || count > BigInt(SMALL_BYTES_MAX) ? null : Number(count);
}

/**
 * All loads come before all stores, so that ranges may overlap and a source out of bounds traps
 * before any store. The stores go from the end downwards: if memory ends inside the destination,
 * the first store traps and nothing is written.
 */
export const SMALL_COPY: Rule = rule("memory copy: few bytes", (select, at) => {
  const count = smallCount(select, at);
  if (count === null) return false;
  const [to, from] = [select.fn.operand(at, 0), select.fn.operand(at, 1)];
  const pieces = accesses(count).map(({ offset, width }) => {
    const register: VirtualRegister = select.temporary(width === 8 ? Type.I64 : Type.I32);
    const op =
      width === 1 ? MachineOp.MoveZero8 : width === 2 ? MachineOp.MoveZero16 : MachineOp.Move;
    select
      .emitMemoryAccess(op, width === 8 ? 8 : 4, TrapKind.OutOfBounds)
      .define(register)
      .source({ kind: "memory", address: plainAddress(select, from, offset), load: -1 });
    return { offset, width, register };
  });
  for (const { offset, width, register } of pieces.toReversed()) {
    select
      .emitMemoryAccess(MachineOp.Store, width, TrapKind.OutOfBounds)
      .registerSource({ kind: "register", register })
      .memory(plainAddress(select, to, offset));
  }
  return true;
});

/**
 * Fills with a constant byte, from the end too. Eight bytes are one immediate if all their bits are
 * equal.
 */
export const SMALL_FILL: Rule = rule("memory fill: few bytes", (select, at) => {
  const count = smallCount(select, at);
  const byte = select.constant(select.fn.operand(at, 1));
  if (count === null || byte === null) return false;
  const to = select.fn.operand(at, 0);
  const pattern = (byte & 0xffn) * 0x0101_0101n;
  for (const { offset, width } of accesses(count).toReversed()) {
    const isTwoHalves = width === 8 && pattern !== 0n && pattern !== 0xffff_ffffn;
    for (const half of isTwoHalves ? [4, 0] : [0]) {
      const bytes = isTwoHalves ? 4 : width;
      select
        .emitMemoryAccess(MachineOp.Store, bytes, TrapKind.OutOfBounds)
        .source({
          kind: "immediate",
          value: Number(BigInt.asIntN(Math.min(bytes, 4) * 8, pattern)),
        })
        .memory(plainAddress(select, to, offset + half));
    }
  }
  return true;
});
