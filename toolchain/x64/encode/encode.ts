import { FaultKind } from "../../../kernel/abi/fault.ts";
import type { Instruction, IrFunction } from "../../ir/function.ts";
import {
  type JumpTable,
  type MachineCode,
  type Relocation,
  type Trap,
  TrapKind,
} from "../../ir/machine-code.ts";
import type { IrModule } from "../../ir/module.ts";
import { type Allocation, type InsertedMove, isSlot, slotOf } from "../allocate/allocation.ts";
import {
  Assembler,
  fitsByte,
  type Label,
  type Mark,
  PLAIN_ADDRESS,
  type PhysicalAddress,
  type RegisterOrMemory,
} from "./assembler.ts";
import { Condition, inverted } from "../machine/condition.ts";
import { encodeString } from "./encode-string.ts";
import { type Frame, PROBE_BYTES, UNPROBED_FRAME_BYTES_MAX } from "../allocate/frame.ts";
import {
  type MachineFunction,
  type MachineInstruction,
  Source,
} from "../machine/machine-function.ts";
import { placeParameters } from "../allocate/place-parameters.ts";
import { MachineOp, readsFlags, writesFlags } from "../machine/machine-op.ts";
import { ARGUMENT_REGISTERS, Register } from "../machine/register.ts";

/**
 * The /digit of the operations that the opcode group 80/81/83 has, and bits 5..3 of their other
 * opcodes.
 */
const ALU_DIGITS: Partial<Record<MachineOp, number>> = {
  [MachineOp.Add]: 0,
  [MachineOp.Or]: 1,
  [MachineOp.And]: 4,
  [MachineOp.Sub]: 5,
  [MachineOp.Xor]: 6,
  [MachineOp.Cmp]: 7,
};
const SHIFT_DIGITS: Partial<Record<MachineOp, number>> = {
  [MachineOp.Rol]: 0,
  [MachineOp.Ror]: 1,
  [MachineOp.Shl]: 4,
  [MachineOp.Shr]: 5,
  [MachineOp.Sar]: 7,
};
/** Opcode and operand width of what reads a register or memory and writes a register. */
const EXTENSION_OPCODES: Partial<Record<MachineOp, number>> = {
  [MachineOp.MoveZero8]: 0x0fb6,
  [MachineOp.MoveZero16]: 0x0fb7,
  [MachineOp.MoveSign8]: 0x0fbe,
  [MachineOp.MoveSign16]: 0x0fbf,
  [MachineOp.MoveSign32]: 0x63,
};
const BIT_OPCODES: Partial<Record<MachineOp, number>> = {
  [MachineOp.Lzcnt]: 0x0fbd,
  [MachineOp.Tzcnt]: 0x0fbc,
  [MachineOp.Popcnt]: 0x0fb8,
  [MachineOp.Bsr]: 0x0fbd,
  [MachineOp.Bsf]: 0x0fbc,
};
/** What `ud1` says of a check that failed. */
const CHECKED: Partial<Record<TrapKind, FaultKind>> = {
  [TrapKind.OutOfBounds]: FaultKind.OutOfBounds,
  [TrapKind.IndirectCallBound]: FaultKind.IndirectCallBound,
  [TrapKind.IndirectCallSignature]: FaultKind.IndirectCallSignature,
  [TrapKind.IndirectCallNull]: FaultKind.IndirectCallNull,
  [TrapKind.OutOfMemory]: FaultKind.QuotaExhausted,
};
/** Machine instructions that are a fixed string of bytes. */
const PLAIN_BYTES: Partial<Record<MachineOp, readonly number[]>> = {
  [MachineOp.ReadMsr]: [0x0f, 0x32],
  [MachineOp.WriteMsr]: [0x0f, 0x30],
  [MachineOp.Halt]: [0xf4],
  [MachineOp.DisableInterrupts]: [0xfa],
  [MachineOp.EnableInterrupts]: [0xfb],
  [MachineOp.Cpuid]: [0x0f, 0xa2],
  [MachineOp.ReadTsc]: [0x0f, 0x31],
  [MachineOp.Pause]: [0xf3, 0x90],
  [MachineOp.SystemCall]: [0x0f, 0x05],
};

const constantKey = ({ op, width, immediate, immediateHigh, memory }: MachineInstruction): string =>
  `${op} ${width} ${immediate} ${immediateHigh} ${memory?.symbol ?? ""} ${memory?.displacement ?? ""}`;

interface PendingTrap {
  readonly mark: Mark;
  readonly kind: TrapKind;
}

/** Writes one allocated function as machine code, with everything that goes with it. */
export function encodeFunction(
  fn: IrFunction,
  module: IrModule,
  allocation: Allocation,
  frame: Frame,
): MachineCode {
  return new FunctionEncoder(fn, module, allocation, frame).encode();
}

