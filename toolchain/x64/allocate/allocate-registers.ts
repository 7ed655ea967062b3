import type { VirtualRegister } from "../machine/machine-function.ts";
import { areDisjoint, Bundle, MINIMAL_WEIGHT, NOT_ALLOCATED } from "./bundle.ts";
import { declareCoverage, hit } from "../machine/coverage.ts";
import {
  beforePoint,
  instructionAt,
  type LiveRanges,
  needsRegister,
  type Point,
  type UseKind,
} from "./live-range.ts";
import { PriorityQueue } from "./priority-queue.ts";
import { CALLEE_SAVED_SET, MESSAGE_WORD_REGISTERS, REGISTER_COUNT } from "../machine/register.ts";
import { RegisterWishes } from "./register-wishes.ts";
import { SegmentMap } from "./segment-map.ts";
import { crossesCalls, type FramedBlocks } from "./shrink-wrap.ts";

/**
 * Above this many instructions no bundle is evicted, and a bundle that does not fit is cut into
 * smallest pieces at once, so that the time stays n log n.
 */
const LINEAR_INSTRUCTIONS_MIN = 60_000;
/** Splits of one family at the cheapest place; further splits go into smallest pieces at once. */
const FAMILY_SPLITS_MAX = 24;
/** Bundles of more ranges than this are not joined with others. */
const JOINED_RANGES_MAX = 256;
/** Blocks that the search for a cheap split point visits at most. */
const SPLIT_SEARCH_BLOCKS_MAX = 64;
/** The cost of the first use of a callee-saved register: its push and pop. */
const CALLEE_SAVED_COST = 2;

for (const name of [
  "allocator: join",
  "allocator: eviction",
  "allocator: split before conflict",
  "allocator: split before first use",
  "allocator: split behind use",
  "allocator: smallest pieces",
  "allocator: spill",
  "allocator: second chance",
  "allocator: linear",
  "allocator: callee-saved avoided",
  "allocator: message word kept",
  "allocator: message word moved away",
])
  declareCoverage(name);

/**
 * Gives registers to bundles of live ranges. The longest bundle goes first. One that finds no free
 * register evicts bundles of less weight, or is split where it is cheapest: before the conflict,
 * outside of loops, around stretches without uses. What remains without a register and needs none
 * is in the stack frame.
 */
export class RegisterAllocator {
  readonly bundles: Bundle[] = [];
  /** Bundle of each range. */
  readonly bundleOf: number[] = [];
  usedCalleeSaved = 0;

  private readonly occupied: SegmentMap[] = Array.from(
    { length: REGISTER_COUNT },
    () => new SegmentMap(),
  );
  private readonly queue = new PriorityQueue();
  private readonly withoutRegister: Bundle[] = [];
  private readonly familySplits: number[] = [];
  private readonly wishes: RegisterWishes;
  private readonly isLinear: boolean;

  constructor(
    private readonly live: LiveRanges,
    private readonly registers: readonly number[],
    /** Outside of these blocks, no callee-saved register is given away. */
    private readonly framed: FramedBlocks | null,
    /** Callee-saved registers cost nothing. */
    private readonly savesNothing: boolean,
    isLinear = live.machine.instructions.length >= LINEAR_INSTRUCTIONS_MIN,
  ) {
    this.isLinear = isLinear;
    this.wishes = new RegisterWishes(live);
    if (isLinear) hit("allocator: linear");
  }

  run(): void {
    for (const register of this.registers) {
      if (!((CALLEE_SAVED_SET >> register) & 1)) continue;
      if (this.savesNothing || this.live.reservations[register]!.length > 0)
        this.usedCalleeSaved |= 1 << register;
    }
    for (const bundle of this.makeBundles())
      if (!this.keepsMessageWord(bundle)) this.enqueue(bundle);
    for (let index = this.queue.pop(); index >= 0; index = this.queue.pop())
      this.allocate(this.bundles[index]!);
    for (const bundle of this.withoutRegister) this.secondChance(bundle);
  }

  /** Whether nothing lives in `register` during [from, to). */
  isFree(register: number, from: Point, to: Point): boolean {
    return this.occupied[register]!.isFree(from, to) && !this.live.isReserved(register, from, to);
  }

