import type { Block, Instruction, IrFunction, Value } from "../../ir/function.ts";
import type { TrapKind } from "../../ir/machine-code.ts";
import type { IrModule } from "../../ir/module.ts";
import { isLoad, isPure, Opcode, Type } from "../../ir/opcode.ts";
import { DiagnosticError } from "../../report/diagnostic.ts";
import {
  type Address,
  InstructionBuilder,
  type SourceOperand,
} from "../machine/instruction-builder.ts";
import { globalAddress } from "./global-address.ts";
import { linearAddress } from "./linear-address.ts";
import { declareCoverage, hit } from "../machine/coverage.ts";
import { SharedConstants } from "./shared-constants.ts";
import type { Condition } from "../machine/condition.ts";
import {
  type MachineFunction,
  MachineInstruction,
  type VirtualRegister,
} from "../machine/machine-function.ts";
import type { MachineOp } from "../machine/machine-op.ts";
import { CONDITION_RULES } from "./select-condition.ts";
import { SELECTION_RULES } from "./selection-rules.ts";

for (const name of [
  "load folded into its user",
  "wrap left to the user",
  "dead load removed in the kernel",
])
  declareCoverage(name);

/** What selection makes of one IR block. */
export interface SelectedBlock {
  /** Machine instructions in order, Label left out, terminator last. */
  readonly code: readonly MachineInstruction[];
  /** For each edge, the values for the target's parameters. */
  readonly edgeArguments: readonly VirtualRegister[][];
}

/** The code of one IR instruction and its place in the block. */
interface Piece {
  readonly position: number;
  readonly code: MachineInstruction[];
}

const CONDITION_DEPTH_MAX = 32;

const fitsUnsigned32 = (bits: bigint): boolean => bits < 1n << 32n;

/**
 * Selects instructions for one function, from the last block to the first and in each from the last
 * instruction to the first: a value that no instruction asked for by then has been folded into all
 * its users and needs no code.
 */
export class Selector {
  /** Values that some instruction reads from a register. */
  private readonly demanded: Uint8Array;
  /** Loads that became an operand of their user. */
  private readonly folded: Uint8Array;
  private readonly useCounts: Uint32Array;
  /** Of those uses, how many are the address of a load or store. */
  private readonly addressUseCounts: Uint32Array;
  /** Block of each scheduled instruction, -1: none. */
  private readonly blockOf: Int32Array;
  /** Number of instructions that are not pure up to and including this one, in its block. */
  private readonly effectsUpTo: Int32Array;

  /** The block being selected, and where in it the code of the root goes. */
  private block = 0 as Block;
  private position = 0;
  /**
   * For values that this block reads from a register: the block, and the first place where it does.
   * By virtual register.
   */
  private readonly userBlock: number[] = [];
  private readonly firstUser: number[] = [];
  private readonly constants: SharedConstants;
  private hasFoldedLoad = false;
  private conditionDepth = 0;
  private pending: MachineInstruction[] = [];
  private root = -1 as Instruction;
  private rootRule = "";
  /**
   * False while a value with several users is selected once more for one of them: a load below it
   * must not be.
   */
  private mayFoldLoads = true;

  constructor(
    readonly fn: IrFunction,
    readonly module: IrModule,
    readonly machine: MachineFunction,
  ) {
    const valueCount = fn.valueTypes.length;
    this.demanded = new Uint8Array(valueCount);
    this.folded = new Uint8Array(fn.opcodes.length);
    this.useCounts = new Uint32Array(valueCount);
    this.addressUseCounts = new Uint32Array(valueCount);
    this.blockOf = new Int32Array(fn.opcodes.length).fill(-1);
    this.effectsUpTo = new Int32Array(fn.opcodes.length);
    this.constants = new SharedConstants(fn, machine);
    for (let value = 0; value < valueCount; value++)
      machine.newRegister(fn.valueType(value as Value));
  }