export class FunctionEncoder {
  readonly assembler = new Assembler();
  private readonly machine: MachineFunction;
  private readonly blockLabels: Label[];
  private readonly traps: PendingTrap[] = [];
  private readonly lines: { mark: Mark; origin: number; inlinedAt: number }[] = [];
  private readonly depths: { mark: Mark; depth: number }[] = [];
  private readonly calls: { symbol: string | null; signature: number; depth: number }[] = [];
  private readonly notes: { mark: Mark; instruction: number; rule: string }[] = [];
  /**
   * By instruction that is encoded, four places in its code: before its moves, at itself, behind
   * itself, behind the moves there.
   */
  private readonly marks = new Map<number, readonly [Mark, Mark, Mark, Mark]>();
  private readonly tables: { symbol: string; targets: Label[] }[] = [];
  /** Code that is written behind everything else: checks that fail, rare paths. */
  private readonly outOfLine: (() => void)[] = [];
  private readonly flagsLive: Uint8Array;
  /** For a block that only returns: the one block that stands for all that return the same. */
  private readonly sameReturn: Map<number, number>;
  private depth = 0;
  /** Bytes of arguments pushed for the call that is being prepared. */
  private pushed = 0;
  private current = -1;

  constructor(
    private readonly fn: IrFunction,
    readonly module: IrModule,
    private readonly allocation: Allocation,
    private readonly frame: Frame,
  ) {
    this.machine = allocation.machine;
    this.blockLabels = this.machine.blocks.map(() => this.assembler.newLabel());
    this.flagsLive = this.findLiveFlags();
    this.sameReturn = this.findSameReturns();
  }

  encode(): MachineCode {
    const { machine, fn } = this;
    const emitted = machine.blocks
      .map((_, index) => index)
      .filter((index) => index === 0 || this.threaded(index) === index);
    this.setDepth(0);
    this.prologue();
    emitted.forEach((index, k) => this.block(index, emitted[k + 1] ?? -1));
    for (const write of this.outOfLine) {
      this.pushed = 0;
      write();
    }

    const { bytes, relocations } = this.assembler.finish();
    const at = (mark: Mark): number => this.assembler.offset(mark);
    const jumpTables: JumpTable[] = this.tables.map(({ symbol, targets }) => ({
      symbol,
      entries: targets.map((target) => this.assembler.offsetOfLabel(target)),
    }));
    const traps: Trap[] = this.traps
      .map(({ mark, kind }) => ({ offset: at(mark), kind }))
      .sort((a, b) => a.offset - b.offset);
    return {
      name: fn.name,
      functionIndex: fn.functionIndex,
      bytes,
      relocations: relocations satisfies Relocation[],
      lines: this.lines.map(({ mark, origin, inlinedAt }) => ({
        offset: at(mark),
        origin,
        inlinedAt,
      })),
      inlinedCalls: fn.inlinedCalls,
      traps,
      jumpTables,
      frameBytes: this.frame.bytes,
      savedRegisters: this.frame.saved,
      depths: this.depths.map(({ mark, depth }) => ({ offset: at(mark), depth })),
      calls: this.calls,
      poppedBytes: this.poppedBytes,
      parameters: placeParameters(fn, this.allocation, this.frame, (instruction) =>
        this.marks.get(instruction)?.map(at),
      ),
      notes: this.notes.map(({ mark, instruction, rule }) => ({
        offset: at(mark),
        instruction,
        rule,
      })),
    };
  }

  private get poppedBytes(): number {
    return 8 * Math.max(0, this.fn.parameterTypes.length - ARGUMENT_REGISTERS.length);
  }

  // Frame.

  private setDepth(depth: number): void {
    if (this.depths.length > 0 && this.depth === depth) return;
    this.depth = depth;
    const mark = this.assembler.mark();
    const last = this.depths[this.depths.length - 1];
    if (
      last !== undefined &&
      last.mark.position === mark.position &&
      last.mark.branches === mark.branches
    )
      this.depths.pop();
    this.depths.push({ mark, depth });
  }

  private prologue(): void {
    for (const register of this.frame.saved) {
      this.push(register);
      this.setDepth(this.depth + 8);
    }
    let rest = this.frame.slotBytes;
    if (rest > UNPROBED_FRAME_BYTES_MAX) {
      for (; rest >= PROBE_BYTES; rest -= PROBE_BYTES) {
        this.adjustStack(5, PROBE_BYTES);
        this.setDepth(this.depth + PROBE_BYTES);
        this.assembler.modrm(
          4,
          0x83,
          1,
          { ...PLAIN_ADDRESS, base: Register.rsp },
          { immediateBytes: 1 },
        );
        this.assembler.byte(0);
      }
    }
    if (rest === 0) return;
    this.adjustStack(5, rest);
    this.setDepth(this.depth + rest);
  }

