import type { Target } from "../../ir/module.ts";
import { Type } from "../../ir/opcode.ts";
import { type Allocation, type InsertedMove, isSlot, type Location, slotOf } from "./allocation.ts";
import {
  constraintKind,
  constraintRegister,
  isDefinition,
  type MachineFunction,
  type MachineInstruction,
  OperandKind,
  readsExtended,
  type VirtualRegister,
} from "../machine/machine-function.ts";
import { MachineOp } from "../machine/machine-op.ts";
import {
  CALLEE_SAVED_SET,
  MESSAGE_WORD_REGISTERS,
  Register,
  REGISTER_COUNT,
} from "../machine/register.ts";

/**
 * Proves an allocation right, or throws. It walks the code as it will be executed, with the moves
 * that were inserted, and knows at each place which values each register and slot holds on every
 * path; each operand must find its value there. It follows the zero-extension contract the same
 * way: where an instruction reads all 64 bits of an i32, the upper half must be proven clear.
 *
 * It shares with the allocator nothing but the data types: neither liveness, nor ranges, nor how
 * moves are ordered.
 */
export function checkAllocation(allocation: Allocation, target: Target): void {
  new AllocationChecker(allocation, target).run();
}

/**
 * What one location holds. A value v stands as 2v if all of it is there, as 2v+1 if only its low 32
 * bits are. An i32 is always 2v. Ascending and never changed, so that states share it.
 */
type Contents = readonly number[];

const EMPTY: Contents = [];
const whole = (value: VirtualRegister): number => value * 2;
const valueOf = (element: number): VirtualRegister => (element >> 1) as VirtualRegister;

/** Contents of each register, then of each slot; and whether bits 63..32 there are zero. */
interface State {
  readonly contents: Contents[];
  readonly extended: boolean[];
}

class AllocationChecker {
  private readonly machine: MachineFunction;
  private readonly locationCount: number;
  private where = "";

  constructor(
    private readonly allocation: Allocation,
    private readonly target: Target,
  ) {
    this.machine = allocation.machine;
    this.locationCount = REGISTER_COUNT + allocation.slotBytes.length;
  }

  run(): void {
    const { blocks } = this.machine;
    this.checkPlaces();
    const atEntry: (State | null)[] = blocks.map(() => null);
    atEntry[0] = {
      contents: new Array<Contents>(this.locationCount).fill(EMPTY),
      extended: new Array<boolean>(this.locationCount).fill(false),
    };
    // The first walk only finds the fixed point: a state shrinks while loops are still open. The
    // second walk checks the operands.
    const worklist = [0];
    const isQueued = new Uint8Array(blocks.length);
    while (worklist.length > 0) {
      const index = worklist.shift()!;
      isQueued[index] = 0;
      const state = copy(atEntry[index]!);
      this.walkBlock(index, state, false);
      for (const edge of blocks[index]!.edges) {
        const arriving = this.overEdge(state, blocks[edge.target]!.parameters, edge.arguments);
        const before = atEntry[edge.target]!;
        const after = before === null ? arriving : meet(before, arriving);
        if (after === before) continue;
        atEntry[edge.target] = after;
        if (isQueued[edge.target] === 0) {
          isQueued[edge.target] = 1;
          worklist.push(edge.target);
        }
      }
    }
    blocks.forEach((_, index) => {
      const state = atEntry[index];
      if (state !== null && state !== undefined) this.walkBlock(index, copy(state), true);
    });
  }

  private fail(message: string): never {
    throw new Error(`allocation of ${this.machine.name} is wrong at ${this.where}: ${message}`);
  }

  /** Operands stand in places that their constraints allow, whatever they hold. */
  private checkPlaces(): void {
    const { machine, allocation } = this;
    machine.instructions.forEach((instruction, i) => {
      this.where = `${i} ${MachineOp[instruction.op]}`;
      if (allocation.removed[i] === 1) {
        const [register] = [machine.operandRegister(instruction, 0)];
        if (machine.rematerializable[register] !== instruction)
          this.fail("an instruction was removed that cannot be made again");
        return;
      }
      for (let k = 0; k < instruction.operandCount; k++) this.checkPlace(instruction, k);
    });
  }

