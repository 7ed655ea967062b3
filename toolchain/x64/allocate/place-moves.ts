import { Type } from "../../ir/opcode.ts";
import {
  type Allocation,
  type InsertedMove,
  type Location,
  NOWHERE,
  slotLocation,
} from "./allocation.ts";
import type { RegisterAllocator } from "./allocate-registers.ts";
import { declareCoverage, hit } from "../machine/coverage.ts";
import { NOT_ALLOCATED } from "./bundle.ts";
import {
  beforePoint,
  behindPoint,
  instructionAt,
  type LiveRanges,
  type Point,
} from "./live-range.ts";
import {
  constraintKind,
  constraintRegister,
  OperandKind,
  type VirtualRegister,
} from "../machine/machine-function.ts";
import { type ParallelMove, sequentialize } from "./parallel-move.ts";
import { CALLEE_SAVED_SET } from "../machine/register.ts";
import { SegmentMap } from "./segment-map.ts";
import type { FramedBlocks } from "./shrink-wrap.ts";

/** Groups of moves at one instruction, in the order in which they are executed. */
enum Stage {
  /** Before the instruction: moves of split ranges, to fixed registers, to tied ones. */
  Before,
  /** Before a block's jump, behind everything else: what the edge needs. */
  EdgeOut,
  /**
   * Behind an instruction: from fixed registers. Behind a label: what the edge into this block
   * needs.
   */
  Behind,
  /** Behind that: a block's parameters to their slots. */
  Store,
}

/** Existing slots that are tried before a new slot is made. */
const SLOTS_TRIED_MAX = 32;

for (const name of [
  "spill: stored at the definition",
  "spill: stored where the register is lost",
  "move: on an edge",
  "move: between split ranges",
]) {
  declareCoverage(name);
}

/**
 * A move from a register to a slot. It is left out if the value is stored once, at its definition.
 */
interface Departure {
  readonly instruction: number;
  readonly stage: Stage;
  readonly from: Location;
}

/**
 * Turns registers of bundles into locations of operands, stack slots, and the moves between all of
 * them.
 */
export function placeMoves(
  live: LiveRanges,
  allocator: RegisterAllocator,
  registers: readonly number[],
  framed: FramedBlocks | null,
): Allocation {
  return new MovePlacement(live, allocator, registers, framed).run();
}

class MovePlacement {
  private readonly rangesOf: number[][];
  private readonly slotOfRegister: Int32Array;
  private readonly slotBytes: (4 | 8)[] = [];
  private readonly moveSlots: number[] = [];
  private readonly groups = new Map<number, ParallelMove[]>();
  private readonly removed: Uint8Array;

  constructor(
    private readonly live: LiveRanges,
    private readonly allocator: RegisterAllocator,
    private readonly registers: readonly number[],
    private readonly framed: FramedBlocks | null,
  ) {
    const { machine } = live;
    this.rangesOf = Array.from({ length: machine.registerCount }, () => []);
    for (let range = 0; range < live.from.length; range++)
      this.rangesOf[live.registers.data[range]!]!.push(range);
    for (const list of this.rangesOf) list.sort((a, b) => live.from.data[a]! - live.from.data[b]!);
    this.slotOfRegister = new Int32Array(machine.registerCount).fill(-1);
    this.removed = new Uint8Array(machine.instructions.length);
  }

  run(): Allocation {
    const { machine } = this.live;
    this.assignSlots();
    for (let register = 0; register < machine.registerCount; register++)
      this.moveBetweenRanges(register as VirtualRegister);
    this.moveArguments();
    const locations = this.locateOperands();
    const before = new Map<number, InsertedMove[]>();
    const behind = new Map<number, InsertedMove[]>();
    for (const key of [...this.groups.keys()].sort((a, b) => a - b)) {
      const [instruction, stage] = [key >> 2, (key & 3) as Stage];
      const moves = sequentialize(this.groups.get(key)!, {
        register: () => this.freeRegister(instruction, stage, this.groups.get(key)!),
        slot: (number) => this.slotForMoves(number),
      });
      const map = stage <= Stage.EdgeOut ? before : behind;
      map.set(instruction, [...(map.get(instruction) ?? []), ...moves]);
    }
    return {
      machine,
      locations,
      before,
      behind,
      removed: this.removed,
      slotBytes: this.slotBytes,
      parameterPlaces: machine.parameters.map((register) => this.placesOf(register)),
      savedRegisters: this.allocator.usedCalleeSaved,
    };
  }

