import { Column } from "../../ir/function.ts";
import {
  constraintKind,
  constraintRegister,
  type MachineFunction,
  NO_REGISTER,
  OperandKind,
  type VirtualRegister,
} from "../machine/machine-function.ts";
import { REGISTER_COUNT } from "../machine/register.ts";

/**
 * A place between or inside instructions. Instruction i has four: 4i before it, where moves are
 * inserted; 4i+1 where it reads; 4i+2 where it writes; 4i+3 behind it, where moves away from fixed
 * registers are inserted. Intervals are half open.
 */
export type Point = number;

export const beforePoint = (instruction: number): Point => instruction * 4;
const earlyPoint = (instruction: number): Point => instruction * 4 + 1;
export const latePoint = (instruction: number): Point => instruction * 4 + 2;
export const behindPoint = (instruction: number): Point => instruction * 4 + 3;
export const instructionAt = (point: Point): number => point >> 2;

/** How an instruction uses a value at a point. */
export enum UseKind {
  /** Written to a register. */
  Definition,
  /** Written to a register, or not at all if every reader rematerializes the value. */
  RematerializableDefinition,
  /** Written by a move: register or slot. */
  DefinitionByMove,
  /** Read from a register. */
  Register,
  /** Read from a register or slot. */
  Any,
  /** Read by an inserted move: register or slot. */
  Move,
}

export const needsRegister = (kind: UseKind): boolean =>
  kind === UseKind.Definition || kind === UseKind.Register;

/**
 * A time during which an instruction itself occupies a register. `register` is the value that it
 * reads there, or -1.
 */
interface Reservation {
  readonly from: Point;
  readonly to: Point;
  readonly register: VirtualRegister;
}

/** A move that would vanish if both values had one location. */
interface Affinity {
  readonly left: VirtualRegister;
  readonly right: VirtualRegister;
  readonly weight: number;
  /** `left` overwrites `right`. */
  readonly isTied: boolean;
}

/** A move between a value and a fixed register that vanishes if the value lives there. */
interface FixedAffinity {
  readonly virtual: VirtualRegister;
  readonly fixed: number;
  readonly weight: number;
}

/**
 * Where each value is live: its ranges, maximal intervals in the order of the code, and its uses,
 * sorted by point. Range and use numbers index columns; a range's uses are `useStarts[range] …
 * useEnds[range]`.
 */
export class LiveRanges {
  readonly from = new Column();
  readonly to = new Column();
  readonly registers = new Column();
  readonly useStarts = new Column();
  readonly useEnds = new Column();

  readonly usePoints: Int32Array;
  readonly useKinds: Uint8Array;

  /** Ranges of each virtual register at the start, ascending. */
  readonly rangesOf: number[][] = [];
  readonly definitionPoints: Int32Array;
  readonly blockOfInstruction: Int32Array;
  readonly reservations: readonly Reservation[][];
  readonly affinities: Affinity[] = [];
  readonly fixedAffinities: FixedAffinity[] = [];

  constructor(readonly machine: MachineFunction) {
    const { registerCount, instructions, blocks } = machine;
    this.definitionPoints = new Int32Array(registerCount).fill(-1);
    this.blockOfInstruction = new Int32Array(instructions.length);
    blocks.forEach((block, index) => this.blockOfInstruction.fill(index, block.start, block.end));
    this.reservations = Array.from({ length: REGISTER_COUNT }, () => []);

    const counts = new Int32Array(registerCount + 1);
    let total = 0;
    this.visitUses((register) => {
      counts[register]!++;
      total++;
    });
    this.usePoints = new Int32Array(total);
    this.useKinds = new Uint8Array(total);
    const starts = new Int32Array(registerCount + 1);
    for (let i = 0; i < registerCount; i++) starts[i + 1] = starts[i]! + counts[i]!;
    const next = starts.slice();
    this.visitUses((register, point, kind) => {
      const use = next[register]!++;
      this.usePoints[use] = point;
      this.useKinds[use] = kind;
      if (kind <= UseKind.DefinitionByMove) this.definitionPoints[register] = point;
    });
    this.sortUses(starts);
    this.buildRanges(starts);
    this.collectFixed();
    this.swapCommutative();
    this.collectAffinities();
  }