  private checkPlace(instruction: MachineInstruction, index: number): void {
    const bits = this.machine.operandConstraint(instruction, index);
    const kind = constraintKind(bits);
    const location = this.locationOf(instruction, index);
    if (location < 0 || location >= this.locationCount)
      this.fail(`operand ${index} has no location`);
    if (location === Register.rsp || (location === Register.r15 && this.target === "kernel"))
      this.fail(`operand ${index} is in a reserved register`);
    if (isSlot(location) && kind !== OperandKind.UseAny)
      this.fail(`operand ${index} must be in a register`);
    const isFixed =
      kind === OperandKind.UseFixed ||
      kind === OperandKind.DefinitionFixed ||
      kind === OperandKind.DefinitionFixedEarly;
    if (isFixed && location !== constraintRegister(bits))
      this.fail(`operand ${index} must be in ${Register[constraintRegister(bits)]}`);
    if (kind === OperandKind.DefinitionTied && this.locationOf(instruction, index + 1) !== location)
      this.fail(`operand ${index} is not where its tied use is`);
    if (
      kind === OperandKind.DefinitionEarly ||
      kind === OperandKind.DefinitionFixedEarly ||
      kind === OperandKind.DefinitionTied
    ) {
      for (let other = 0; other < instruction.operandCount; other++) {
        if (other === index || (kind === OperandKind.DefinitionTied && other === index + 1))
          continue;
        if (this.locationOf(instruction, other) === location)
          this.fail(`operands ${index} and ${other} share a register`);
      }
    }
    if (!isDefinition(kind)) return;
    this.checkSaved(location);
    if (instruction.op === MachineOp.Parameters) {
      const word = MESSAGE_WORD_REGISTERS.indexOf(location);
      if (word >= 0 && this.machine.operandRegister(instruction, index) !== this.words?.[word])
        this.fail(`${Register[location]} is no parameter`);
    } else if (instruction.op !== MachineOp.SetMessageWord) this.checkKeepsWord(location);
  }

  /** In a function that keeps a message's words, only the instruction for it sets one. */
  private checkKeepsWord(location: Location): void {
    if (this.isMessageWord(location))
      this.fail(`${Register[location]}, a word of the message, is overwritten`);
  }

  private isMessageWord(location: Location): boolean {
    return this.words !== null && MESSAGE_WORD_REGISTERS.includes(location);
  }

  private get words(): MachineFunction["messageWords"] {
    return this.machine.messageWords;
  }

  private checkSaved(location: Location): void {
    if (
      location < REGISTER_COUNT &&
      !this.isMessageWord(location) &&
      (CALLEE_SAVED_SET >> location) & 1 &&
      !((this.allocation.savedRegisters >> location) & 1)
    ) {
      this.fail(`${Register[location]} is written but not saved`);
    }
  }

  private locationOf(instruction: MachineInstruction, index: number): Location {
    return this.allocation.locations[instruction.operandStart + index]!;
  }

  private walkBlock(index: number, state: State, judges: boolean): void {
    const { machine, allocation } = this;
    const block = machine.blocks[index]!;
    for (let i = block.start; i < block.end; i++) {
      const instruction = machine.instructions[i]!;
      this.where = `${i} ${MachineOp[instruction.op]}, moves before`;
      for (const move of allocation.before.get(i) ?? []) this.move(move, state, judges);
      this.where = `${i} ${MachineOp[instruction.op]}`;
      if (allocation.removed[i] === 0) this.instruction(instruction, state, judges);
      this.where = `${i} ${MachineOp[instruction.op]}, moves behind`;
      for (const move of allocation.behind.get(i) ?? []) this.move(move, state, judges);
    }
  }

  private move(move: InsertedMove, state: State, judges: boolean): void {
    const { contents, extended } = state;
    if (judges) this.checkMove(move);
    switch (move.kind) {
      case "exchange":
        [contents[move.from], contents[move.to]] = [contents[move.to]!, contents[move.from]!];
        [extended[move.from], extended[move.to]] = [extended[move.to]!, extended[move.from]!];
        return;
      case "make":
        contents[move.to] = [whole(move.register)];
        extended[move.to] = move.definition.width === 4;
        return;
      case "move": {
        const source = contents[move.from]!;
        contents[move.to] = move.width === 8 ? source : this.lowHalves(source);
        extended[move.to] = move.width === 8 ? extended[move.from]! : !isSlot(move.to);
        return;
      }
    }
  }