  private newBundle(ranges: number[], family: number): Bundle {
    const bundle = new Bundle(
      this.bundles.length,
      ranges,
      family < 0 ? this.bundles.length : family,
    );
    this.bundles.push(bundle);
    this.familySplits.push(0);
    for (const range of ranges) this.bundleOf[range] = bundle.index;
    bundle.measure(this.live);
    return bundle;
  }

  /** One bundle a value, joined along moves that would vanish, the most frequent first. */
  private makeBundles(): Bundle[] {
    const { live } = this;
    const { machine } = live;
    const groupOf = Array.from({ length: machine.registerCount }, (_, i) => i);
    const find = (value: number): number => {
      while (groupOf[value] !== value) value = groupOf[value] = groupOf[groupOf[value]!]!;
      return value;
    };
    const ranges = live.rangesOf.map((list) => [...list]);
    for (const { left, right, isTied } of live.affinities) {
      if (machine.type(left) !== machine.type(right)) continue;
      // What takes a word's place would write its register.
      if (this.messageWordOf(left) >= 0 || this.messageWordOf(right) >= 0) continue;
      if (
        machine.rematerializable[left] !== null ||
        !(this.isWorthCarrying(right) || (isTied && this.isMadeFor(right)))
      )
        continue;
      const [a, b] = [find(left), find(right)];
      if (a === b || ranges[a]!.length === 0 || ranges[b]!.length === 0) continue;
      if (
        ranges[a]!.length + ranges[b]!.length > JOINED_RANGES_MAX ||
        !areDisjoint(live, ranges[a]!, ranges[b]!)
      )
        continue;
      ranges[a] = [...ranges[a]!, ...ranges[b]!].sort(
        (x, y) => live.from.data[x]! - live.from.data[y]!,
      );
      ranges[b] = [];
      groupOf[b] = a;
      hit("allocator: join");
    }
    return ranges
      .filter((list) => list.length > 0)
      .flatMap((list) => {
        const [first, second] = this.splitAtPrologue(list);
        const bundle = this.newBundle(first, -1);
        return second.length === 0 ? [bundle] : [bundle, this.newBundle(second, bundle.family)];
      });
  }

  /**
   * Ranges with and without the frame, if no caller-saved register is free for all of them; else
   * all ranges.
   */
  private splitAtPrologue(ranges: number[]): [number[], number[]] {
    const { live, framed } = this;
    if (framed === null) return [ranges, []];
    if (!crossesCalls(live, this.registers, ranges)) return [ranges, []];
    const parts: [number[], number[]] = [[], []];
    for (const whole of ranges) {
      let range = whole;
      let block = live.blockOfInstruction[instructionAt(live.from.data[range]!)]!;
      let isFramed = framed.isFramed[block]!;
      const last = live.blockOfInstruction[instructionAt(live.to.data[range]! - 1)]!;
      while (++block <= last) {
        if (framed.isFramed[block] === isFramed) continue;
        parts[isFramed]!.push(range);
        range = live.splitRange(range, beforePoint(live.machine.blocks[block]!.start));
        isFramed = framed.isFramed[block]!;
      }
      parts[isFramed]!.push(range);
    }
    return parts[0].length === 0 ? [parts[1], []] : parts;
  }

  private isOutsideFrame(bundle: Bundle): boolean {
    const { live, framed } = this;
    return (
      framed !== null &&
      bundle.ranges.some((range) => {
        const block = live.blockOfInstruction[instructionAt(live.from.data[range]!)]!;
        return framed.isFramed[block] === 0;
      })
    );
  }

  /**
   * Rematerializing a constant is cheaper than keeping it in the register of the value that it
   * becomes.
   */
  private isWorthCarrying(register: VirtualRegister): boolean {
    return this.live.machine.rematerializable[register] === null;
  }

  /** A constant that is made close to the one instruction that reads it. */
  private isMadeFor(register: VirtualRegister): boolean {
    const { live } = this;
    const range = live.rangesOf[register]![0];
    if (range === undefined || live.rangesOf[register]!.length > 1) return false;
    const isShort = live.to.data[range]! - live.from.data[range]! <= 12;
    return isShort && live.useEnds.data[range]! - live.useStarts.data[range]! === 2;
  }

  private messageWordOf(register: number): number {
    return this.live.machine.messageWords?.indexOf(register as VirtualRegister) ?? -1;
  }