  /** How often the use runs: what it costs if the value is in a slot instead of a register. */
  useFrequency(use: number): number {
    const block = this.blockOfInstruction[instructionAt(this.usePoints[use]!)]!;
    return this.machine.blocks[block]!.frequency;
  }

  /** Index of the first reservation of `fixed` that overlaps [from, to), or -1. */
  firstReservation(fixed: number, from: Point, to: Point): number {
    const reservations = this.reservations[fixed]!;
    let low = 0;
    let high = reservations.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (reservations[middle]!.to > from) high = middle;
      else low = middle + 1;
    }
    return low < reservations.length && reservations[low]!.from < to ? low : -1;
  }

  isReserved(fixed: number, from: Point, to: Point): boolean {
    return this.firstReservation(fixed, from, to) >= 0;
  }

  newRange(
    register: VirtualRegister,
    from: Point,
    to: Point,
    useStart: number,
    useEnd: number,
  ): number {
    this.from.push(from);
    this.to.push(to);
    this.useStarts.push(useStart);
    this.useEnds.push(useEnd);
    return this.registers.push(register);
  }

  /**
   * Cuts `range` at `point`: it keeps what is before, and a new range, which is returned, has the
   * rest.
   */
  splitRange(range: number, point: Point): number {
    const to = this.to.data[range]!;
    const useEnd = this.useEnds.data[range]!;
    let use = this.useStarts.data[range]!;
    while (use < useEnd && this.usePoints[use]! < point) use++;
    this.to.data[range] = point;
    this.useEnds.data[range] = use;
    return this.newRange(this.registers.data[range]! as VirtualRegister, point, to, use, useEnd);
  }

  /**
   * Calls back for every definition and use, instruction by instruction, edge arguments at the end
   * of their block.
   */
  private visitUses(visit: (register: VirtualRegister, point: Point, kind: UseKind) => void): void {
    const { machine } = this;
    for (const block of machine.blocks) {
      for (const parameter of block.parameters)
        visit(parameter, beforePoint(block.start), UseKind.DefinitionByMove);
      for (let i = block.start; i < block.end; i++) {
        const instruction = machine.instructions[i]!;
        for (let k = 0; k < instruction.operandCount; k++) {
          const register = machine.operandRegister(instruction, k);
          if (register === NO_REGISTER) continue;
          const isRematerializable = machine.rematerializable[register] !== null;
          switch (constraintKind(machine.operandConstraint(instruction, k))) {
            case OperandKind.UseRegister:
              visit(register, earlyPoint(i), UseKind.Register);
              break;
            case OperandKind.UseAny:
              visit(register, earlyPoint(i), isRematerializable ? UseKind.Register : UseKind.Any);
              break;
            case OperandKind.UseFixed:
            case OperandKind.UseTied:
              visit(register, beforePoint(i) - 1, UseKind.Move);
              break;
            case OperandKind.Definition:
              visit(
                register,
                latePoint(i),
                isRematerializable ? UseKind.RematerializableDefinition : UseKind.Definition,
              );
              break;
            case OperandKind.DefinitionTied:
            case OperandKind.DefinitionEarly:
              visit(register, beforePoint(i), UseKind.Definition);
              break;
            case OperandKind.DefinitionFixed:
            case OperandKind.DefinitionFixedEarly:
              visit(register, behindPoint(i), UseKind.DefinitionByMove);
              break;
          }
        }
      }
      for (const edge of block.edges) {
        for (const argument of edge.arguments)
          visit(argument, beforePoint(block.end) - 1, UseKind.Move);
      }
    }
  }

  /**
   * `visitUses` goes by instruction. Within an instruction a fixed use (before) may follow a plain
   * use (early), so a few uses are out of order.
   */
  private sortUses(starts: Int32Array): void {
    for (let register = 0; register + 1 < starts.length; register++) {
      for (let i = starts[register]! + 1; i < starts[register + 1]!; i++) {
        for (let k = i; k > starts[register]! && this.usePoints[k - 1]! > this.usePoints[k]!; k--) {
          const [point, kind] = [this.usePoints[k]!, this.useKinds[k]!];
          this.usePoints[k] = this.usePoints[k - 1]!;
          this.useKinds[k] = this.useKinds[k - 1]!;
          this.usePoints[k - 1] = point;
          this.useKinds[k - 1] = kind;
        }
      }
    }
  }

  /**
   * Walks from each use back to the definition; in SSA form every path from the entry to a use
   * passes it.
   */
  private buildRanges(starts: Int32Array): void {
    const { machine } = this;
    const { blocks } = machine;
    // Each holds the last register for which the block was touched, live at its start, live at its
    // end.
    const touchedBy = new Int32Array(blocks.length).fill(-1);
    const liveIn = new Int32Array(blocks.length).fill(-1);
    const liveOut = new Int32Array(blocks.length).fill(-1);
    const lastUse = new Int32Array(blocks.length);
    const touched: number[] = [];
    const worklist: number[] = [];
    for (let register = 0; register < machine.registerCount; register++) {
      const [useStart, useEnd] = [starts[register]!, starts[register + 1]!];
      this.rangesOf.push([]);
      if (useStart === useEnd) continue;
      const definition = this.definitionPoints[register]!;
      if (definition < 0)
        throw new Error(`${machine.name}: value ${register} is used but not defined`);
      const definitionBlock = this.blockOfInstruction[instructionAt(definition)]!;
      touched.length = 0;
      const touch = (block: number): void => {
        if (touchedBy[block] === register) return;
        touchedBy[block] = register;
        lastUse[block] = -1;
        touched.push(block);
      };
      for (let use = useStart; use < useEnd; use++) {
        const point = this.usePoints[use]!;
        const block = this.blockOfInstruction[instructionAt(point)]!;
        touch(block);
        lastUse[block] = point;
        if (block === definitionBlock || liveIn[block] === register) continue;
        liveIn[block] = register;
        worklist.push(block);
        while (worklist.length > 0) {
          for (const predecessor of blocks[worklist.pop()!]!.predecessors) {
            touch(predecessor);
            if (liveOut[predecessor] === register) continue;
            liveOut[predecessor] = register;
            if (predecessor === definitionBlock || liveIn[predecessor] === register) continue;
            liveIn[predecessor] = register;
            worklist.push(predecessor);
          }
        }
      }
      // Defined by a move and never read: omit the move.
      if (useEnd - useStart === 1 && this.useKinds[useStart] === UseKind.DefinitionByMove) continue;
      touched.sort((a, b) => a - b);
      let last = -1;
      let use = useStart;
      for (const block of touched) {
        const from = block === definitionBlock ? definition : beforePoint(blocks[block]!.start);
        let to =
          liveOut[block] === register ? beforePoint(blocks[block]!.end) : lastUse[block]! + 1;
        // A definition that is never read still occupies its register while it is written; a
        // temporary beside two results occupies its register until both are written.
        if (block === definitionBlock && to <= definition + 1) {
          const instruction = instructionAt(definition);
          const isEarly = definition === beforePoint(instruction);
          to =
            isEarly && this.hasTwoResults(instruction)
              ? behindPoint(instruction)
              : definition + 2 - (definition & 1);
        }
        if (last >= 0 && this.to.data[last] === from) this.to.data[last] = to;
        else
          this.rangesOf[register]!.push(
            (last = this.newRange(register as VirtualRegister, from, to, use, use)),
          );
        while (use < useEnd && this.usePoints[use]! < to) use++;
        this.useEnds.data[last] = use;
      }
      if (use !== useEnd)
        throw new Error(`${machine.name}: value ${register} is used outside its live range`);
    }
  }

  private hasTwoResults(index: number): boolean {
    const instruction = this.machine.instructions[index]!;
    let results = 0;
    for (let k = 0; k < instruction.operandCount; k++) {
      if (
        constraintKind(this.machine.operandConstraint(instruction, k)) ===
        OperandKind.DefinitionFixed
      )
        results++;
    }
    return results > 1;
  }

  private collectFixed(): void {
    const { machine } = this;
    machine.instructions.forEach((instruction, i) => {
      const reserve = (fixed: number, from: Point, to: Point, register: VirtualRegister): void => {
        this.reservations[fixed]!.push({ from, to, register });
      };
      let written = instruction.clobbers;
      let early = 0;
      const weight = machine.blocks[this.blockOfInstruction[i]!]!.frequency;
      for (let k = 0; k < instruction.operandCount; k++) {
        const bits = machine.operandConstraint(instruction, k);
        const fixed = constraintRegister(bits);
        const register = machine.operandRegister(instruction, k);
        const kind = constraintKind(bits);
        if (kind === OperandKind.DefinitionFixed) written |= 1 << fixed;
        else if (kind === OperandKind.DefinitionFixedEarly) early |= 1 << fixed;
        else if (kind === OperandKind.UseFixed)
          reserve(fixed, beforePoint(i), latePoint(i), register);
        else continue;
        this.fixedAffinities.push({ virtual: register, fixed, weight });
      }
      for (let fixed = 0; fixed < REGISTER_COUNT; fixed++) {
        if ((early >> fixed) & 1) reserve(fixed, beforePoint(i), behindPoint(i), NO_REGISTER);
        else if ((written >> fixed) & 1) reserve(fixed, latePoint(i), behindPoint(i), NO_REGISTER);
      }
    });
  }

  /**
   * Exchanges the operands of commutative instructions so that the overwritten operand is one that
   * ends there.
   */
  private swapCommutative(): void {
    const { machine } = this;
    machine.instructions.forEach((instruction, i) => {
      if (!instruction.commutative) return;
      const tied = instruction.operandStart + 1;
      const other = instruction.operandStart + 2;
      const left = machine.operandRegisters.data[tied]! as VirtualRegister;
      const right = machine.operandRegisters.data[other]! as VirtualRegister;
      if (left === right || machine.type(left) !== machine.type(right)) return;
      if (constraintKind(machine.operandConstraints.data[other]!) !== OperandKind.UseAny) return;
      if (machine.rematerializable[left] !== null || machine.rematerializable[right] !== null)
        return;
      const leftRange = this.rangeAt(left, beforePoint(i) - 1);
      const rightRange = this.rangeAt(right, earlyPoint(i));
      if (this.to.data[leftRange]! <= earlyPoint(i) || this.to.data[rightRange] !== latePoint(i))
        return;
      const leftUse = this.useAt(leftRange, beforePoint(i) - 1);
      const rightUse = this.useAt(rightRange, earlyPoint(i));
      const before = rightUse - 1;
      const isReadBefore =
        before >= this.useStarts.data[rightRange]! &&
        this.useKinds[before]! > UseKind.DefinitionByMove;
      if (isReadBefore && this.usePoints[before]! >= beforePoint(i) - 1) return;
      if (this.from.data[rightRange]! >= beforePoint(i)) return;
      machine.operandRegisters.data[tied] = right;
      machine.operandRegisters.data[other] = left;
      this.usePoints[leftUse] = earlyPoint(i);
      this.usePoints[rightUse] = beforePoint(i) - 1;
      [this.useKinds[leftUse], this.useKinds[rightUse]] = [
        this.useKinds[rightUse]!,
        this.useKinds[leftUse]!,
      ];
      this.to.data[rightRange] = beforePoint(i);
    });
  }

  private rangeAt(register: VirtualRegister, point: Point): number {
    const range = this.rangesOf[register]!.find(
      (candidate) => this.from.data[candidate]! <= point && point < this.to.data[candidate]!,
    );
    if (range === undefined)
      throw new Error(`${this.machine.name}: value ${register} is not live at ${point}`);
    return range;
  }

  private useAt(range: number, point: Point): number {
    let use = this.useStarts.data[range]!;
    while (this.usePoints[use] !== point) use++;
    return use;
  }

  private collectAffinities(): void {
    const { machine } = this;
    for (const block of machine.blocks) {
      for (let i = block.start; i < block.end; i++) {
        const instruction = machine.instructions[i]!;
        if (instruction.operandCount < 2) continue;
        if (
          constraintKind(machine.operandConstraint(instruction, 0)) !== OperandKind.DefinitionTied
        )
          continue;
        const [left, right] = [
          machine.operandRegister(instruction, 0),
          machine.operandRegister(instruction, 1),
        ];
        this.affinities.push({ left, right, weight: block.frequency, isTied: true });
      }
      for (const edge of block.edges) {
        const { parameters } = machine.blocks[edge.target]!;
        edge.arguments.forEach((argument, k) =>
          this.affinities.push({
            left: parameters[k]!,
            right: argument,
            weight: block.frequency,
            isTied: false,
          }),
        );
      }
    }
    this.affinities.sort((a, b) => b.weight - a.weight);
  }
}