  private checkMove(move: InsertedMove): void {
    const places = move.kind === "make" ? [move.to] : [move.from, move.to];
    for (const place of places) {
      if (place < 0 || place >= this.locationCount || place === Register.rsp)
        this.fail("a move from or to nowhere");
      if (place === Register.r15 && this.target === "kernel")
        this.fail("a move touches the window's register");
      this.checkSaved(place);
    }
    this.checkKeepsWord(move.to);
    if (move.kind === "exchange") this.checkKeepsWord(move.from);
    if (move.kind === "exchange" && places.some(isSlot)) this.fail("an exchange with a slot");
    if (move.kind === "make" && isSlot(move.to)) this.fail("a value is made in a slot");
    if (move.kind === "make" && this.machine.rematerializable[move.register] !== move.definition)
      this.fail("a value is made by another's definition");
    if (move.kind !== "move") return;
    if (isSlot(move.from) && isSlot(move.to)) this.fail("a move from slot to slot");
    for (const place of places) {
      if (isSlot(place) && move.width > this.allocation.slotBytes[slotOf(place)]!)
        this.fail("a move wider than its slot");
    }
  }

  private lowHalves(contents: Contents): Contents {
    if (
      contents.every(
        (element) => (element & 1) === 1 || this.machine.type(valueOf(element)) === Type.I32,
      )
    )
      return contents;
    return [
      ...new Set(
        contents.map((element) =>
          this.machine.type(valueOf(element)) === Type.I32 ? element : element | 1,
        ),
      ),
    ].sort((a, b) => a - b);
  }

  private instruction(instruction: MachineInstruction, state: State, judges: boolean): void {
    const { machine } = this;
    if (judges) {
      for (let k = 0; k < instruction.operandCount; k++) {
        const bits = machine.operandConstraint(instruction, k);
        if (!isDefinition(constraintKind(bits))) this.checkUse(instruction, k, state);
      }
    }
    const tiedExtended =
      instruction.op === MachineOp.SetCondition
        ? state.extended[this.locationOf(instruction, 1)]!
        : false;
    for (let register = 0; register < REGISTER_COUNT; register++)
      if ((instruction.clobbers >> register) & 1) this.lose(state, register);
    for (let k = 0; k < instruction.operandCount; k++) {
      if (isDefinition(constraintKind(machine.operandConstraint(instruction, k))))
        this.lose(state, this.locationOf(instruction, k));
    }
    for (let k = 0; k < instruction.operandCount; k++) {
      if (!isDefinition(constraintKind(machine.operandConstraint(instruction, k)))) continue;
      const value = machine.operandRegister(instruction, k);
      const location = this.locationOf(instruction, k);
      this.forget(state, value);
      state.contents[location] = [whole(value)];
      const isExtended =
        instruction.op === MachineOp.SetCondition
          ? tiedExtended
          : definesExtended(machine, instruction, value);
      state.extended[location] = isExtended;
      if (judges && machine.type(value) === Type.I32 && !isExtended)
        this.fail(`operand ${k} is an i32 whose upper half is not clear`);
    }
    if (judges) this.checkClobbers(instruction);
  }

  private checkClobbers(instruction: MachineInstruction): void {
    for (let register = 0; register < REGISTER_COUNT; register++) {
      if (!((instruction.clobbers >> register) & 1)) continue;
      this.checkSavedUnlessWindow(register);
      this.checkKeepsWord(register);
    }
  }

  private checkSavedUnlessWindow(register: number): void {
    if (register !== Register.r15 || this.target !== "kernel") this.checkSaved(register);
  }

  private checkUse(instruction: MachineInstruction, index: number, state: State): void {
    const value = this.machine.operandRegister(instruction, index);
    const location = this.locationOf(instruction, index);
    const contents = state.contents[location]!;
    const readsAll =
      readsUpperHalf(instruction, index) ||
      readsExtended(this.machine.operandConstraint(instruction, index));
    const isNarrow = this.machine.type(value) === Type.I32;
    const name = location < REGISTER_COUNT ? Register[location]! : `slot ${slotOf(location)}`;
    const isThere =
      contents.includes(whole(value)) ||
      (!isNarrow && !readsAll && contents.includes(whole(value) | 1));
    if (!isThere) {
      const held = contents
        .map((element) => `${valueOf(element)}${(element & 1) === 1 ? " (low half)" : ""}`)
        .join(", ");
      this.fail(
        `operand ${index} reads value ${value} from ${name}, which holds ${held === "" ? "nothing known" : held}`,
      );
    }
    if (isNarrow && readsAll && !state.extended[location])
      this.fail(
        `operand ${index} reads value ${value} from ${name}, whose upper half is not proven clear`,
      );
    if (isSlot(location) && instruction.width > this.allocation.slotBytes[slotOf(location)]!)
      this.fail(`operand ${index} reads more than its slot has`);
  }

  private lose(state: State, location: Location): void {
    state.contents[location] = EMPTY;
    state.extended[location] = false;
  }

