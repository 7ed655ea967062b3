/**
 * Merges loads of what is known already: an earlier load or store of the same address, or an
 * earlier read of the same global. State flows forward through the graph; where paths meet, what
 * all of them know remains, and at a loop's header what nothing in the loop changes.
 *
 * Two addresses are apart if they are the same value plus constants whose ranges do not meet;
 * everything else may be the same. A load is only ever replaced by a value, never added, moved or
 * doubled, so that it is executed at most once.
 */
import { Dominators } from "../dominators.ts";
import type { Block, Instruction, IrFunction, Value } from "../function.ts";
import { Intrinsic } from "../intrinsic.ts";
import { findLoops } from "../loops.ts";
import { isLoad, isStore, Opcode, Type } from "../opcode.ts";
import { PureValues } from "../pure-values.ts";
import { Replacement } from "../replacement.ts";

/** What memory holds at `base + position`. */
interface Known {
  readonly address: Value;
  readonly offset: number;
  readonly base: Value;
  /** Constant part of the address, modulo 2^32. */
  readonly position: number;
  readonly bytes: number;
  /** The load that would give `value`. */
  readonly op: Opcode;
  readonly type: Type;
  readonly value: Value;
  /** Bits of `value` that were stored, where it may have more; null for all. */
  readonly storedBits: number | null;
}

type Place = Pick<Known, "address" | "offset" | "base" | "position" | "bytes">;

/** What the blocks of a loop write. */
interface LoopChanges {
  readonly stores: Place[];
  /** Calls and bulk operations, or too many stores to list. */
  writesAnything: boolean;
  readonly globals: Set<number>;
  calls: boolean;
}

type State = Map<string, Known>;
type GlobalState = Map<number, Value>;

/**
 * Facts that are carried along; older ones are forgotten, so that a long block of stores does not
 * cost the square of its length.
 */
const FACTS_MAX = 64;

export function mergeLoads(fn: IrFunction): boolean {
  return new LoadMerger(fn).run();
}

class LoadMerger {
  private readonly replacement = new Replacement();
  private memory: State = new Map();
  private globals: GlobalState = new Map();
  private readonly pure: PureValues;

  constructor(private readonly fn: IrFunction) {
    this.pure = new PureValues(fn);
  }

  run(): boolean {
    const { fn } = this;
    const dominators = new Dominators(fn);
    const { order, predecessors } = dominators;
    const changes = this.loopChanges(dominators);
    const memoryAtEnd = new Map<Block, State>();
    const globalsAtEnd = new Map<Block, GlobalState>();
    for (const block of order) {
      // In this order only the sources of back edges are still to come.
      const before = predecessors[block]!.map(({ from }) => from).filter((from) =>
        memoryAtEnd.has(from),
      );
      this.memory =
        before.length === 0
          ? new Map()
          : meet(
              before.map((from) => memoryAtEnd.get(from)!),
              sameKnown,
            );
      this.globals =
        before.length === 0
          ? new Map()
          : meet(
              before.map((from) => globalsAtEnd.get(from)!),
              (left, right) => left === right,
            );
      const loop = changes.get(block);
      if (loop !== undefined) this.forgetWhatChanges(loop);
      fn.blockInstructions[block] = fn.blockInstructions[block]!.filter((instruction) =>
        this.keep(instruction),
      );
      memoryAtEnd.set(block, this.memory);
      globalsAtEnd.set(block, this.globals);
    }
    if (this.replacement.isEmpty) return false;
    this.replacement.apply(fn);
    return true;
  }

  /** By header, what the blocks of its loop write. */
  private loopChanges(dominators: Dominators): Map<Block, LoopChanges> {
    const { fn } = this;
    const forest = findLoops(fn, dominators);
    const result = new Map<Block, LoopChanges>();
    for (const block of dominators.order) {
      for (let header = forest.headerOf[block]!; header !== -1; header = forest.outerOf[header]!) {
        let changes = result.get(header as Block);
        if (changes === undefined) {
          changes = { stores: [], writesAnything: false, globals: new Set(), calls: false };
          result.set(header as Block, changes);
        }
        for (const instruction of fn.blockInstructions[block]!)
          this.addChanges(changes, instruction);
      }
    }
    return result;
  }