  /**
   * A word of the message stays in its register, unless it is read after that was set: then the
   * word is moved away at the entry, like all other values.
   */
  private keepsMessageWord(bundle: Bundle): boolean {
    const { live } = this;
    const word = this.messageWordOf(live.registers.data[bundle.ranges[0]!]!);
    if (word < 0) return false;
    const register = MESSAGE_WORD_REGISTERS[word]!;
    const isSet = bundle.ranges.some((range) =>
      live.isReserved(register, live.from.data[range]!, live.to.data[range]!),
    );
    hit(isSet ? "allocator: message word moved away" : "allocator: message word kept");
    if (isSet) return false;
    bundle.register = register;
    return true;
  }

  private enqueue(bundle: Bundle): void {
    if (!bundle.hasUses) {
      this.withoutRegister.push(bundle);
      return;
    }
    // In linear mode in the order of the code, else the longest first.
    this.queue.push(bundle.index, this.isLinear ? -bundle.start(this.live) : bundle.size);
  }

  private allocate(bundle: Bundle): void {
    let bestVictims: ReadonlySet<number> | null = null;
    let bestVictimWeight = Infinity;
    let bestVictimRegister = -1;
    let latestConflict = -1;
    const avoidsSaved = !bundle.isMinimal && this.isOutsideFrame(bundle);
    const isCheap = bundle.cost < CALLEE_SAVED_COST && bundle.weight < MINIMAL_WEIGHT;
    for (const register of this.registersFor(bundle)) {
      if (isCheap && ((CALLEE_SAVED_SET & ~this.usedCalleeSaved) >> register) & 1) {
        hit("allocator: callee-saved avoided");
        continue;
      }
      if (avoidsSaved && (CALLEE_SAVED_SET >> register) & 1) continue;
      const conflict = this.conflictsOf(
        bundle,
        register,
        this.isLinear && bundle.weight < MINIMAL_WEIGHT ? 0 : bundle.weight,
      );
      if (conflict.firstPoint < 0) {
        this.assign(bundle, register);
        return;
      }
      if (conflict.weight < bestVictimWeight) {
        bestVictims = conflict.victims;
        bestVictimWeight = conflict.weight;
        bestVictimRegister = register;
      }
      latestConflict = Math.max(latestConflict, conflict.firstPoint);
    }
    if (bestVictims !== null && bestVictimWeight < Infinity) {
      hit("allocator: eviction");
      for (const victim of bestVictims) this.evict(this.bundles[victim]!);
      this.assign(bundle, bestVictimRegister);
      return;
    }
    if (bundle.isMinimal) {
      if (bundle.isRegisterNeeded)
        throw new Error(`${this.live.machine.name}: no register at ${bundle.start(this.live)}`);
      this.withoutRegister.push(bundle);
      return;
    }
    this.split(bundle, latestConflict);
  }

  /**
   * Registers in the order to try them: those that make moves vanish, those that no other value
   * wishes for, then the rest.
   */
  private registersFor(bundle: Bundle): readonly number[] {
    const weights = new Map<number, number>();
    for (const range of bundle.ranges) {
      for (const { fixed, weight } of this.wishes.of(this.live.registers.data[range]!))
        weights.set(fixed, (weights.get(fixed) ?? 0) + weight);
    }
    const wished = [...weights]
      .sort((a, b) => b[1] - a[1])
      .map(([register]) => register)
      .filter((register) => this.registers.includes(register));
    const others = this.registers.filter((register) => !weights.has(register));
    const [start, end] = [bundle.start(this.live), bundle.end(this.live)];
    // Saving another register costs more than a wish of another value.
    const rank = (register: number): number =>
      ((CALLEE_SAVED_SET & ~this.usedCalleeSaved) >> register) & 1
        ? 2
        : this.wishes.isWished(register, start, end)
          ? 1
          : 0;
    const ranks = others.map(rank);
    return [
      ...wished,
      ...[0, 1, 2].flatMap((wanted) => others.filter((_, k) => ranks[k] === wanted)),
    ];
  }