  /** Counts uses and effects; `blocks` are the reachable ones. */
  prepare(blocks: readonly Block[]): void {
    const { fn } = this;
    for (const block of blocks) {
      let effects = 0;
      for (const instruction of fn.blockInstructions[block]!) {
        const op = fn.opcode(instruction);
        this.blockOf[instruction] = block;
        if (!isPure(op)) effects++;
        this.effectsUpTo[instruction] = effects;
        for (let i = 0; i < fn.operandCount(instruction); i++) {
          const operand = fn.operand(instruction, i);
          this.useCounts[operand]!++;
          if (i === 0 && (isLoad(op) || (op >= Opcode.Store8 && op <= Opcode.Store64)))
            this.addressUseCounts[operand]!++;
        }
      }
      for (const edge of fn.blockEdges[block]!)
        for (const argument of edge.args) this.useCounts[argument]!++;
    }
  }

  /** Code of `block`; all blocks that it dominates must have been selected before. */
  selectBlock(block: Block): SelectedBlock {
    const { fn } = this;
    const instructions = fn.blockInstructions[block]!;
    const pieces: Piece[] = [];
    this.block = block;
    this.position = instructions.length - 1;
    const edgeArguments = fn.blockEdges[block]!.map(({ args }) =>
      args.map((argument) => this.register(argument)),
    );
    for (let i = instructions.length - 1; i >= 0; i--) {
      const instruction = instructions[i]!;
      const op = fn.opcode(instruction);
      if (op === Opcode.Nop || this.folded[instruction] === 1) continue;
      if (isPure(op) && this.demanded[fn.result(instruction)] === 0) continue;
      if (
        isLoad(op) &&
        this.module.target === "kernel" &&
        this.demanded[fn.result(instruction)] === 0
      ) {
        hit("dead load removed in the kernel");
        continue;
      }
      this.position = this.placeFor(instruction, i);
      this.hasFoldedLoad = false;
      this.selectInstruction(instruction);
      if (this.hasFoldedLoad) this.keepAt(i);
      pieces.push({ position: this.position, code: this.pending });
    }
    for (const [value, constant] of this.constants.takeFor(block)) {
      const position =
        this.userBlock[value] === block ? this.firstUser[value]! : instructions.length - 1;
      pieces.push({ position, code: [constant] });
    }
    // The order of selection is backwards; of those at one place, the one selected last is needed
    // by those before it.
    const code = pieces
      .reverse()
      .sort((a, b) => a.position - b.position)
      .flatMap((piece) => piece.code);
    return { code, edgeArguments };
  }

  /**
   * The root executes a load, which must stay where it was, and so must be there what the root
   * reads.
   */
  private keepAt(position: number): void {
    this.position = position;
    for (const instruction of this.pending) {
      for (let k = 0; k < instruction.operandCount; k++) {
        const register = this.machine.operandRegister(instruction, k);
        if (this.userBlock[register] === this.block) this.usedHere(register);
      }
    }
  }

  /**
   * Where the code of `instruction` goes: a pure value of at most one other is made right before
   * its first user in the block. What it is made from may be used until then, and dies there
   * instead: `i + 1` takes over the register of `i`.
   */
  private placeFor(instruction: Instruction, position: number): number {
    const { fn } = this;
    if (!isPure(fn.opcode(instruction))) return position;
    let operands = 0;
    for (let k = 0; k < fn.operandCount(instruction); k++)
      if (this.constant(fn.operand(instruction, k)) === null) operands++;
    if (operands > 1) return position;
    const value = fn.result(instruction);
    return this.userBlock[value] === this.block
      ? this.firstUser[value]!
      : fn.blockInstructions[this.block]!.length - 1;
  }

  private selectInstruction(instruction: Instruction): void {
    const op = this.fn.opcode(instruction);
    this.pending = [];
    this.root = instruction;
    this.mayFoldLoads = true;
    for (const candidate of SELECTION_RULES[op] ?? []) {
      this.rootRule = candidate.name;
      if (!candidate.apply(this, instruction)) continue;
      hit(candidate.name);
      return;
    }
    this.refuse(instruction, `${Opcode[op]} is not supported`);
  }

  /** Stops the compilation at `instruction`, for a reason that the programmer can act on. */
  refuse(instruction: Instruction, reason: string): never {
    const origin = instruction >= 0 ? this.fn.origin(instruction) : -1;
    const position = origin >= 0 ? this.module.sourceOf(origin) : null;
    throw new DiagnosticError([
      {
        severity: "error",
        ...(position === null
          ? {}
          : { file: position.file, line: position.line, column: position.column }),
        message: `function ${this.fn.name}: ${reason}`,
      },
    ]);
  }

