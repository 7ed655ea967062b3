/** Largest value of a register whose upper half is clear. */
export const CLEAR = 0xffff_ffff;
/** Nothing is known. */
export const UNKNOWN = Number.POSITIVE_INFINITY;
/** Bounds above are not kept: they would lose precision. */
const EXACT_MAX = 2 ** 52;

/** A bound that is kept exactly, or none. */
export function bound(value: number): number {
  return value <= EXACT_MAX ? value : UNKNOWN;
}

/** What a register holds besides a number below its bound. */
export enum Base {
  /** The value is at most `max`. */
  None,
  /** The start of the kernel's linear memory plus at most `max`. */
  Linear,
  /** The direct map of physical memory plus something. */
  Physical,
}

export const REGISTER_COUNT = 16;
/** Bytes that `push` and `pop` move. */
const SLOT_BYTES = 8;

/**
 * What holds before an instruction, on every path to it: an upper bound for each register, which
 * registers still hold what they held at the function's entry, and the depth of the stack.
 */
export class MachineState {
  readonly max: Float64Array;
  readonly base: Uint8Array;
  /** Bit r: register r holds its own value of the function's entry. */
  original: number;
  /** Bytes from the return address down to rsp. */
  depth: number;
  /** Bytes by which rsp went down since the stack was last touched. */
  untouched: number;
  /**
   * Depth of the stack slot that holds a register's entry value, by register; 0: none is known. One
   * slot a register is enough for what a compiler saves, and keeps a state small however much a
   * program pushes.
   */
  readonly slot: Int32Array;

  constructor(
    max: Float64Array,
    base: Uint8Array,
    original: number,
    depth: number,
    untouched: number,
    slot: Int32Array,
  ) {
    this.max = max;
    this.base = base;
    this.original = original;
    this.depth = depth;
    this.untouched = untouched;
    this.slot = slot;
  }

  /**
   * At a function's first instruction: nothing is known of any register but that it holds its entry
   * value.
   */
  static atEntry(): MachineState {
    return new MachineState(
      new Float64Array(REGISTER_COUNT).fill(UNKNOWN),
      new Uint8Array(REGISTER_COUNT),
      0xffff,
      0,
      0,
      new Int32Array(REGISTER_COUNT),
    );
  }

  copy(): MachineState {
    return new MachineState(
      this.max.slice(),
      this.base.slice(),
      this.original,
      this.depth,
      this.untouched,
      this.slot.slice(),
    );
  }

  /** `register` gets a number that is at most `max`. */
  set(register: number, max: number, base = Base.None): void {
    this.max[register] = max;
    this.base[register] = base;
    this.original &= ~(1 << register);
  }

  /** A write to the low 8 or 16 bits, which leaves the others. */
  setPart(register: number): void {
    const old = this.base[register] === Base.None ? this.max[register]! : UNKNOWN;
    this.set(register, old <= 0xffff ? 0xffff : old <= CLEAR ? CLEAR : UNKNOWN);
  }

  isClear(register: number): boolean {
    return this.base[register] === Base.None && this.max[register]! <= CLEAR;
  }

  isOriginal(register: number): boolean {
    return (this.original & (1 << register)) !== 0;
  }

  /**
   * `register` was stored at `depth`, where nothing is known to lie. An earlier slot of it stays
   * the one that is known.
   */
  save(register: number, depth: number): void {
    if (this.isOriginal(register) && this.slot[register] === 0) this.slot[register] = depth;
  }

  /** Forgets the slots that share a byte with those between two depths. */
  overwrite(shallow: number, deep: number): void {
    for (let register = 0; register < REGISTER_COUNT; register++) {
      const depth = this.slot[register]!;
      if (depth > shallow && depth - SLOT_BYTES < deep) this.slot[register] = 0;
    }
  }

  /**
   * Weakens this state to what also holds in `other`; true if it changed. Bounds that grow jump to
   * the next of three steps, so that loops come to an end.
   */
  join(other: MachineState): boolean {
    let isChanged = false;
    for (let register = 0; register < REGISTER_COUNT; register++) {
      if (this.base[register] !== other.base[register]) {
        if (this.base[register] === Base.None && this.max[register] === UNKNOWN) continue;
        this.max[register] = UNKNOWN;
        this.base[register] = Base.None;
        isChanged = true;
      } else if (other.max[register]! > this.max[register]!) {
        this.max[register] = other.max[register]! <= CLEAR ? CLEAR : UNKNOWN;
        isChanged = true;
      }
    }
    const original = this.original & other.original;
    if (original !== this.original) {
      this.original = original;
      isChanged = true;
    }
    for (let register = 0; register < REGISTER_COUNT; register++) {
      if (this.slot[register] === 0 || this.slot[register] === other.slot[register]) continue;
      this.slot[register] = 0;
      isChanged = true;
    }
    if (other.untouched > this.untouched) {
      this.untouched = other.untouched;
      isChanged = true;
    }
    return isChanged;
  }
}
