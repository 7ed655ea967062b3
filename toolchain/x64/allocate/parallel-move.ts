import { type InsertedMove, isSlot, type Location, slotLocation } from "./allocation.ts";
import { declareCoverage, hit } from "../machine/coverage.ts";
import type { MachineInstruction, VirtualRegister } from "../machine/machine-function.ts";
import { Register } from "../machine/register.ts";

/**
 * One of several moves that happen at once: all sources are read before any destination is written.
 */
export interface ParallelMove {
  readonly from: Location;
  readonly to: Location;
  /**
   * Bytes of the value at its source, and at its destination. An i32 may go to an i64: it is
   * extended.
   */
  readonly fromWidth: 4 | 8;
  readonly toWidth: 4 | 8;
  readonly register: VirtualRegister;
  /** The value is not at `from` but made anew. */
  readonly definition: MachineInstruction | null;
}

for (const name of [
  "move: exchange of a cycle",
  "move: cycle through a free register",
  "move: slot to slot",
  "move: through a saved register",
  "move: cycle through a slot",
  "move: made again",
])
  declareCoverage(name);

/** Places that moves may use in between. */
export interface Scratch {
  /** A register that holds nothing here, or -1. */
  readonly register: () => number;
  /** Slot of 8 bytes that belongs to inserted moves alone; different numbers, different slots. */
  readonly slot: (number: number) => number;
}

/** Slot number 0 keeps a register that is lent; the others break cycles. */
const LENT_REGISTER_SLOT = 0;

/**
 * Puts simultaneous moves into an order in which one after the other gives the same result. Each
 * destination occurs once. A move whose destination is still to be read waits. Where all wait,
 * destinations and sources are the same locations, each read once: nothing but cycles, which a free
 * register or exchanges undo. Flags are not touched.
 */
export function sequentialize(moves: readonly ParallelMove[], scratch: Scratch): InsertedMove[] {
  return new Sequence(moves, scratch).run();
}

class Sequence {
  private readonly result: InsertedMove[] = [];
  /** Moves not yet made, by destination. */
  private readonly pending = new Map<Location, ParallelMove>();
  /** Destinations of the pending moves that read a location. */
  private readonly readers = new Map<Location, Set<Location>>();
  private readonly ready: ParallelMove[] = [];
  private slotsUsed = LENT_REGISTER_SLOT + 1;

  constructor(
    moves: readonly ParallelMove[],
    private readonly scratch: Scratch,
  ) {
    for (const move of moves) {
      if (move.definition !== null || move.from !== move.to) this.add(move);
    }
    for (const move of this.pending.values()) if (!this.isRead(move.to)) this.ready.push(move);
  }

  run(): InsertedMove[] {
    for (;;) {
      for (let move = this.ready.shift(); move !== undefined; move = this.ready.shift()) {
        this.remove(move);
        emitOne(this.result, move, this.scratch);
        this.release(move);
      }
      const [blocked] = this.pending.values();
      if (blocked === undefined) return this.result;
      this.breakCycle(blocked);
    }
  }

  private add(move: ParallelMove): void {
    this.pending.set(move.to, move);
    if (move.definition !== null) return;
    const readers = this.readers.get(move.from);
    if (readers === undefined) this.readers.set(move.from, new Set([move.to]));
    else readers.add(move.to);
  }

  private remove(move: ParallelMove): void {
    this.pending.delete(move.to);
    if (move.definition === null) this.readers.get(move.from)!.delete(move.to);
  }

  private isRead(location: Location): boolean {
    return (this.readers.get(location)?.size ?? 0) > 0;
  }

  /**
   * `move` no longer reads its source: if it was the last to do so, the move that waits for that
   * can be made.
   */
  private release(move: ParallelMove): void {
    const waiting = this.pending.get(move.from);
    if (move.definition === null && waiting !== undefined && !this.isRead(move.from))
      this.ready.push(waiting);
  }

  /** `blocked` and what it waits for form a cycle, in which each location is read once. */
  private breakCycle(blocked: ParallelMove): void {
    const move = this.registerMoveOf(blocked);
    const free = move === null || this.goesThroughRegister() ? -1 : this.scratch.register();
    if (move !== null && free < 0) {
      this.exchange(move);
      return;
    }
    // Moves the blocking value aside, and its reader takes it from there. With a free register this
    // is one move more than the cycle has members, but each move depends on one other move, where
    // an exchange depends on two.
    hit(free >= 0 ? "move: cycle through a free register" : "move: cycle through a slot");
    const waiting = move ?? blocked;
    const aside = free >= 0 ? free : slotLocation(this.scratch.slot(this.slotsUsed++));
    const reader = this.readerOf(waiting.to);
    emitOne(this.result, { ...reader, to: aside, toWidth: reader.fromWidth }, this.scratch);
    this.remove(reader);
    this.add({ ...reader, from: aside });
    this.ready.push(waiting);
  }

  private exchange(move: ParallelMove): void {
    hit("move: exchange of a cycle");
    const { from, to } = move;
    this.result.push({ kind: "exchange", from, to });
    const reader = this.readerOf(to);
    this.remove(move);
    this.remove(reader);
    if (reader.to !== from) this.add({ ...reader, from });
  }

  private readerOf(location: Location): ParallelMove {
    const [to] = this.readers.get(location)!;
    return this.pending.get(to!)!;
  }

  /** A move between registers in the cycle of `blocked`, or null. */
  private registerMoveOf(blocked: ParallelMove): ParallelMove | null {
    let move = blocked;
    do {
      if (!isSlot(move.from) && !isSlot(move.to)) return move;
      move = this.readerOf(move.to);
    } while (move.to !== blocked.to);
    return null;
  }

  /** Some move goes from slot to slot, for which it takes the free register. */
  private goesThroughRegister(): boolean {
    for (const { from, to } of this.pending.values()) if (isSlot(from) && isSlot(to)) return true;
    return false;
  }
}

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
  else if (definition === null && !isSlot(from))
    result.push({ kind: "move", from, to, width: toWidth });
  else {
    hit("move: slot to slot");
    withRegister(result, scratch, (through) => {
      put(through);
      result.push({ kind: "move", from: through, to, width: toWidth });
    });
  }
}

/**
 * Runs `body` with a register that it may overwrite: a free one, or rax, which is kept in a slot
 * meanwhile.
 */
function withRegister(
  result: InsertedMove[],
  scratch: Scratch,
  body: (register: number) => void,
): void {
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