  // Looking at values. None of these changes anything.

  opcodeOf(value: Value): Opcode | -1 {
    const definition = this.fn.definition(value);
    return definition === -1 ? -1 : this.fn.opcode(definition);
  }
  operandOf(value: Value, index: number): Value {
    return this.fn.operand(this.fn.definition(value) as Instruction, index);
  }
  typeOf(value: Value): Type {
    return this.fn.valueType(value);
  }
  /** Bits of a constant, null if `value` is none. */
  constant(value: Value): bigint | null {
    const definition = this.fn.definition(value);
    if (definition === -1) return null;
    const op = this.fn.opcode(definition);
    if (op === Opcode.Const) return this.fn.constantBits(definition);
    if (op !== Opcode.GlobalConst) return null;
    const global = this.module.globals[this.fn.immediate(definition)]!;
    return BigInt.asUintN(global.type === Type.I64 ? 64 : 32, global.initial);
  }
  /**
   * The constant as an immediate of 32 bits: any i32; an i64 if sign extension gives it back. Null:
   * not such a constant.
   */
  immediate(value: Value): number | null {
    const bits = this.constant(value);
    if (bits === null) return null;
    const low = BigInt.asIntN(32, bits);
    if (this.fn.valueType(value) === Type.I64 && low !== BigInt.asIntN(64, bits)) return null;
    return Number(low);
  }
  hasSingleUse(value: Value): boolean {
    return this.useCounts[value] === 1;
  }
  isDemanded(value: Value): boolean {
    return this.demanded[value] === 1;
  }
  /** Every use of `value` is the address of a load or store. */
  isOnlyAddress(value: Value): boolean {
    return this.useCounts[value] === this.addressUseCounts[value];
  }
  /**
   * `value` is defined by a pure operation `op` in the block being selected and has no other use:
   * it may be computed at the root instead.
   */
  isFoldable(value: Value, op: Opcode): boolean {
    return this.opcodeOf(value) === op && this.hasSingleUse(value) && this.isInThisBlock(value);
  }
  isInThisBlock(value: Value): boolean {
    const definition = this.fn.definition(value);
    return definition !== -1 && this.blockOf[definition] === this.blockOf[this.root];
  }
  /**
   * `value` is a load of one of `ops` that may be executed as part of the root: the root is its
   * only user, and nothing with an effect, nor another load, stands between them, so that the order
   * of traps stays.
   */
  isFoldableLoad(value: Value, ...ops: readonly Opcode[]): boolean {
    const op = this.opcodeOf(value);
    if (!this.mayFoldLoads) return false;
    if (
      op === -1 ||
      !ops.includes(op) ||
      !this.hasSingleUse(value) ||
      this.demanded[value] === 1 ||
      !this.isInThisBlock(value)
    )
      return false;
    const load = this.fn.definition(value) as Instruction;
    const rootOwnEffect = isPure(this.fn.opcode(this.root)) ? 0 : 1;
    return this.effectsUpTo[this.root]! - rootOwnEffect === this.effectsUpTo[load];
  }
  /** A load of exactly the width of its type, from linear memory or of a global. */
  isFoldableFullLoad(value: Value): boolean {
    if (this.isFoldableLoad(value, Opcode.GlobalGet))
      return this.module.globals[this.fn.immediate(this.fn.definition(value) as Instruction)]!
        .mutable;
    return this.fn.valueType(value) === Type.I64
      ? this.isFoldableLoad(value, Opcode.Load64)
      : this.isFoldableLoad(value, Opcode.Load32S, Opcode.Load32U);
  }

  // Committing: from the first of these calls on, a rule must succeed.