  private epilogue(): void {
    const full = this.depth;
    if (this.frame.slotBytes > 0) {
      this.adjustStack(0, this.frame.slotBytes);
      this.setDepth(this.depth - this.frame.slotBytes);
    }
    for (const register of [...this.frame.saved].reverse()) {
      this.pop(register);
      this.setDepth(this.depth - 8);
    }
    if (this.poppedBytes === 0) this.assembler.byte(0xc3);
    else {
      this.assembler.byte(0xc2);
      this.assembler.immediate(this.poppedBytes, 2);
    }
    this.setDepth(full);
  }

  /** add (digit 0) or sub (digit 5) of rsp. */
  private adjustStack(digit: number, bytes: number): void {
    this.assembler.modrm(8, fitsByte(bytes) ? 0x83 : 0x81, digit, Register.rsp);
    this.assembler.immediate(bytes, fitsByte(bytes) ? 1 : 4);
  }

  private push(register: number): void {
    if (register >= 8) this.assembler.byte(0x41);
    this.assembler.byte(0x50 | (register & 7));
  }
  private pop(register: number): void {
    if (register >= 8) this.assembler.byte(0x41);
    this.assembler.byte(0x58 | (register & 7));
  }

  // Blocks.

  /** Where control ends up that enters `block`: past blocks that do nothing but jump. */
  private threaded(block: number): number {
    let current = block;
    for (let steps = 0; steps <= this.machine.blocks.length; steps++) {
      const { start, end, edges } = this.machine.blocks[current]!;
      const isEmpty =
        end - start === 2 &&
        edges.length === 1 &&
        this.machine.instructions[start + 1]!.op === MachineOp.Jump &&
        !this.hasMoves(start) &&
        !this.hasMoves(start + 1);
      if (!isEmpty) return this.sameReturn.get(current) ?? current;
      current = edges[0]!.target;
    }
    return block;
  }

  /**
   * Blocks that do nothing but return the same values. The last one in the order of the code is
   * kept, away from the paths that go on.
   */
  private findSameReturns(): Map<number, number> {
    const last = new Map<string, number>();
    const result = new Map<number, number>();
    for (let index = this.machine.blocks.length - 1; index > 0; index--) {
      const { start, end } = this.machine.blocks[index]!;
      const code = Array.from(
        { length: end - start - 1 },
        (_, k) => this.machine.instructions[start + 1 + k]!,
      );
      const isReturn = code.every(({ op }, k) =>
        k === code.length - 1
          ? op === MachineOp.Return
          : this.allocation.removed[start + 1 + k] === 1,
      );
      if (!isReturn || this.hasMoves(start)) continue;
      const moves = code.flatMap((_, k) => this.allocation.before.get(start + 1 + k) ?? []);
      const key = moves
        .map((move) =>
          move.kind === "make"
            ? `${move.to}=${constantKey(move.definition)}`
            : `${move.kind} ${move.from} ${move.to}`,
        )
        .join();
      const known = last.get(key);
      if (known === undefined) last.set(key, index);
      else result.set(index, known);
    }
    return result;
  }

  private hasMoves(instruction: number): boolean {
    return (
      (this.allocation.before.get(instruction)?.length ?? 0) +
        (this.allocation.behind.get(instruction)?.length ?? 0) >
      0
    );
  }

  private block(index: number, next: number): void {
    const { machine, allocation } = this;
    const block = machine.blocks[index]!;
    this.assembler.bind(this.blockLabels[index]!);
    // It stands for other blocks too: what is where is certain only for the machine, not for the
    // source.
    const isShared = [...this.sameReturn.values()].includes(index);
    for (let i = block.start; i < block.end; i++) {
      const instruction = machine.instructions[i]!;
      this.current = i;
      // Of all that the instruction does, what may fault is what people want the line of.
      this.line(instruction.trapOrigin >= 0 ? instruction.trapOrigin : instruction.origin);
      const start = this.assembler.mark();
      this.moves(allocation.before.get(i), this.flagsLive[i] === 1);
      const own = this.assembler.mark();
      if (instruction.op === MachineOp.Jump) this.jumpTo(block.edges[0]!.target, next);
      else if (instruction.op === MachineOp.Branch)
        this.branch(instruction, block.edges[0]!.target, block.edges[1]!.target, next);
      else if (allocation.removed[i] === 0) {
        if (instruction.op !== MachineOp.Label && instruction.op !== MachineOp.Parameters)
          this.note(instruction.origin, instruction.rule);
        this.instruction(
          instruction,
          block.edges.map(({ target }) => target),
        );
      }
      const behind = this.assembler.mark();
      this.moves(allocation.behind.get(i), this.flagsLive[i + 1] === 1);
      if (!isShared) this.marks.set(i, [start, own, behind, this.assembler.mark()]);
    }
  }

