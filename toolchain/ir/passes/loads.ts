/**
 * Merges loads of what is known already: an earlier load or store of the same address, or an earlier read of the same global. State flows
 * forward through the graph; where paths meet, what all of them know remains. At a loop's header nothing is known of memory.
 *
 * Two addresses are apart if they are the same value plus constants whose ranges do not meet; everything else may be the same. A load is
 * only ever replaced by a value, never added, moved or doubled, so that it is executed at most once.
 */
import { Dominators } from "../dominators.ts";
import type { Block, Instruction, IrFunction, Value } from "../function.ts";
import { Intrinsic } from "../intrinsic.ts";
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

type State = Map<string, Known>;
type GlobalState = Map<number, Value>;

/** Facts that are carried along; older ones are forgotten, so that a long block of stores does not cost the square of its length. */
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
    const { order, predecessors } = new Dominators(fn);
    const memoryAtEnd = new Map<Block, State>();
    const globalsAtEnd = new Map<Block, GlobalState>();
    for (const block of order) {
      const before = predecessors[block]!.map(({ from }) => from);
      const isComplete = before.length > 0 && before.every((from) => memoryAtEnd.has(from));
      this.memory = isComplete ? meet(before.map((from) => memoryAtEnd.get(from)!), sameKnown) : new Map();
      this.globals = isComplete ? meet(before.map((from) => globalsAtEnd.get(from)!), (left, right) => left === right) : new Map();
      fn.blockInstructions[block] = fn.blockInstructions[block]!.filter((instruction) => this.keep(instruction));
      memoryAtEnd.set(block, this.memory);
      globalsAtEnd.set(block, this.globals);
    }
    if (this.replacement.isEmpty) return false;
    this.replacement.apply(fn);
    return true;
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
        if (!READS_ONLY.has(index)) this.memory = new Map();
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
    this.learn(key, { ...place, op, type: fn.type(instruction), value: fn.result(instruction), storedBits: null });
    return true;
  }

  /** What a load of the known bytes gives. */
  private loaded({ value, storedBits, type }: Known, load: Instruction): Value {
    if (storedBits === null) return value;
    const mask = this.pure.constant(type, (1n << BigInt(storedBits)) - 1n);
    return this.pure.make(Opcode.And, type, [value, mask], this.fn.origin(load), this.fn.inlinedAt.data[load]!);
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
    this.learn(keyOf(place.address, place.offset, load, type), { ...place, op: load, type, value, storedBits });
  }

  private learn(key: string, known: Known): void {
    // States are shared between blocks until they change.
    this.memory = new Map(this.memory);
    if (this.memory.size >= FACTS_MAX) this.memory.delete(this.memory.keys().next().value!);
    this.memory.set(key, known);
  }

  private placeOf(instruction: Instruction, bytes: number): Pick<Known, "address" | "offset" | "base" | "position" | "bytes"> {
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

/** Whether the ranges cannot meet. Accesses inside of memory are equal modulo 2^32 only if they are equal. */
function areApart(left: Pick<Known, "base" | "position" | "bytes">, right: Pick<Known, "base" | "position" | "bytes">): boolean {
  if (left.base !== right.base) return false;
  const distance = (left.position - right.position) >>> 0;
  return distance >= right.bytes && 2 ** 32 - distance >= left.bytes;
}

function meet<K, V>(states: readonly Map<K, V>[], isSame: (left: V, right: V) => boolean): Map<K, V> {
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

const sameKnown = (left: Known, right: Known): boolean => left.value === right.value && left.storedBits === right.storedBits;

const keyOf = (address: Value, offset: number, op: Opcode, type: Type): string => `${address}+${offset}:${op}:${type}`;

const ACCESS_BYTES: Readonly<Partial<Record<Opcode, number>>> = {
  [Opcode.Load8S]: 1, [Opcode.Load8U]: 1, [Opcode.Load16S]: 2, [Opcode.Load16U]: 2, [Opcode.Load32S]: 4, [Opcode.Load32U]: 4, [Opcode.Load64]: 8,
  [Opcode.Store8]: 1, [Opcode.Store16]: 2, [Opcode.Store32]: 4, [Opcode.Store64]: 8,
};

/** The load that gives back what a store wrote, zero-extended. */
const LOAD_OF_STORE: Readonly<Partial<Record<Opcode, Opcode>>> = {
  [Opcode.Store8]: Opcode.Load8U, [Opcode.Store16]: Opcode.Load16U, [Opcode.Store32]: Opcode.Load32U, [Opcode.Store64]: Opcode.Load64,
};

/** Intrinsics that leave linear memory as it is. */
const READS_ONLY = new Set<number>([
  Intrinsic.In8, Intrinsic.In16, Intrinsic.In32, Intrinsic.Out8, Intrinsic.Out16, Intrinsic.Out32, Intrinsic.ReadMsr, Intrinsic.ReadCr0,
  Intrinsic.ReadCr2, Intrinsic.ReadCr3, Intrinsic.ReadCr4, Intrinsic.ReadTsc, Intrinsic.PhysicalLoad8, Intrinsic.PhysicalLoad16,
  Intrinsic.PhysicalLoad32, Intrinsic.PhysicalLoad64, Intrinsic.MmioLoad8, Intrinsic.MmioLoad16, Intrinsic.MmioLoad32, Intrinsic.MmioLoad64,
  Intrinsic.Pause, Intrinsic.Rdrand,
]);
