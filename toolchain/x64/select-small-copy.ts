import type { Instruction, Value } from "../ir/function.ts";
import { MEMORY_PAGES_SYMBOL, TrapKind } from "../ir/machine-code.ts";
import { Type } from "../ir/opcode.ts";
import { Condition } from "./condition.ts";
import { symbolAddress } from "./instruction-builder.ts";
import { plainAddress } from "./linear-address.ts";
import type { VirtualRegister } from "./machine-function.ts";
import { MachineOp } from "./machine-op.ts";
import { type Rule, rule } from "./rule.ts";
import type { Selector } from "./select.ts";

/** Copies and fills of at most this many bytes are loads and stores: four registers hold what a copy moves. */
const SMALL_BYTES_MAX = 32;
const PAGE_SHIFT = 16;

/** Offsets and sizes of the accesses that make up `bytes` bytes, the widest first. */
function accesses(bytes: number): { offset: number; width: 1 | 2 | 4 | 8 }[] {
  const result: { offset: number; width: 1 | 2 | 4 | 8 }[] = [];
  for (let offset = 0; offset < bytes;) {
    const width = ([8, 4, 2, 1] as const).find((candidate) => offset + candidate <= bytes)!;
    result.push({ offset, width });
    offset += width;
  }
  return result;
}

/** The number of bytes, if it is a small constant and the destination can be checked in front. */
function smallCount(select: Selector, at: Instruction): number | null {
  const count = select.constant(select.fn.operand(at, 2));
  if (count === null || count === 0n || count > BigInt(SMALL_BYTES_MAX)) return null;
  // The check subtracts the count from the size, which must not be smaller.
  return select.module.target === "kernel" || select.module.memory.initialPages > 0 ? Number(count) : null;
}

/**
 * Traps unless `bytes` bytes from `address` on lie in memory, so that nothing is written where not all is. In the kernel, which maps its window
 * itself, a missing page faults.
 */
function checkDestination(select: Selector, address: Value, bytes: number): void {
  if (select.module.target === "kernel") return;
  const start = select.register(address);
  const [pages, size, last] = [select.temporary(Type.I32), select.temporary(Type.I64), select.temporary(Type.I64)];
  select.emit(MachineOp.Move, 4).define(pages).source({ kind: "memory", address: symbolAddress(MEMORY_PAGES_SYMBOL), load: -1 });
  select.emit(MachineOp.Shl, 8).defineTied(size, pages).source({ kind: "immediate", value: PAGE_SHIFT });
  select.emit(MachineOp.AddFlexible, 8).define(last).use(size).source({ kind: "immediate", value: -bytes });
  select.emit(MachineOp.Cmp, 8).use(start).registerSource({ kind: "register", register: last });
  select.emit(MachineOp.TrapIf, 8).condition(Condition.Above).traps(TrapKind.OutOfBounds);
}

/** All is read before anything is written, so that ranges may overlap; a source out of bounds traps by itself, before any store. */
export const SMALL_COPY: Rule = rule("memory copy: few bytes", (select, at) => {
  const count = smallCount(select, at);
  if (count === null) return false;
  const [to, from] = [select.fn.operand(at, 0), select.fn.operand(at, 1)];
  checkDestination(select, to, count);
  const pieces = accesses(count).map(({ offset, width }) => {
    const register: VirtualRegister = select.temporary(width === 8 ? Type.I64 : Type.I32);
    const op = width === 1 ? MachineOp.MoveZero8 : width === 2 ? MachineOp.MoveZero16 : MachineOp.Move;
    select.emitMemoryAccess(op, width === 8 ? 8 : 4, TrapKind.OutOfBounds).define(register)
      .source({ kind: "memory", address: plainAddress(select, from, offset), load: -1 });
    return { offset, width, register };
  });
  for (const { offset, width, register } of pieces) {
    select.emitMemoryAccess(MachineOp.Store, width, TrapKind.OutOfBounds).registerSource({ kind: "register", register })
      .memory(plainAddress(select, to, offset));
  }
  return true;
});

/** Fills with a constant byte. Eight bytes are one immediate if all their bits are equal. */
export const SMALL_FILL: Rule = rule("memory fill: few bytes", (select, at) => {
  const count = smallCount(select, at);
  const byte = select.constant(select.fn.operand(at, 1));
  if (count === null || byte === null) return false;
  const to = select.fn.operand(at, 0);
  checkDestination(select, to, count);
  const pattern = (byte & 0xffn) * 0x0101_0101n;
  for (const { offset, width } of accesses(count)) {
    const isTwoHalves = width === 8 && pattern !== 0n && pattern !== 0xffff_ffffn;
    for (const half of isTwoHalves ? [0, 4] : [0]) {
      const bytes = isTwoHalves ? 4 : width;
      select.emitMemoryAccess(MachineOp.Store, bytes, TrapKind.OutOfBounds)
        .source({ kind: "immediate", value: Number(BigInt.asIntN(Math.min(bytes, 4) * 8, pattern)) }).memory(plainAddress(select, to, offset + half));
    }
  }
  return true;
});