  /**
   * The register of `value`, which it must then have. `i64.extend_i32_u` is nothing: its operand's
   * register is extended already.
   */
  register(value: Value): VirtualRegister {
    let current = value;
    while (this.opcodeOf(current) === Opcode.ExtendU) current = this.operandOf(current, 0);
    this.demanded[current] = 1;
    const bits = this.constant(current);
    if (bits !== null && !fitsUnsigned32(bits) && this.immediate(current) === null)
      return this.constantRegister(bits);
    return this.usedHere(current as number as VirtualRegister);
  }
  /** A register with an i64 constant that several instructions share: made outside of loops. */
  constantRegister(bits: bigint): VirtualRegister {
    return this.usedHere(this.constants.register(bits, this.block));
  }
  private usedHere(register: VirtualRegister): VirtualRegister {
    if (this.userBlock[register] !== this.block || this.position < this.firstUser[register]!)
      this.firstUser[register] = this.position;
    this.userBlock[register] = this.block;
    return register;
  }
  /** A register whose low half is the i32 `value`; its upper half may be anything. */
  lowHalf(value: Value): VirtualRegister {
    if (this.opcodeOf(value) === Opcode.Wrap && this.demanded[value] === 0) {
      hit("wrap left to the user");
      return this.register(this.operandOf(value, 0));
    }
    return this.register(value);
  }
  /** As `lowHalf` for an i32, `register` for an i64. */
  input(value: Value): VirtualRegister {
    return this.fn.valueType(value) === Type.I64 ? this.register(value) : this.lowHalf(value);
  }
  /** `value` as the last operand of an instruction: immediate, folded load, or register. */
  source(value: Value): SourceOperand {
    const immediate = this.immediate(value);
    if (immediate !== null) return { kind: "immediate", value: immediate };
    if (this.isFoldableFullLoad(value)) return this.foldLoad(value);
    return { kind: "register", register: this.input(value) };
  }
  /** As `source`, where the instruction has no form with an immediate. */
  registerOrMemory(value: Value): SourceOperand {
    if (this.isFoldableFullLoad(value)) return this.foldLoad(value);
    return { kind: "register", register: this.input(value) };
  }
  /** Makes the load `value` part of the root. */
  foldLoad(value: Value): SourceOperand & { kind: "memory" } {
    const load = this.leaveOutLoad(value);
    if (this.fn.opcode(load) === Opcode.GlobalGet)
      return {
        kind: "memory",
        address: globalAddress(this.module, this.fn.immediate(load)),
        load: -1,
      };
    return { kind: "memory", address: this.addressOf(load), load };
  }
  /** The root executes the load `value` itself: no code is made for it. */
  leaveOutLoad(value: Value): Instruction {
    const load = this.fn.definition(value) as Instruction;
    this.folded[load] = 1;
    this.hasFoldedLoad = true;
    hit("load folded into its user");
    return load;
  }
  /** The memory operand of the load or store `instruction`. */
  addressOf(instruction: Instruction): Address {
    return linearAddress(this, instruction);
  }
  /** Negations of negations are not followed without end. */
  get isDeepCondition(): boolean {
    return this.conditionDepth > CONDITION_DEPTH_MAX;
  }
  /** Sets the flags for `value` and returns the condition under which it is not zero. */
  condition(value: Value): Condition {
    const before = this.mayFoldLoads;
    this.mayFoldLoads = before && this.hasSingleUse(value);
    this.conditionDepth++;
    for (const candidate of CONDITION_RULES) {
      const condition = candidate.apply(this, value);
      if (condition === null) continue;
      hit(candidate.name);
      this.mayFoldLoads = before;
      this.conditionDepth--;
      return condition;
    }
    throw new Error("the last condition rule has no condition");
  }
  blockOfRoot(instruction: Instruction): Block {
    return this.blockOf[instruction] as Block;
  }
  /** The virtual register that `instruction` defines. */
  result(instruction: Instruction, index = 0): VirtualRegister {
    return this.fn.result(instruction, index) as number as VirtualRegister;
  }
  temporary(type: Type): VirtualRegister {
    return this.machine.newRegister(type);
  }
  /** Appends a machine instruction to the code of the root. */
  emit(op: MachineOp, width: number): InstructionBuilder {
    const instruction = new MachineInstruction(op, width, this.root, this.rootRule);
    this.pending.push(instruction);
    return new InstructionBuilder(this.machine, instruction);
  }
  emitMemoryAccess(op: MachineOp, width: number, trap: TrapKind): InstructionBuilder {
    return this.emit(op, width).traps(trap);
  }
}