  private jumpTo(target: number, next: number): void {
    const final = this.threaded(target);
    if (final === next) return;
    this.note(-1, "jump");
    this.jumpOrReturn(final);
  }

  private branch(
    instruction: MachineInstruction,
    taken: number,
    otherwise: number,
    next: number,
  ): void {
    const [yes, no] = [this.threaded(taken), this.threaded(otherwise)];
    if (yes === no) {
      this.jumpTo(taken, next);
      return;
    }
    this.note(instruction.origin, instruction.rule);
    if (yes === next) {
      this.assembler.jumpIf(inverted(instruction.condition), this.blockLabels[no]!);
      return;
    }
    // Where neither follows, the more frequent one gets the branch that is decided first.
    const { blocks } = this.machine;
    const isNoHotter = no !== next && blocks[no]!.frequency > blocks[yes]!.frequency;
    this.assembler.jumpIf(
      isNoHotter ? inverted(instruction.condition) : instruction.condition,
      this.blockLabels[isNoHotter ? no : yes]!,
    );
    if (no !== next) this.jumpOrReturn(isNoHotter ? yes : no);
  }

  /** A jump to `block`, or what stands there if that is only a return. */
  private jumpOrReturn(block: number): void {
    const { start, end } = this.machine.blocks[block]!;
    const isReturn =
      this.machine.instructions[end - 1]!.op === MachineOp.Return &&
      !this.hasMoves(start) &&
      Array.from(
        { length: end - start - 2 },
        (_, k) => this.allocation.removed[start + 1 + k],
      ).every((removed) => removed === 1);
    const moves = Array.from(
      { length: end - start - 1 },
      (_, k) => this.allocation.before.get(start + 1 + k) ?? [],
    ).flat();
    if (!isReturn || moves.length > 1 || this.frame.saved.length > 2) {
      this.assembler.jump(this.blockLabels[block]!);
      return;
    }
    this.moves(moves, false);
    this.note(this.machine.instructions[end - 1]!.origin, "return instead of a jump to it");
    this.epilogue();
  }

  private note(origin: number, rule: string): void {
    this.notes.push({ mark: this.assembler.mark(), instruction: origin, rule });
  }

  private line(instruction: number): void {
    if (instruction < 0) return;
    const origin = this.fn.origin(instruction as Instruction);
    const inlinedAt = this.fn.inlinedAt.data[instruction]!;
    const last = this.lines[this.lines.length - 1];
    if (last !== undefined && last.origin === origin && last.inlinedAt === inlinedAt) return;
    const mark = this.lines.length === 0 ? { position: 0, branches: 0 } : this.assembler.mark();
    this.lines.push({ mark, origin, inlinedAt });
  }

  /** For each instruction, whether the flags that stand before it are still to be read. */
  private findLiveFlags(): Uint8Array {
    const live = new Uint8Array(this.machine.instructions.length + 1);
    for (const block of this.machine.blocks) {
      let isLive = 0;
      for (let i = block.end - 1; i >= block.start; i--) {
        const { op } = this.machine.instructions[i]!;
        if (readsFlags(op)) isLive = 1;
        else if (writesFlags(op)) isLive = 0;
        live[i] = isLive;
      }
    }
    return live;
  }

  // Moves.

  private moves(moves: readonly InsertedMove[] | undefined, flagsLive: boolean): void {
    for (const move of moves ?? []) {
      this.note(-1, move.kind);
      if (move.kind === "exchange") this.assembler.modrm(8, 0x87, move.from, move.to);
      else if (move.kind === "make") this.make(move.definition, move.to, flagsLive);
      else if (isSlot(move.to))
        this.assembler.modrm(move.width, 0x89, move.from, this.place(move.to));
      else this.assembler.modrm(move.width, 0x8b, move.to, this.place(move.from));
    }
  }

  private make(definition: MachineInstruction, to: number, flagsLive: boolean): void {
    if (definition.op === MachineOp.MoveImmediate) this.moveImmediate(definition, to, flagsLive);
    else this.assembler.modrm(definition.width, 0x8d, to, this.physicalAddress(definition));
  }

  private moveImmediate(definition: MachineInstruction, to: number, flagsLive: boolean): void {
    const { immediate: low, immediateHigh: high, width } = definition;
    if (low === 0 && (width === 4 || high === 0) && !flagsLive)
      this.assembler.modrm(4, 0x31, to, to);
    else if (width === 4 || high === 0) {
      if (to >= 8) this.assembler.byte(0x41);
      this.assembler.byte(0xb8 | (to & 7));
      this.assembler.immediate(low, 4);
    } else if (high === -1 && low < 0) {
      this.assembler.modrm(8, 0xc7, 0, to);
      this.assembler.immediate(low, 4);
    } else this.loadConstant(to, low, high);
  }

