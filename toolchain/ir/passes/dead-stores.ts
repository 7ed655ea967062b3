/**
 * Removes stores that a later store of the same block overwrites before anything could have read
 * them: a field set to zero and then to its value.
 *
 * Only at constant addresses, which are those of a program's own data: devices and other domains
 * see what lies at addresses that a program was given. And only in programs: the kernel is looked
 * at in the middle of what it does, by debuggers and by its report of a crash.
 */
import type { Instruction, IrFunction } from "../function.ts";
import type { Target } from "../module.ts";
import { isPure, isStore, Opcode } from "../opcode.ts";

interface Range {
  readonly start: number;
  readonly end: number;
}

const STORE_BYTES: Readonly<Partial<Record<Opcode, number>>> = {
  [Opcode.Store8]: 1,
  [Opcode.Store16]: 2,
  [Opcode.Store32]: 4,
  [Opcode.Store64]: 8,
};

export function removeDeadStores(fn: IrFunction, target: Target): boolean {
  if (target !== "domain") return false;
  let changed = false;
  for (let block = 0; block < fn.blockCount; block++) {
    const list = fn.blockInstructions[block]!;
    let overwritten: Range[] = [];
    const kept = list.toReversed().filter((instruction) => {
      const op = fn.opcode(instruction);
      if (isPure(op) || op === Opcode.GlobalGet || op === Opcode.GlobalSet) return true;
      const range = isStore(op) ? constantRange(fn, instruction, op) : null;
      if (range === null) {
        overwritten = [];
        return true;
      }
      if (overwritten.some(({ start, end }) => start <= range.start && range.end <= end))
        return false;
      overwritten.push(range);
      return true;
    });
    if (kept.length === list.length) continue;
    fn.blockInstructions[block] = kept.reverse();
    changed = true;
  }
  return changed;
}

/** What a store writes, if that is a constant. */
function constantRange(fn: IrFunction, store: Instruction, op: Opcode): Range | null {
  const address = fn.definition(fn.operand(store, 0));
  if (address === -1 || fn.opcode(address) !== Opcode.Const) return null;
  const start = Number(fn.constantBits(address)) + (fn.immediate(store) >>> 0);
  return { start, end: start + STORE_BYTES[op]! };
}