  /**
   * `value` is about to be defined again, in the next round of a loop: locations that hold it hold
   * the old value, and lose it.
   */
  private forget(state: State, value: VirtualRegister): void {
    for (let location = 0; location < this.locationCount; location++) {
      const contents = state.contents[location]!;
      if (contents.length === 0) continue;
      if (contents.some((element) => valueOf(element) === value))
        state.contents[location] = contents.filter((element) => valueOf(element) !== value);
    }
  }

  /** The state behind an edge: the target's parameters are what the arguments were. */
  private overEdge(
    state: State,
    parameters: readonly VirtualRegister[],
    values: readonly VirtualRegister[],
  ): State {
    if (parameters.length === 0) return state;
    const { machine } = this;
    const stale = new Set<number>(parameters);
    const contents = state.contents.map((before, location) => {
      if (before.length === 0) return before;
      const after = before.filter((element) => !stale.has(valueOf(element)));
      values.forEach((value, k) => {
        const parameter = parameters[k]!;
        const isWidening = machine.type(value) === Type.I32 && machine.type(parameter) === Type.I64;
        if (machine.type(value) === Type.I64 && machine.type(parameter) === Type.I32) return;
        if (before.includes(whole(value)))
          after.push(
            isWidening && !state.extended[location] ? whole(parameter) | 1 : whole(parameter),
          );
        else if (before.includes(whole(value) | 1)) after.push(whole(parameter) | 1);
      });
      return after.sort((a, b) => a - b);
    });
    return { contents, extended: state.extended };
  }
}

const copy = (state: State): State => ({
  contents: [...state.contents],
  extended: [...state.extended],
});

/** What both states know. Returns `before` itself if `arriving` knows all of it. */
function meet(before: State, arriving: State): State {
  let isChanged = false;
  const contents = before.contents.map((known, location) => {
    const other = arriving.contents[location]!;
    if (known === other) return known;
    // All of a value implies its low half.
    const both = known.flatMap((element) => {
      if (other.includes(element)) return [element];
      const low = element | 1;
      return other.includes(low) || other.includes(low - 1) ? [low] : [];
    });
    if (both.length === known.length && both.every((element, i) => element === known[i]))
      return known;
    isChanged = true;
    return both;
  });
  const extended = before.extended.map((known, location) => {
    const both = known && arriving.extended[location]!;
    if (both !== known) isChanged = true;
    return both;
  });
  return isChanged ? { contents, extended } : before;
}

/**
 * Whether the instruction leaves the upper half of the definition `value` clear: it writes 32 bits,
 * or the other side promises it.
 */
function definesExtended(
  machine: MachineFunction,
  instruction: MachineInstruction,
  value: VirtualRegister,
): boolean {
  switch (instruction.op) {
    // i32 parameters and results are extended by the calling convention; other code's results are
    // taken as i64.
    case MachineOp.Parameters:
    case MachineOp.Call:
    case MachineOp.CallIndirect:
      return machine.type(value) === Type.I32;
    // These leave the upper half as it was, or fill it.
    case MachineOp.Bsr:
    case MachineOp.Bsf:
    case MachineOp.In:
    case MachineOp.SystemCall:
    case MachineOp.MemoryCopy:
    case MachineOp.MemoryFill:
    case MachineOp.StringCopy:
    case MachineOp.StringFill:
      return false;
    default:
      return instruction.width === 4;
  }
}

/** Whether operand `index`, a use, is read with all 64 bits. */
function readsUpperHalf(instruction: MachineInstruction, index: number): boolean {
  const { memory, op, width } = instruction;
  if (memory !== null && (index === memory.base || index === memory.index)) {
    return !memory.address32 && !(op === MachineOp.Lea && width === 4);
  }
  switch (op) {
    case MachineOp.Call:
    case MachineOp.CallIndirect:
    case MachineOp.Return:
    case MachineOp.SystemCall:
    case MachineOp.Push:
    case MachineOp.JumpTable:
    case MachineOp.InvalidatePage:
    case MachineOp.WriteControl:
    case MachineOp.MemoryCopy:
    case MachineOp.StringCopy:
      return true;
    case MachineOp.MemoryFill:
    case MachineOp.StringFill:
      return index !== 2;
    case MachineOp.In:
    case MachineOp.Out:
    case MachineOp.WriteMsr:
    case MachineOp.ReadMsr:
    case MachineOp.Cpuid:
      return false;
    // The count is in cl.
    case MachineOp.Shl:
    case MachineOp.Shr:
    case MachineOp.Sar:
    case MachineOp.Rol:
    case MachineOp.Ror:
      return width === 8 && index === 1;
    default:
      return width === 8;
  }
}