  /**
   * The conflicts in `register`: their first point (-1: none), the bundles to evict, and the
   * greatest weight among those. The weight is Infinity if a bundle weighs `weightLimit` or more,
   * or if an instruction needs the register itself; the search ends there.
   */
  private conflictsOf(bundle: Bundle, register: number, weightLimit: number): Conflict {
    const { live } = this;
    const reservations = live.reservations[register]!;
    const victims = new Set<number>();
    let weight = 0;
    let firstPoint = -1;
    for (const range of bundle.ranges) {
      const [from, to] = [live.from.data[range]!, live.to.data[range]!];
      for (
        let k = live.firstReservation(register, from, to);
        k >= 0 && k < reservations.length && reservations[k]!.from < to;
        k++
      ) {
        // The instruction reads this very value there.
        if (reservations[k]!.register === live.registers.data[range]) continue;
        const point = Math.max(from, reservations[k]!.from);
        return {
          firstPoint: firstPoint < 0 ? point : Math.min(firstPoint, point),
          weight: Infinity,
          victims,
        };
      }
      this.occupied[register]!.overlaps(from, to, (otherFrom, _to, owner) => {
        const other = this.bundles[owner]!;
        if (firstPoint < 0) firstPoint = Math.max(from, otherFrom);
        victims.add(owner);
        weight = other.weight >= weightLimit ? Infinity : Math.max(weight, other.weight);
        return weight < Infinity;
      });
      if (weight === Infinity) break;
    }
    return { firstPoint, weight, victims };
  }

  private assign(bundle: Bundle, register: number): void {
    bundle.register = register;
    if ((CALLEE_SAVED_SET >> register) & 1) this.usedCalleeSaved |= 1 << register;
    for (const range of bundle.ranges) {
      this.occupied[register]!.insert(
        this.live.from.data[range]!,
        this.live.to.data[range]!,
        bundle.index,
      );
    }
  }

  private evict(bundle: Bundle): void {
    for (const range of bundle.ranges)
      this.occupied[bundle.register]!.remove(this.live.from.data[range]!);
    bundle.register = NOT_ALLOCATED;
    this.enqueue(bundle);
  }

  private secondChance(bundle: Bundle): void {
    for (const register of this.registersFor(bundle)) {
      if (((CALLEE_SAVED_SET & ~this.usedCalleeSaved) >> register) & 1) continue;
      if (this.conflictsOf(bundle, register, 0).firstPoint >= 0) continue;
      if (
        bundle.ranges.every(
          (range) => this.live.machine.rematerializable[this.live.registers.data[range]!] !== null,
        )
      )
        return;
      hit("allocator: second chance");
      this.assign(bundle, register);
      return;
    }
    hit("allocator: spill");
  }

  private split(bundle: Bundle, conflict: Point): void {
    const { live } = this;
    this.familySplits[bundle.family]!++;
    if (this.isLinear || this.familySplits[bundle.family]! > FAMILY_SPLITS_MAX) {
      this.splitIntoSmallest(bundle);
      return;
    }
    const start = bundle.start(live);
    const end = bundle.end(live);
    const uses = this.usesOf(bundle);
    const conflictStart = conflict < 0 ? start : beforePoint(instructionAt(conflict));
    const firstUse = uses[0]!;
    let point: Point;
    if (conflictStart > start && firstUse < conflictStart) {
      hit("allocator: split before conflict");
      const lastUse = uses.filter((use) => use < conflictStart).at(-1)!;
      point = this.cheapestPoint(beforePoint(instructionAt(lastUse) + 1), conflictStart, true);
    } else if (beforePoint(instructionAt(firstUse)) > start) {
      hit("allocator: split before first use");
      point = this.cheapestPoint(
        Math.min(beforePoint(instructionAt(start) + 1), beforePoint(instructionAt(firstUse))),
        beforePoint(instructionAt(firstUse)),
        false,
      );
    } else {
      hit("allocator: split behind use");
      point = beforePoint(instructionAt(firstUse) + 1);
    }
    const [before, behind] = point > start && point < end ? this.cut(bundle, point) : [[], []];
    if (before.length === 0 || behind.length === 0) {
      this.splitIntoSmallest(bundle);
      return;
    }
    this.replace(bundle, before);
    this.enqueue(this.newBundle(behind, bundle.family));
  }

  /** Points of uses, ascending; definitions that can be made again do not count. */
  private usesOf(bundle: Bundle): Point[] {
    const { live } = this;
    const points: Point[] = [];
    for (const range of bundle.ranges) {
      const isRematerializable =
        live.machine.rematerializable[live.registers.data[range]!] !== null;
      for (let use = live.useStarts.data[range]!; use < live.useEnds.data[range]!; use++) {
        if (!isRematerializable || needsRegister(live.useKinds[use]! as UseKind))
          points.push(live.usePoints[use]!);
      }
    }
    return points;
  }