  private placesOf(register: VirtualRegister): Allocation["parameterPlaces"][number] {
    return this.rangesOf[register]!.map((range) => ({
      from: this.live.from.data[range]!,
      to: this.live.to.data[range]!,
      location: this.locationOfRange(range),
    }));
  }

  // Slots.

  /**
   * Values whose bundles came from one share a slot, since they are never live at once; the others
   * share where their ranges allow.
   */
  private assignSlots(): void {
    const { live, allocator } = this;
    const families = new Map<number, Set<VirtualRegister>>();
    for (let range = 0; range < live.from.length; range++) {
      const bundle = allocator.bundles[allocator.bundleOf[range]!]!;
      const register = live.registers.data[range]! as VirtualRegister;
      if (bundle.register !== NOT_ALLOCATED || live.machine.rematerializable[register] !== null)
        continue;
      const family = families.get(bundle.family);
      if (family === undefined) families.set(bundle.family, new Set([register]));
      else family.add(register);
    }
    const occupied: SegmentMap[] = [];
    for (const [, members] of [...families].sort((a, b) => a[0] - b[0])) {
      const [first] = members;
      const bytes = live.machine.type(first!) === Type.I64 ? 8 : 4;
      const ranges = [...members].flatMap((register) => this.rangesOf[register]!);
      const fits = (slot: number): boolean =>
        this.slotBytes[slot] === bytes &&
        ranges.every((range) =>
          occupied[slot]!.isFree(live.from.data[range]!, live.to.data[range]!),
        );
      let slot = -1;
      for (
        let k = Math.max(0, this.slotBytes.length - SLOTS_TRIED_MAX);
        k < this.slotBytes.length && slot < 0;
        k++
      )
        if (fits(k)) slot = k;
      if (slot < 0) {
        slot = this.newSlot(bytes);
        occupied[slot] = new SegmentMap();
      }
      for (const range of ranges)
        occupied[slot]!.insert(live.from.data[range]!, live.to.data[range]!, range);
      for (const register of members) this.slotOfRegister[register] = slot;
    }
  }

  private newSlot(bytes: 4 | 8): number {
    return this.slotBytes.push(bytes) - 1;
  }

  private slotForMoves(number: number): number {
    return (this.moveSlots[number] ??= this.newSlot(8));
  }

  // Locations.

  private locationOfRange(range: number): Location {
    const { register } = this.allocator.bundles[this.allocator.bundleOf[range]!]!;
    if (register !== NOT_ALLOCATED) return register;
    const slot = this.slotOfRegister[this.live.registers.data[range]!]!;
    return slot < 0 ? NOWHERE : slotLocation(slot);
  }