  private addChanges(changes: LoopChanges, instruction: Instruction): void {
    const { fn } = this;
    const op = fn.opcode(instruction);
    if (isStore(op)) {
      if (changes.stores.length < FACTS_MAX)
        changes.stores.push(this.placeOf(instruction, ACCESS_BYTES[op]!));
      else changes.writesAnything = true;
    }
    const isCall = op === Opcode.Call || op === Opcode.CallIndirect;
    if (isCall) changes.calls = true;
    if (isCall || op === Opcode.MemoryCopy || op === Opcode.MemoryFill || op === Opcode.MemoryInit)
      changes.writesAnything = true;
    if (op === Opcode.Intrinsic && !KEEPS_MEMORY.has(fn.immediate(instruction)))
      changes.writesAnything = true;
    if (op === Opcode.GlobalSet) changes.globals.add(fn.immediate(instruction));
  }

  private forgetWhatChanges(loop: LoopChanges): void {
    if (loop.writesAnything) this.memory = new Map();
    for (const [key, known] of this.memory)
      if (!loop.stores.every((place) => areApart(known, place))) this.memory.delete(key);
    if (loop.calls) this.globals = new Map();
    for (const index of loop.globals) this.globals.delete(index);
  }

  /** Learns from the instruction; false if it is superfluous. */
  private keep(instruction: Instruction): boolean {
    const { fn } = this;
    const op = fn.opcode(instruction);
    if (isLoad(op)) return this.load(instruction, op);
    if (isStore(op)) {
      this.store(instruction, op);
      return true;
    }
    const index = fn.immediate(instruction);
    switch (op) {
      case Opcode.GlobalGet: {
        const known = this.globals.get(index);
        if (known === undefined) {
          this.globals.set(index, fn.result(instruction));
          return true;
        }
        this.replacement.replace(fn.result(instruction), known);
        return false;
      }
      case Opcode.GlobalSet:
        this.globals.set(index, this.replacement.resolve(fn.operand(instruction, 0)));
        return true;
      case Opcode.Call:
      case Opcode.CallIndirect:
        this.memory = new Map();
        this.globals = new Map();
        return true;
      case Opcode.Intrinsic:
        if (!KEEPS_MEMORY.has(index)) this.memory = new Map();
        return true;
      case Opcode.MemoryCopy:
      case Opcode.MemoryFill:
      case Opcode.MemoryInit:
        this.memory = new Map();
        return true;
      default:
        return true;
    }
  }

  private load(instruction: Instruction, op: Opcode): boolean {
    const { fn } = this;
    const place = this.placeOf(instruction, ACCESS_BYTES[op]!);
    const key = keyOf(place.address, place.offset, op, fn.type(instruction));
    const known = this.memory.get(key);
    if (known !== undefined) {
      this.replacement.replace(fn.result(instruction), this.loaded(known, instruction));
      return false;
    }
    this.learn(key, {
      ...place,
      op,
      type: fn.type(instruction),
      value: fn.result(instruction),
      storedBits: null,
    });
    return true;
  }

  /** What a load of the known bytes gives. */
  private loaded({ value, storedBits, type }: Known, load: Instruction): Value {
    if (storedBits === null) return value;
    const mask = this.pure.constant(type, (1n << BigInt(storedBits)) - 1n);
    return this.pure.make(
      Opcode.And,
      type,
      [value, mask],
      this.fn.origin(load),
      this.fn.inlinedAt.data[load]!,
    );
  }