  /**
   * A point in [from, to], at the start of an instruction or block, where a move is executed least
   * often; of equal ones the first (`preferFirst`) or the last. At the start of a block the moves
   * go on the edges into it, so that only those from outside count.
   */
  private cheapestPoint(from: Point, to: Point, preferFirst: boolean): Point {
    const { blocks } = this.live.machine;
    const blockOf = this.live.blockOfInstruction;
    const isLabel = (point: Point): boolean =>
      blocks[blockOf[instructionAt(point)]!]?.start === instructionAt(point);
    const boundaryCost = (block: number): number =>
      block === 0 ? Infinity : Math.min(blocks[block]!.frequency, blocks[block - 1]!.frequency);
    const candidates: { point: Point; cost: number }[] = [];
    const firstBlock = blockOf[instructionAt(from)]!;
    const lastBlock = blockOf[Math.min(instructionAt(to), blockOf.length - 1)]!;
    if (!isLabel(from)) candidates.push({ point: from, cost: blocks[firstBlock]!.frequency });
    const step = lastBlock - firstBlock > SPLIT_SEARCH_BLOCKS_MAX;
    for (
      let block = step && !preferFirst ? lastBlock - SPLIT_SEARCH_BLOCKS_MAX : firstBlock;
      block <= lastBlock;
      block++
    ) {
      if (step && preferFirst && block > firstBlock + SPLIT_SEARCH_BLOCKS_MAX) break;
      const point = beforePoint(blocks[block]!.start);
      if (point >= from && point <= to) candidates.push({ point, cost: boundaryCost(block) });
    }
    if (to !== from && !isLabel(to))
      candidates.push({ point: to, cost: blocks[lastBlock]!.frequency });
    let best = candidates[0]!;
    for (const candidate of candidates) {
      if (candidate.cost < best.cost || (!preferFirst && candidate.cost === best.cost))
        best = candidate;
    }
    return best.point;
  }

  /** The ranges of `bundle` before and from `point` on; one that crosses it is cut. */
  private cut(bundle: Bundle, point: Point): [number[], number[]] {
    const { live } = this;
    const before: number[] = [];
    const behind: number[] = [];
    for (const range of bundle.ranges) {
      if (live.to.data[range]! <= point) before.push(range);
      else if (live.from.data[range]! >= point) behind.push(range);
      else {
        before.push(range);
        behind.push(live.splitRange(range, point));
      }
    }
    return [before, behind];
  }

  private replace(bundle: Bundle, ranges: number[]): void {
    bundle.ranges = ranges;
    for (const range of ranges) this.bundleOf[range] = bundle.index;
    bundle.measure(this.live);
    this.enqueue(bundle);
  }

  /**
   * Cuts a bundle around every instruction that needs it in a register; all else is without uses.
   */
  private splitIntoSmallest(bundle: Bundle): void {
    hit("allocator: smallest pieces");
    const { live } = this;
    const pieces: number[][] = [];
    for (const whole of bundle.ranges) {
      let range = whole;
      const instructions = new Set<number>();
      for (let use = live.useStarts.data[range]!; use < live.useEnds.data[range]!; use++) {
        if (needsRegister(live.useKinds[use]! as UseKind))
          instructions.add(instructionAt(live.usePoints[use]!));
      }
      for (const instruction of instructions) {
        const [from, to] = [beforePoint(instruction), beforePoint(instruction + 1)];
        if (live.from.data[range]! < from) {
          const rest = live.splitRange(range, from);
          pieces.push([range]);
          range = rest;
        }
        if (live.to.data[range]! > to) {
          const rest = live.splitRange(range, to);
          pieces.push([range]);
          range = rest;
        }
      }
      pieces.push([range]);
    }
    bundle.ranges = [];
    for (const piece of pieces) {
      const smallest = this.newBundle(piece, bundle.family);
      if (smallest.isRegisterNeeded) this.enqueue(smallest);
      else this.withoutRegister.push(smallest);
    }
  }
}

/** The conflicts that keep a bundle out of a register. */
interface Conflict {
  readonly firstPoint: Point;
  readonly weight: number;
  readonly victims: ReadonlySet<number>;
}