  /** mov r64, imm64. */
  loadConstant(register: number, low: number, high: number): void {
    this.assembler.byte(0x48 | (register >> 3));
    this.assembler.byte(0xb8 | (register & 7));
    this.assembler.immediate(low, 4);
    this.assembler.immediate(high, 4);
  }

  // Operands.

  private location(instruction: MachineInstruction, index: number): number {
    return this.allocation.locations[instruction.operandStart + index]!;
  }

  /** A location as an operand: the register, or the slot. */
  private place(location: number): RegisterOrMemory {
    if (!isSlot(location)) return location;
    return {
      ...PLAIN_ADDRESS,
      base: Register.rsp,
      displacement: this.frame.slotOffsets[slotOf(location)]! + this.pushed,
    };
  }

  private physicalAddress(instruction: MachineInstruction): PhysicalAddress {
    const { memory } = instruction;
    if (memory === null) throw new Error("an instruction without its memory operand");
    const { scale, displacement, symbol, absolute, address32, threadBlock, window } = memory;
    const part = (index: number): number => (index < 0 ? -1 : this.location(instruction, index));
    let [base, index] = [part(memory.base), part(memory.index)];
    if (window) [base, index] = [Register.r15, base];
    // rbp and r13 as a base need a displacement; as an index they do not.
    const isAwkward =
      base >= 0 &&
      index >= 0 &&
      scale === 1 &&
      displacement === 0 &&
      symbol === null &&
      (base & 7) === Register.rbp &&
      (index & 7) !== Register.rbp &&
      !window;
    if (isAwkward) [base, index] = [index, base];
    return { base, index, scale, displacement, symbol, absolute, address32, threadBlock };
  }

  /** The last source operand as a register or memory operand. */
  private source(instruction: MachineInstruction, index: number): RegisterOrMemory {
    return instruction.source === Source.Memory
      ? this.physicalAddress(instruction)
      : this.place(this.location(instruction, index));
  }

  // Traps and rare paths.

  private trapHere(instruction: MachineInstruction): void {
    if (instruction.trap !== 0) this.trapAt(instruction.trap);
  }

  trapAt(kind: TrapKind): void {
    this.traps.push({ mark: this.assembler.mark(), kind });
  }

  /** A label out of line, where the machine stops with a trap of this kind. */
  trapLabel(kind: TrapKind, origin: number): Label {
    const label = this.assembler.newLabel();
    const { depth } = this;
    this.outOfLine.push(() => {
      this.setDepth(depth);
      this.assembler.bind(label);
      this.line(origin);
      this.checkedTrap(kind, origin);
    });
    return label;
  }

  private checkedTrap(kind: TrapKind, origin: number): void {
    this.note(origin, `trap ${TrapKind[kind]}`);
    this.trapAt(kind);
    const fault = CHECKED[kind]!;
    this.assembler.modrm(4, 0x0fb9, fault >> 3, fault & 7);
  }

  /** Writes `body` out of line, at the depth of this place. */
  later(origin: number, body: () => void): void {
    const { depth, pushed } = this;
    this.outOfLine.push(() => {
      this.setDepth(depth);
      this.pushed = pushed;
      this.line(origin);
      this.note(origin, "out of line");
      body();
    });
  }

  // Instructions.

