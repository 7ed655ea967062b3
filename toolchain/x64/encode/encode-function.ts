import type { IrFunction } from "../../ir/function.ts";
import type { MachineCode } from "../../ir/machine-code.ts";
import type { IrModule } from "../../ir/module.ts";
import type { Allocation } from "../allocate/allocation.ts";
import type { Frame } from "../allocate/frame.ts";
import { placeParameters } from "../allocate/place-parameters.ts";
import type { MachineInstruction } from "../machine/machine-function.ts";
import { MachineOp } from "../machine/machine-op.ts";
import type { Mark } from "./assembler.ts";
import { BlockTargets } from "./block-targets.ts";
import { encodePrologue, poppedBytes } from "./encode-frame.ts";
import { encodeInstruction } from "./encode-instruction.ts";
import { JumpEncoder } from "./encode-jump.ts";
import { encodeInsertedMoves } from "./encode-move.ts";
import { FunctionCode } from "./function-code.ts";
import { findLiveFlags } from "./live-flags.ts";

/** Writes one allocated function as machine code, with everything that goes with it. */
export function encodeFunction(
  fn: IrFunction,
  module: IrModule,
  allocation: Allocation,
  frame: Frame,
): MachineCode {
  const code = new FunctionCode(fn, module, allocation, frame);
  const encoder = new BlockEncoder(code);
  encoder.encodeBlocks();
  code.writeOutOfLine();
  const { bytes, relocations } = code.assembler.finish();
  return {
    name: fn.name,
    functionIndex: fn.functionIndex,
    bytes,
    relocations,
    inlinedCalls: fn.inlinedCalls,
    frameBytes: frame.bytes,
    savedRegisters: frame.saved,
    poppedBytes: poppedBytes(code),
    parameters: placeParameters(fn, allocation, frame, (instruction) =>
      encoder.marksOf(instruction)?.map((mark) => code.assembler.offset(mark)),
    ),
    ...code.records.finish(),
  };
}

class BlockEncoder {
  private readonly targets: BlockTargets;
  private readonly jumps: JumpEncoder;
  private readonly liveFlags: Uint8Array;
  private readonly marks = new Map<number, readonly Mark[]>();

  constructor(private readonly code: FunctionCode) {
    this.targets = new BlockTargets(code.allocation, code.frame.blocks);
    this.jumps = new JumpEncoder(code, this.targets);
    this.liveFlags = findLiveFlags(code.allocation.machine);
  }

  /**
   * Four places in the code of an instruction: before its moves, at itself, behind itself, behind
   * the moves there. Undefined if it has no code, or code that stands for several places of the
   * source.
   */
  marksOf(instruction: number): readonly Mark[] | undefined {
    return this.marks.get(instruction);
  }

  /** Blocks in order, without those that a jump never ends in. */
  encodeBlocks(): void {
    const encoded = this.code.allocation.machine.blocks
      .map((_, index) => index)
      .filter((index) => index === 0 || this.targets.finalTarget(index) === index);
    encoded.forEach((index, k) => this.block(index, encoded[k + 1] ?? -1));
  }

  private block(index: number, next: number): void {
    const { code, liveFlags } = this;
    const { assembler, allocation } = code;
    const block = allocation.machine.blocks[index]!;
    const targets = block.edges.map(({ target }) => target);
    const isShared = this.targets.isShared(index);
    this.jumps.bind(index);
    code.enterBlock(index);
    if (index === code.frame.blocks.start) encodePrologue(code);
    for (let i = block.start; i < block.end; i++) {
      const instruction = allocation.machine.instructions[i]!;
      // The line is that of the part that may fault, if the instruction has such a part.
      code.records.line(instruction.trapOrigin >= 0 ? instruction.trapOrigin : instruction.origin);
      const start = assembler.mark();
      encodeInsertedMoves(code, allocation.before.get(i), liveFlags[i] === 1);
      const own = assembler.mark();
      code.areFlagsLive = liveFlags[i + 1] === 1;
      if (allocation.removed[i] === 0) this.instruction(instruction, targets, next);
      const behind = assembler.mark();
      encodeInsertedMoves(code, allocation.behind.get(i), liveFlags[i + 1] === 1);
      if (!isShared) this.marks.set(i, [start, own, behind, assembler.mark()]);
    }
  }

  private instruction(
    instruction: MachineInstruction,
    targets: readonly number[],
    next: number,
  ): void {
    const { op, origin, rule } = instruction;
    switch (op) {
      case MachineOp.Label:
      case MachineOp.Parameters:
        return;
      case MachineOp.Jump:
        this.jumps.jump(targets[0]!, next);
        return;
      case MachineOp.Branch:
        this.jumps.branch(instruction, targets, next);
        return;
      case MachineOp.JumpTable:
        this.code.records.note(origin, rule);
        this.jumps.jumpTable(instruction, targets);
        return;
      default:
        this.code.records.note(origin, rule);
        encodeInstruction(op, this.code, instruction);
    }
  }
}