  private store(instruction: Instruction, op: Opcode): void {
    const { fn } = this;
    const place = this.placeOf(instruction, ACCESS_BYTES[op]!);
    const after: State = new Map();
    for (const [key, known] of this.memory) if (areApart(known, place)) after.set(key, known);
    this.memory = after;
    const type = fn.type(instruction);
    const load = LOAD_OF_STORE[op]!;
    // The upper half that an i64.store32 cuts off is better loaded than masked.
    if (op === Opcode.Store32 && type === Type.I64) return;
    const value = this.replacement.resolve(fn.operand(instruction, 1));
    const storedBits = op === Opcode.Store8 ? 8 : op === Opcode.Store16 ? 16 : null;
    this.learn(keyOf(place.address, place.offset, load, type), {
      ...place,
      op: load,
      type,
      value,
      storedBits,
    });
  }

  private learn(key: string, known: Known): void {
    // States are shared between blocks until they change.
    this.memory = new Map(this.memory);
    if (this.memory.size >= FACTS_MAX) this.memory.delete(this.memory.keys().next().value!);
    this.memory.set(key, known);
  }

  private placeOf(instruction: Instruction, bytes: number): Place {
    const { fn } = this;
    const address = this.replacement.resolve(fn.operand(instruction, 0));
    const offset = fn.immediate(instruction) >>> 0;
    let base = address;
    let position = offset;
    const definition = fn.definition(address);
    if (definition !== -1 && fn.opcode(definition) === Opcode.Const) {
      base = -1 as Value;
      position += Number(fn.constantBits(definition));
    } else if (definition !== -1 && fn.opcode(definition) === Opcode.Add) {
      const right = fn.definition(fn.operand(definition, 1));
      if (right !== -1 && fn.opcode(right) === Opcode.Const) {
        base = this.replacement.resolve(fn.operand(definition, 0));
        position += Number(fn.constantBits(right));
      }
    }
    return { address, offset, base, position: position >>> 0, bytes };
  }
}

/**
 * Whether the ranges cannot meet. Accesses inside of memory are equal modulo 2^32 only if they are
 * equal.
 */
function areApart(left: Place, right: Place): boolean {
  if (left.base !== right.base) return false;
  const distance = (left.position - right.position) >>> 0;
  return distance >= right.bytes && 2 ** 32 - distance >= left.bytes;
}

function meet<K, V>(
  states: readonly Map<K, V>[],
  isSame: (left: V, right: V) => boolean,
): Map<K, V> {
  const [first, ...others] = states;
  if (others.length === 0) return new Map(first);
  const result = new Map<K, V>();
  for (const [key, value] of first!) {
    const isCommon = others.every((state) => {
      const other = state.get(key);
      return other !== undefined && isSame(value, other);
    });
    if (isCommon) result.set(key, value);
  }
  return result;
}

const sameKnown = (left: Known, right: Known): boolean =>
  left.value === right.value && left.storedBits === right.storedBits;

const keyOf = (address: Value, offset: number, op: Opcode, type: Type): string =>
  `${address}+${offset}:${op}:${type}`;

const ACCESS_BYTES: Readonly<Partial<Record<Opcode, number>>> = {
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

/** The load that gives back what a store wrote, zero-extended. */
const LOAD_OF_STORE: Readonly<Partial<Record<Opcode, Opcode>>> = {
  [Opcode.Store8]: Opcode.Load8U,
  [Opcode.Store16]: Opcode.Load16U,
  [Opcode.Store32]: Opcode.Load32U,
  [Opcode.Store64]: Opcode.Load64,
};

/**
 * Intrinsics across which linear memory keeps what it holds. Device accesses are not among them,
 * because the device may write memory meanwhile, nor those that a program waits with (Pause,
 * ReadTsc): it waits for somebody's write.
 */
const KEEPS_MEMORY = new Set<number>([
  Intrinsic.ReadMsr,
  Intrinsic.ReadCr0,
  Intrinsic.ReadCr2,
  Intrinsic.ReadCr3,
  Intrinsic.ReadCr4,
  Intrinsic.Rdrand,
  Intrinsic.SetMessageWord,
  Intrinsic.PhysicalLoad8,
  Intrinsic.PhysicalLoad16,
  Intrinsic.PhysicalLoad32,
  Intrinsic.PhysicalLoad64,
]);
