import { type InsertedMove, isSlot, type Location, slotLocation } from "./allocation.ts";
import { declareCoverage, hit } from "./coverage.ts";
import type { MachineInstruction, VirtualRegister } from "./machine-function.ts";
import { Register } from "./register.ts";

/** One of several moves that happen at once: all sources are read before any destination is written. */
export interface ParallelMove {
  readonly from: Location;
  readonly to: Location;
  /** Bytes of the value at its source, and at its destination. An i32 may go to an i64: it is extended. */
  readonly fromWidth: 4 | 8;
  readonly toWidth: 4 | 8;
  readonly register: VirtualRegister;
  /** The value is not at `from` but made anew. */
  readonly definition: MachineInstruction | null;
}

for (const name of [
  "move: exchange of a cycle", "move: cycle through a free register", "move: slot to slot", "move: through a saved register", "move: cycle through a slot", "move: made again",
]) declareCoverage(name);

/** Where a move that needs a place of its own goes through. */
export interface Scratch {
  /** A register that holds nothing here, or -1. */
  readonly register: () => number;
  /** Slot of 8 bytes that belongs to inserted moves alone; different numbers, different slots. */
  readonly slot: (number: number) => number;
}

/** Slot number 0 keeps a register that is lent; the others break cycles. */
const LENT_REGISTER_SLOT = 0;

/**
 * Puts simultaneous moves into an order in which one after the other gives the same result. Each destination occurs once. A move whose
 * destination is still to be read waits. Where all wait, destinations and sources are the same locations, each read once: nothing but cycles,
 * which a free register or exchanges undo. Flags are not touched.
 */
export function sequentialize(moves: readonly ParallelMove[], scratch: Scratch): InsertedMove[] {
  const result: InsertedMove[] = [];
  let pending = moves.filter((move) => move.definition !== null || move.from !== move.to);
  let slotsUsed = LENT_REGISTER_SLOT + 1;
  while (pending.length > 0) {
    const ready = pending.find((move) => !pending.some((other) => other !== move && other.definition === null && other.from === move.to));
    if (ready !== undefined) {
      pending = pending.filter((move) => move !== ready);
      emitOne(result, ready, scratch);
      continue;
    }
    const move = pending.find(({ from, to }) => !isSlot(from) && !isSlot(to));
    const free = move === undefined || goesThroughRegister(pending) ? -1 : scratch.register();
    if (move !== undefined && free >= 0) {
      // One move more than there are members, but none of them has to wait for two others as an exchange does.
      hit("move: cycle through a free register");
      const reader = pending.find((other) => other.from === move.to)!;
      emitOne(result, { ...reader, to: free, toWidth: reader.fromWidth }, scratch);
      pending = pending.map((other) => (other === reader ? { ...other, from: free } : other));
      continue;
    }
    if (move !== undefined) {
      hit("move: exchange of a cycle");
      const { from, to } = move;
      result.push({ kind: "exchange", from, to });
      pending = pending.filter((other) => other !== move)
        .map((other) => (other.from === from ? { ...other, from: to } : other.from === to ? { ...other, from } : other))
        .filter((other) => other.from !== other.to);
      continue;
    }
    // Every move of the cycle has a slot in it: the value that stands in the way goes aside, and its reader fetches it there.
    hit("move: cycle through a slot");
    const blocked = pending[0]!;
    const reader = pending.find((other) => other.from === blocked.to)!;
    const aside = slotLocation(scratch.slot(slotsUsed++));
    emitOne(result, { ...reader, to: aside, toWidth: reader.fromWidth }, scratch);
    pending = pending.map((other) => (other === reader ? { ...other, from: aside } : other));
  }
  return result;
}

/** Some move goes from slot to slot, for which it takes the free register. */
const goesThroughRegister = (moves: readonly ParallelMove[]): boolean => moves.some(({ from, to }) => isSlot(from) && isSlot(to));

function emitOne(result: InsertedMove[], move: ParallelMove, scratch: Scratch): void {
  const { from, to, fromWidth, toWidth, definition, register } = move;
  const loadWidth = Math.min(fromWidth, toWidth) as 4 | 8;
  const put = (through: number): void => {
    if (definition === null) result.push({ kind: "move", from, to: through, width: loadWidth });
    else {
      hit("move: made again");
      result.push({ kind: "make", definition, register, to: through });
    }
  };
  if (!isSlot(to)) put(to);
  else if (definition === null && !isSlot(from)) result.push({ kind: "move", from, to, width: toWidth });
  else {
    hit("move: slot to slot");
    withRegister(result, scratch, (through) => {
      put(through);
      result.push({ kind: "move", from: through, to, width: toWidth });
    });
  }
}

/** Runs `body` with a register that it may overwrite: a free one, or rax, which is kept in a slot meanwhile. */
function withRegister(result: InsertedMove[], scratch: Scratch, body: (register: number) => void): void {
  const free = scratch.register();
  if (free >= 0) {
    body(free);
    return;
  }
  hit("move: through a saved register");
  const kept = slotLocation(scratch.slot(LENT_REGISTER_SLOT));
  result.push({ kind: "move", from: Register.rax, to: kept, width: 8 });
  body(Register.rax);
  result.push({ kind: "move", from: kept, to: Register.rax, width: 8 });
}