  private instruction(instruction: MachineInstruction, targets: readonly number[]): void {
    const { op, width, immediate } = instruction;
    const a = this.assembler;
    const reg = (index: number): number => this.location(instruction, index);
    switch (op) {
      case MachineOp.Label:
      case MachineOp.Parameters:
        return;
      case MachineOp.Move:
        this.trapHere(instruction);
        a.modrm(width, 0x8b, reg(0), this.source(instruction, 1));
        return;
      case MachineOp.MoveZero8:
      case MachineOp.MoveZero16:
      case MachineOp.MoveSign8:
      case MachineOp.MoveSign16:
      case MachineOp.MoveSign32: {
        this.trapHere(instruction);
        const isByte = op === MachineOp.MoveZero8 || op === MachineOp.MoveSign8;
        const isZero = op === MachineOp.MoveZero8 || op === MachineOp.MoveZero16;
        a.modrm(isZero ? 4 : width, EXTENSION_OPCODES[op]!, reg(0), this.source(instruction, 1), {
          byteOperand: isByte,
        });
        return;
      }
      case MachineOp.MoveImmediate:
        this.moveImmediate(instruction, reg(0), this.flagsLive[this.current + 1] === 1);
        return;
      case MachineOp.Lea:
        a.modrm(width, 0x8d, reg(0), this.physicalAddress(instruction));
        return;
      case MachineOp.Store:
        this.store(instruction);
        return;
      case MachineOp.Add:
      case MachineOp.Or:
      case MachineOp.And:
      case MachineOp.Sub:
      case MachineOp.Xor:
      case MachineOp.Cmp:
        this.arithmetic(instruction);
        return;
      case MachineOp.AddFlexible:
        this.addFlexible(instruction);
        return;
      case MachineOp.Test:
        this.test(instruction);
        return;
      case MachineOp.Imul:
        this.trapHere(instruction);
        a.modrm(width, 0x0faf, reg(0), this.source(instruction, 2));
        return;
      case MachineOp.ImulImmediate: {
        this.trapHere(instruction);
        const bytes = fitsByte(immediate) ? 1 : 4;
        a.modrm(width, bytes === 1 ? 0x6b : 0x69, reg(0), this.source(instruction, 1), {
          immediateBytes: bytes,
        });
        a.immediate(immediate, bytes);
        return;
      }
      case MachineOp.Shl:
      case MachineOp.Shr:
      case MachineOp.Sar:
      case MachineOp.Rol:
      case MachineOp.Ror: {
        const digit = SHIFT_DIGITS[op]!;
        if (instruction.source !== Source.Immediate) a.modrm(width, 0xd3, digit, reg(0));
        else if (immediate === 1) a.modrm(width, 0xd1, digit, reg(0));
        else {
          a.modrm(width, 0xc1, digit, reg(0));
          a.byte(immediate);
        }
        return;
      }
      case MachineOp.Neg:
        a.modrm(width, 0xf7, 3, reg(0));
        return;
      case MachineOp.Not:
        a.modrm(width, 0xf7, 2, reg(0));
        return;
      case MachineOp.Lzcnt:
      case MachineOp.Tzcnt:
      case MachineOp.Popcnt:
        this.trapHere(instruction);
        a.modrm(width, BIT_OPCODES[op]!, reg(0), this.source(instruction, 1), { prefix: 0xf3 });
        return;
      case MachineOp.Bsr:
      case MachineOp.Bsf:
        this.trapHere(instruction);
        a.modrm(width, BIT_OPCODES[op]!, reg(0), this.source(instruction, 1));
        return;
      case MachineOp.SetCondition:
        a.modrm(1, 0x0f90 | instruction.condition, 0, reg(0), { byteOperand: true });
        return;
      case MachineOp.ConditionalMove:
        this.trapHere(instruction);
        a.modrm(width, 0x0f40 | instruction.condition, reg(0), this.source(instruction, 2));
        return;
      case MachineOp.Multiply:
        this.trapHere(instruction);
        a.modrm(width, 0xf7, 4, this.source(instruction, 3));
        return;
      case MachineOp.DivideUnsigned:
        a.modrm(4, 0x31, Register.rdx, Register.rdx);
        this.trapHere(instruction);
        a.modrm(width, 0xf7, 6, reg(3));
        return;
      case MachineOp.DivideSigned:
        this.divideSigned(instruction, reg(3));
        return;
      case MachineOp.RemainderSigned: {
        const [zero, done] = [a.newLabel(), a.newLabel()];
        a.modrm(width, 0x83, 7, reg(3), { immediateBytes: 1 });
        a.byte(0xff);
        a.jumpIf(Condition.Equal, zero);
        this.divideSigned(instruction, reg(3));
        a.bind(done);
        this.later(instruction.origin, () => {
          a.bind(zero);
          a.modrm(4, 0x31, Register.rdx, Register.rdx);
          a.jump(done);
        });
        return;
      }
      case MachineOp.TrapIf:
        a.jumpIf(
          instruction.condition,
          this.trapLabel(instruction.trap as TrapKind, instruction.origin),
        );
        return;
      case MachineOp.Push:
        this.pushArgument(instruction);
        return;
      case MachineOp.LoadArgument:
        a.modrm(width, 0x8b, reg(0), {
          ...PLAIN_ADDRESS,
          base: Register.rsp,
          displacement: this.frame.bytes + 8 + 8 * immediate,
        });
        return;
      case MachineOp.Call:
        this.calls.push({
          symbol: instruction.symbol,
          signature: instruction.signature,
          depth: this.depth,
        });
        a.byte(0xe8);
        a.relocation("call32", instruction.symbol!, -4);
        this.argumentsPopped(instruction);
        return;
      case MachineOp.CallIndirect:
        this.callIndirect(instruction);
        return;
      case MachineOp.MemoryCopy:
      case MachineOp.MemoryFill:
      case MachineOp.StringCopy:
      case MachineOp.StringFill:
        encodeString(this, instruction);
        return;
      case MachineOp.In:
      case MachineOp.Out: {
        const opcode = (op === MachineOp.In ? 0xec : 0xee) | (width === 1 ? 0 : 1);
        if (width === 2) a.byte(0x66);
        a.byte(opcode);
        return;
      }
      case MachineOp.ReadControl:
        a.modrm(8, 0x0f20, immediate, reg(0), { noRexW: true });
        return;
      case MachineOp.WriteControl:
        a.modrm(8, 0x0f22, immediate, reg(0), { noRexW: true });
        return;
      case MachineOp.InvalidatePage:
        a.modrm(4, 0x0f01, 7, { ...PLAIN_ADDRESS, base: reg(0) });
        return;
      case MachineOp.Rdrand:
        a.modrm(8, 0x0fc7, 6, reg(0));
        return;
      case MachineOp.ReadMsr:
      case MachineOp.WriteMsr:
      case MachineOp.Halt:
      case MachineOp.DisableInterrupts:
      case MachineOp.EnableInterrupts:
      case MachineOp.Cpuid:
      case MachineOp.ReadTsc:
      case MachineOp.Pause:
      case MachineOp.SystemCall:
        a.plain(...PLAIN_BYTES[op]!);
        return;
      case MachineOp.JumpTable:
        this.jumpTable(instruction, targets);
        return;
      case MachineOp.Return:
        this.epilogue();
        return;
      case MachineOp.Trap:
        if (CHECKED[instruction.trap as TrapKind] !== undefined)
          return this.checkedTrap(instruction.trap as TrapKind, instruction.origin);
        this.trapHere(instruction);
        a.plain(0x0f, 0x0b);
        return;
      case MachineOp.Jump:
      case MachineOp.Branch:
        throw new Error("branches are encoded with their block");
    }
  }

