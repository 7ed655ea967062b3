import { FaultKind } from "../../../kernel/abi/fault.ts";
import type { IrFunction } from "../../ir/function.ts";
import { TrapKind } from "../../ir/machine-code.ts";
import type { IrModule } from "../../ir/module.ts";
import { type Allocation, isSlot, slotOf } from "../allocate/allocation.ts";
import type { Frame } from "../allocate/frame.ts";
import { type MachineInstruction, Source } from "../machine/machine-function.ts";
import { PLAIN_ADDRESS } from "../machine/memory-operand.ts";
import { Register } from "../machine/register.ts";
import { Assembler, type Label, type PhysicalAddress, type RegisterOrMemory } from "./assembler.ts";
import { CodeRecords } from "./code-records.ts";

/** The kind of fault that `ud1` names after a failed check. */
const CHECKED: Partial<Record<TrapKind, FaultKind>> = {
  [TrapKind.OutOfBounds]: FaultKind.OutOfBounds,
  [TrapKind.IndirectCallBound]: FaultKind.IndirectCallBound,
  [TrapKind.IndirectCallSignature]: FaultKind.IndirectCallSignature,
  [TrapKind.IndirectCallNull]: FaultKind.IndirectCallNull,
  [TrapKind.OutOfMemory]: FaultKind.QuotaExhausted,
};

/** Encodes one machine instruction. */
export type Encode = (code: FunctionCode, instruction: MachineInstruction) => void;

/**
 * The code of one allocated function while it is written: where operands are, how deep the stack
 * is, and what is written out of line.
 */
export class FunctionCode {
  readonly assembler = new Assembler();
  readonly records: CodeRecords;
  /** Whether the flags are still to be read behind the instruction that is being encoded. */
  areFlagsLive = false;
  /** Bytes of arguments pushed for the call that is being prepared. */
  pushedBytes = 0;
  /** Whether the block that is being encoded runs with the frame. */
  hasFrame = false;
  private depthBytes = 0;
  /** Code that is written behind everything else: checks that fail, rare paths. */
  private readonly outOfLine: (() => void)[] = [];

  constructor(
    readonly fn: IrFunction,
    readonly module: IrModule,
    readonly allocation: Allocation,
    readonly frame: Frame,
  ) {
    this.records = new CodeRecords(fn, this.assembler);
    this.setDepth(0);
  }

  // The stack.

  /** Bytes from the return address down to rsp. */
  get depth(): number {
    return this.depthBytes;
  }
  /** Whether the code of `block` runs with the frame. */
  isFramed(block: number): boolean {
    return this.frame.blocks.isFramed[block] === 1;
  }
  /** The code of `block` starts, at the prologue's if it stands there. */
  enterBlock(block: number): void {
    this.hasFrame = this.isFramed(block);
    this.setDepth(this.hasFrame && block !== this.frame.blocks.start ? this.frame.bytes : 0);
  }
  setDepth(bytes: number): void {
    this.depthBytes = bytes;
    this.records.depth(bytes, this.hasFrame);
  }

  // Operands.

  /** The location of operand `index`: a register or a slot. */
  location(instruction: MachineInstruction, index: number): number {
    return this.allocation.locations[instruction.operandStart + index]!;
  }
  /** A location as an operand: the register, or the slot's memory. */
  place(location: number): RegisterOrMemory {
    if (!isSlot(location)) return location;
    return {
      ...PLAIN_ADDRESS,
      base: Register.rsp,
      displacement: this.frame.slotOffsets[slotOf(location)]! + this.pushedBytes,
    };
  }
  /** The last source operand, whose number is `index` if it is a register or slot. */
  source(instruction: MachineInstruction, index: number): RegisterOrMemory {
    return instruction.source === Source.Memory
      ? this.physicalAddress(instruction)
      : this.place(this.location(instruction, index));
  }
  /** The memory operand over physical registers. */
  physicalAddress(instruction: MachineInstruction): PhysicalAddress {
    const { memory } = instruction;
    if (memory === null) throw new Error("an instruction without its memory operand");
    const { window, ...operand } = memory;
    const part = (index: number): number => (index < 0 ? -1 : this.location(instruction, index));
    let [base, index] = [part(memory.base), part(memory.index)];
    if (window) [base, index] = [Register.r15, base];
    // rbp and r13 as a base need a displacement; as an index they do not.
    const isShorterSwapped =
      base >= 0 &&
      index >= 0 &&
      memory.scale === 1 &&
      memory.displacement === 0 &&
      memory.symbol === null &&
      (base & 7) === Register.rbp &&
      (index & 7) !== Register.rbp &&
      !window;
    if (isShorterSwapped) [base, index] = [index, base];
    return { ...operand, base, index };
  }

  // Traps and rare paths.

  /** Records that the next instruction may trap, if `instruction` may. */
  trapHere(instruction: MachineInstruction): void {
    if (instruction.trap !== 0) this.records.trap(instruction.trap);
  }
  /** A label out of line, where the machine stops with a trap of this kind. */
  trapLabel(kind: TrapKind, origin: number): Label {
    const label = this.assembler.newLabel();
    const { depth, hasFrame } = this;
    this.outOfLine.push(() => {
      this.hasFrame = hasFrame;
      this.setDepth(depth);
      this.assembler.bind(label);
      this.records.line(origin);
      this.failedCheck(kind, origin);
    });
    return label;
  }
  /**
   * True if a trap of this kind is the end of a check in the code, not a fault of an instruction.
   */
  isChecked(kind: TrapKind): boolean {
    return CHECKED[kind] !== undefined;
  }
  /** `ud1`, whose register numbers are the kind of fault. */
  failedCheck(kind: TrapKind, origin: number): void {
    this.records.note(origin, `trap ${TrapKind[kind]}`);
    this.records.trap(kind);
    const fault = CHECKED[kind];
    if (fault === undefined) throw new Error(`no check ends in the trap ${TrapKind[kind]}`);
    this.assembler.modrm(4, 0x0fb9, fault >> 3, fault & 7);
  }
  /** Writes `body` out of line, at the stack depth of this place. */
  later(origin: number, body: () => void): void {
    const { depth, hasFrame, pushedBytes } = this;
    this.outOfLine.push(() => {
      this.hasFrame = hasFrame;
      this.setDepth(depth);
      this.pushedBytes = pushedBytes;
      this.records.line(origin);
      this.records.note(origin, "out of line");
      body();
    });
  }
  /** Writes what was put off, and what that code itself puts off. */
  writeOutOfLine(): void {
    for (const write of this.outOfLine) {
      this.pushedBytes = 0;
      write();
    }
  }
}