  private rangeAt(register: VirtualRegister, point: Point): number {
    const ranges = this.rangesOf[register]!;
    let low = 0;
    let high = ranges.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.live.to.data[ranges[middle]!]! > point) high = middle;
      else low = middle + 1;
    }
    return low < ranges.length && this.live.from.data[ranges[low]!]! <= point ? ranges[low]! : -1;
  }

  private locationAt(register: VirtualRegister, point: Point): Location {
    const range = this.rangeAt(register, point);
    if (range < 0)
      throw new Error(`${this.live.machine.name}: value ${register} has no location at ${point}`);
    return this.locationOfRange(range);
  }

  private widthOf(register: VirtualRegister): 4 | 8 {
    return this.live.machine.type(register) === Type.I64 ? 8 : 4;
  }

  // Moves.

  private add(
    instruction: number,
    stage: Stage,
    value: VirtualRegister,
    from: Location,
    to: Location,
    toWidth: 4 | 8,
  ): void {
    const definition = from === NOWHERE ? this.live.machine.rematerializable[value]! : null;
    if (from === NOWHERE && definition === null)
      throw new Error(`${this.live.machine.name}: value ${value} is nowhere`);
    const key = instruction * 4 + stage;
    const move: ParallelMove = {
      from,
      to,
      fromWidth: this.widthOf(value),
      toWidth,
      register: value,
      definition,
    };
    const group = this.groups.get(key);
    if (group === undefined) {
      this.groups.set(key, [move]);
      return;
    }
    const same = group.find((other) => other.to === to);
    if (same === undefined) group.push(move);
    else if (same.register !== value)
      throw new Error(`${this.live.machine.name}: two values for one place`);
  }

  /** Moves of one value from each of its ranges to the next, inside blocks and over edges. */
  private moveBetweenRanges(register: VirtualRegister): void {
    const { live } = this;
    const ranges = this.rangesOf[register]!;
    if (ranges.length === 0) return;
    const firstLocation = this.locationOfRange(ranges[0]!);
    if (ranges.every((range) => this.locationOfRange(range) === firstLocation)) return;
    const { blocks } = live.machine;
    const width = this.widthOf(register);
    const slot =
      this.slotOfRegister[register]! < 0 ? NOWHERE : slotLocation(this.slotOfRegister[register]!);
    const departures: Departure[] = [];
    const connect = (instruction: number, stage: Stage, from: Location, to: Location): void => {
      if (from === to || to === NOWHERE) return;
      if (to === slot) departures.push({ instruction, stage, from });
      else this.add(instruction, stage, register, from, to, width);
    };

    ranges.forEach((range, k) => {
      const previous = ranges[k - 1];
      const [from, to] = [live.from.data[range]!, live.to.data[range]!];
      const block = live.blockOfInstruction[instructionAt(from)]!;
      if (
        previous !== undefined &&
        live.to.data[previous] === from &&
        beforePoint(blocks[block]!.start) !== from
      ) {
        hit("move: between split ranges");
        connect(
          instructionAt(from),
          Stage.Before,
          this.locationOfRange(previous),
          this.locationOfRange(range),
        );
      }
      for (let b = block; b < blocks.length && beforePoint(blocks[b]!.start) < to; b++) {
        const start = beforePoint(blocks[b]!.start);
        if (start < from || live.definitionPoints[register] === start) continue;
        for (const predecessor of blocks[b]!.predecessors) {
          const [instruction, stage] = this.edgePlace(predecessor, b);
          connect(
            instruction,
            stage,
            this.locationAt(register, beforePoint(blocks[predecessor]!.end) - 1),
            this.locationOfRange(range),
          );
        }
      }
    });
    this.store(register, slot, departures);
  }

  /**
   * Where the moves of an edge go: before the jump of a block with one successor, else behind the
   * label of one with one predecessor.
   */
  private edgePlace(from: number, to: number): [number, Stage] {
    const { blocks } = this.live.machine;
    if (blocks[from]!.edges.length === 1) return [blocks[from]!.end - 1, Stage.EdgeOut];
    if (blocks[to]!.predecessors.length === 1) return [blocks[to]!.start, Stage.Behind];
    throw new Error(`${this.live.machine.name}: critical edge`);
  }

  /**
   * Fills the slot of a value: once, behind its definition, or wherever it loses its register,
   * whichever is executed less often. A value never changes, so that one store serves all. A
   * definition outside of the frame has no slot to fill.
   */
  private store(register: VirtualRegister, slot: Location, departures: readonly Departure[]): void {
    if (departures.length === 0) return;
    const { live } = this;
    const { blocks } = live.machine;
    const frequencyOf = (instruction: number): number =>
      blocks[live.blockOfInstruction[instruction]!]!.frequency;
    const definition = live.definitionPoints[register]!;
    // Not the first range in the order of the code: a loop's head may stand behind its body.
    const first = this.locationAt(register, definition);
    const cost = departures.reduce((sum, { instruction }) => sum + frequencyOf(instruction), 0);
    const definedAt = instructionAt(definition);
    if (first === slot) return;
    const width = this.widthOf(register);
    const hasFrame = (instruction: number): boolean =>
      this.framed?.isFramed[live.blockOfInstruction[instruction]!] !== 0;
    const isDefinedOutside =
      !hasFrame(definedAt) && departures.every(({ instruction }) => hasFrame(instruction));
    // At equal estimates too: what the definition dominates runs no more often than it.
    if (isDefinedOutside || frequencyOf(definedAt) >= cost) {
      hit("spill: stored where the register is lost");
      for (const { instruction, stage, from } of departures)
        this.add(instruction, stage, register, from, slot, width);
      return;
    }
    hit("spill: stored at the definition");
    this.add(definedAt, Stage.Store, register, first, slot, width);
  }

  /** From values on edges to the parameters of their targets. */
  private moveArguments(): void {
    const { blocks } = this.live.machine;
    blocks.forEach((block, index) => {
      for (const edge of block.edges) {
        const target = blocks[edge.target]!;
        edge.arguments.forEach((argument, k) => {
          const parameter = target.parameters[k]!;
          if (this.rangesOf[parameter]!.length === 0) return;
          const to = this.locationAt(parameter, beforePoint(target.start));
          const from = this.locationAt(argument, beforePoint(block.end) - 1);
          if (from === to && from !== NOWHERE) return;
          hit("move: on an edge");
          const [instruction, stage] = this.edgePlace(index, edge.target);
          this.add(instruction, stage, argument, from, to, this.widthOf(parameter));
        });
      }
    });
  }

  private locateOperands(): Int32Array {
    const { live } = this;
    const { machine } = live;
    const locations = new Int32Array(machine.operandRegisters.length).fill(NOWHERE);
    machine.instructions.forEach((instruction, i) => {
      for (let k = 0; k < instruction.operandCount; k++) {
        const operand = instruction.operandStart + k;
        const bits = machine.operandConstraints.data[operand]!;
        const register = machine.operandRegisters.data[operand]! as VirtualRegister;
        const fixed = constraintRegister(bits);
        switch (constraintKind(bits)) {
          case OperandKind.UseRegister:
          case OperandKind.UseAny:
            locations[operand] = this.locationAt(register, beforePoint(i) + 1);
            break;
          case OperandKind.UseFixed:
            locations[operand] = fixed;
            this.addMoveTo(i, register, fixed, this.widthOf(register));
            break;
          case OperandKind.Definition: {
            const location = this.locationAt(register, beforePoint(i) + 2);
            if (location === NOWHERE) this.removed[i] = 1;
            locations[operand] = location;
            break;
          }
          case OperandKind.DefinitionEarly:
            locations[operand] = this.locationAt(register, beforePoint(i));
            break;
          case OperandKind.DefinitionTied: {
            const location = this.locationAt(register, beforePoint(i));
            locations[operand] = location;
            locations[operand + 1] = location;
            this.addMoveTo(
              i,
              machine.operandRegisters.data[operand + 1]! as VirtualRegister,
              location,
              this.widthOf(register),
            );
            break;
          }
          case OperandKind.DefinitionFixed:
          case OperandKind.DefinitionFixedEarly:
            locations[operand] = fixed;
            if (this.rangesOf[register]!.length > 0) {
              this.add(
                i,
                Stage.Behind,
                register,
                fixed,
                this.locationAt(register, behindPoint(i)),
                this.widthOf(register),
              );
            }
            break;
          case OperandKind.UseTied:
            break;
        }
      }
    });
    return locations;
  }

  private addMoveTo(
    instruction: number,
    value: VirtualRegister,
    to: Location,
    toWidth: 4 | 8,
  ): void {
    this.add(
      instruction,
      Stage.Before,
      value,
      this.locationAt(value, beforePoint(instruction) - 1),
      to,
      toWidth,
    );
  }

  /**
   * A register that no value, instruction or move of the group uses while the group is executed.
   * -1: none.
   */
  private freeRegister(instruction: number, stage: Stage, group: readonly ParallelMove[]): number {
    const { live, allocator } = this;
    const { blocks } = live.machine;
    const block = blocks[live.blockOfInstruction[instruction]!]!;
    const spans: [Point, Point][] = [];
    if (stage === Stage.Before)
      spans.push([beforePoint(instruction) - 1, beforePoint(instruction) + 1]);
    else spans.push([beforePoint(instruction), beforePoint(instruction + 1)]);
    if (stage === Stage.EdgeOut) {
      const target = blocks[block.edges[0]!.target]!;
      spans.push([beforePoint(target.start), beforePoint(target.start) + 1]);
    } else if (block.start === instruction) {
      for (const predecessor of block.predecessors)
        spans.push([
          beforePoint(blocks[predecessor]!.end) - 1,
          beforePoint(blocks[predecessor]!.end),
        ]);
    }
    for (const register of this.registers) {
      if (((CALLEE_SAVED_SET & ~allocator.usedCalleeSaved) >> register) & 1) continue;
      if (group.some(({ from, to }) => from === register || to === register)) continue;
      if (spans.every(([from, to]) => allocator.isFree(register, from, to))) return register;
    }
    return -1;
  }
}