  private store(instruction: MachineInstruction): void {
    const { width, immediate } = instruction;
    const address = this.physicalAddress(instruction);
    this.trapHere(instruction);
    if (instruction.source === Source.Immediate) {
      const bytes = Math.min(width, 4);
      this.assembler.modrm(width, width === 1 ? 0xc6 : 0xc7, 0, address, { immediateBytes: bytes });
      this.assembler.immediate(immediate, bytes);
    } else
      this.assembler.modrm(
        width,
        width === 1 ? 0x88 : 0x89,
        this.location(instruction, 0),
        address,
        { byteReg: width === 1 },
      );
  }

  private arithmetic(instruction: MachineInstruction): void {
    const { op, width, immediate, toMemory } = instruction;
    const digit = ALU_DIGITS[op]!;
    // Operand 0 of cmp is its left side; of the others it is the definition, then follows the tied
    // use.
    const sourceIndex = toMemory ? 0 : op === MachineOp.Cmp ? 1 : 2;
    const target: RegisterOrMemory = toMemory
      ? this.physicalAddress(instruction)
      : this.location(instruction, 0);
    this.trapHere(instruction);
    if (instruction.source === Source.Immediate)
      this.arithmeticImmediate(digit, width, target, immediate);
    else if (toMemory) {
      this.assembler.modrm(
        width,
        (digit << 3) | (width === 1 ? 0 : 1),
        this.location(instruction, sourceIndex),
        target,
        { byteReg: width === 1 },
      );
    } else {
      const source = this.source(instruction, sourceIndex);
      this.assembler.modrm(width, (digit << 3) | (width === 1 ? 2 : 3), target as number, source, {
        byteReg: width === 1,
      });
    }
  }

  private arithmeticImmediate(
    digit: number,
    width: number,
    target: RegisterOrMemory,
    immediate: number,
  ): void {
    const a = this.assembler;
    if (width === 1) {
      a.modrm(1, 0x80, digit, target, { immediateBytes: 1, byteOperand: true });
      a.immediate(immediate, 1);
    } else if (fitsByte(immediate)) {
      a.modrm(width, 0x83, digit, target, { immediateBytes: 1 });
      a.immediate(immediate, 1);
    } else if (target === Register.rax && width >= 4) {
      if (width === 8) a.byte(0x48);
      a.byte((digit << 3) | 5);
      a.immediate(immediate, 4);
    } else {
      const bytes = Math.min(width, 4);
      a.modrm(width, 0x81, digit, target, { immediateBytes: bytes });
      a.immediate(immediate, bytes);
    }
  }

  /** add where the sum takes over the register of a summand, else lea. */
  private addFlexible(instruction: MachineInstruction): void {
    const { width, immediate } = instruction;
    const [sum, left] = [this.location(instruction, 0), this.location(instruction, 1)];
    const a = this.assembler;
    if (instruction.source === Source.Immediate) {
      if (sum === left) this.arithmeticImmediate(0, width, sum, immediate);
      else a.modrm(width, 0x8d, sum, { ...PLAIN_ADDRESS, base: left, displacement: immediate });
      return;
    }
    const right = this.location(instruction, 2);
    if (sum === left) a.modrm(width, 0x03, sum, right);
    else if (sum === right) a.modrm(width, 0x03, sum, left);
    else {
      const [base, index] = (left & 7) === Register.rbp ? [right, left] : [left, right];
      a.modrm(width, 0x8d, sum, { ...PLAIN_ADDRESS, base, index });
    }
  }

  private test(instruction: MachineInstruction): void {
    const { width, immediate } = instruction;
    const a = this.assembler;
    const left = this.location(instruction, 0);
    if (instruction.source === Source.Register) {
      a.modrm(width, 0x85, this.location(instruction, 1), left);
      return;
    }
    // A mask within seven bits gives the same flags as a byte: the sign is 0 both times.
    if (immediate >= 0 && immediate < 0x80) {
      if (left === Register.rax) a.byte(0xa8);
      else a.modrm(1, 0xf6, 0, left, { byteOperand: true, immediateBytes: 1 });
      a.immediate(immediate, 1);
    } else if (left === Register.rax) {
      if (width === 8) a.byte(0x48);
      a.byte(0xa9);
      a.immediate(immediate, 4);
    } else {
      a.modrm(width, 0xf7, 0, left, { immediateBytes: 4 });
      a.immediate(immediate, 4);
    }
  }

  private divideSigned(instruction: MachineInstruction, divisor: number): void {
    if (instruction.width === 8) this.assembler.byte(0x48);
    this.assembler.byte(0x99);
    this.trapHere(instruction);
    this.assembler.modrm(instruction.width, 0xf7, 7, divisor);
  }

  // Calls and tables: the sequences are exact, see README.md.

  private pushArgument(instruction: MachineInstruction): void {
    const a = this.assembler;
    if (instruction.source === Source.Immediate) {
      const bytes = fitsByte(instruction.immediate) ? 1 : 4;
      a.byte(bytes === 1 ? 0x6a : 0x68);
      a.immediate(instruction.immediate, bytes);
    } else this.push(this.location(instruction, 0));
    this.pushed += 8;
    this.setDepth(this.depth + 8);
  }

  private argumentsPopped(instruction: MachineInstruction): void {
    if (this.pushed !== instruction.stackArgumentBytes)
      throw new Error(`${this.fn.name}: stack arguments do not match the call`);
    this.pushed = 0;
    this.setDepth(this.depth - instruction.stackArgumentBytes);
  }

  private callIndirect(instruction: MachineInstruction): void {
    const a = this.assembler;
    const table = this.location(instruction, instruction.temporaryOperand);
    if (instruction.tableLength >= 0)
      this.arithmeticImmediate(7, 4, Register.rax, instruction.tableLength);
    else
      a.modrm(4, 0x3b, Register.rax, { ...PLAIN_ADDRESS, symbol: `${instruction.symbol}.length` });
    a.jumpIf(
      Condition.AboveOrEqual,
      this.trapLabel(TrapKind.IndirectCallBound, instruction.origin),
    );
    a.modrm(4, 0xc1, 4, Register.rax);
    a.byte(4);
    a.modrm(8, 0x8d, table, { ...PLAIN_ADDRESS, symbol: instruction.symbol });
    a.modrm(8, 0x03, Register.rax, table);
    if (instruction.checksSignature) this.checkSignature(instruction);
    this.calls.push({ symbol: null, signature: instruction.signature, depth: this.depth });
    a.modrm(4, 0xff, 2, { ...PLAIN_ADDRESS, base: Register.rax });
    this.argumentsPopped(instruction);
  }

  /**
   * The compare overflows with the signature of a null entry and with no other: see NULL_SIGNATURE.
   */
  private checkSignature({ signature, origin }: MachineInstruction): void {
    const a = this.assembler;
    const [isOther, isNull] = [a.newLabel(), this.trapLabel(TrapKind.IndirectCallNull, origin)];
    this.arithmeticImmediate(
      7,
      4,
      { ...PLAIN_ADDRESS, base: Register.rax, displacement: 8 },
      signature,
    );
    a.jumpIf(Condition.NotEqual, isOther);
    this.later(origin, () => {
      a.bind(isOther);
      a.jumpIf(Condition.Overflow, isNull);
      this.checkedTrap(TrapKind.IndirectCallSignature, origin);
    });
  }

  private jumpTable(instruction: MachineInstruction, targets: readonly number[]): void {
    const a = this.assembler;
    const [table, entry, index] = [
      this.location(instruction, 0),
      this.location(instruction, 1),
      this.location(instruction, 2),
    ];
    const labels = targets.map((target) => this.blockLabels[this.threaded(target)]!);
    const symbol = `${this.fn.name}.jump${this.tables.length}`;
    this.tables.push({ symbol, targets: labels.slice(0, -1) });
    this.arithmeticImmediate(7, 4, index, instruction.immediate);
    a.jumpIf(Condition.AboveOrEqual, labels[labels.length - 1]!);
    a.modrm(8, 0x8d, table, { ...PLAIN_ADDRESS, symbol });
    a.modrm(8, 0x63, entry, { ...PLAIN_ADDRESS, base: table, index, scale: 4 });
    a.modrm(8, 0x03, entry, table);
    a.modrm(4, 0xff, 4, entry);
  }
}
