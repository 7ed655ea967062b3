import { Condition, inverted } from "../machine/condition.ts";
import type { MachineInstruction } from "../machine/machine-function.ts";
import { PLAIN_ADDRESS } from "../machine/memory-operand.ts";
import type { Label } from "./assembler.ts";
import type { BlockTargets } from "./block-targets.ts";
import { AluDigit, aluImmediate } from "./encode-arithmetic.ts";
import { encodeReturn } from "./encode-frame.ts";
import { encodeInsertedMoves } from "./encode-move.ts";
import type { FunctionCode } from "./function-code.ts";

/** Up to this many saved registers, a copy of a return takes the place of a jump to it. */
const COPIED_RETURN_SAVED_MAX = 2;
const COPIED_RETURN_MOVES_MAX = 1;

/** Jumps between blocks. `next` is the block whose code follows, -1 if there is none. */
export class JumpEncoder {
  private readonly labels: readonly Label[];

  constructor(
    private readonly code: FunctionCode,
    private readonly targets: BlockTargets,
  ) {
    this.labels = code.allocation.machine.blocks.map(() => code.assembler.newLabel());
  }

  /** The code of `block` starts here. */
  bind(block: number): void {
    this.code.assembler.bind(this.labels[block]!);
  }

  jump(target: number, next: number): void {
    const final = this.targets.finalTarget(target);
    if (final === next) return;
    this.code.records.note(-1, "jump");
    this.jumpOrReturn(final);
  }

  branch(
    { condition, origin, rule }: MachineInstruction,
    [taken, otherwise]: readonly number[],
    next: number,
  ): void {
    const { assembler, records } = this.code;
    const yes = this.targets.finalTarget(taken!);
    const no = this.targets.finalTarget(otherwise!);
    if (yes === no) {
      this.jump(yes, next);
      return;
    }
    records.note(origin, rule);
    if (yes === next) {
      assembler.jumpIf(inverted(condition), this.labels[no]!);
      return;
    }
    // Where neither follows, the more frequent block gets the branch that is decided first.
    const { blocks } = this.code.allocation.machine;
    const isNoHotter = no !== next && blocks[no]!.frequency > blocks[yes]!.frequency;
    assembler.jumpIf(
      isNoHotter ? inverted(condition) : condition,
      this.labels[isNoHotter ? no : yes]!,
    );
    if (no !== next) this.jumpOrReturn(isNoHotter ? yes : no);
  }

  /** The verifier relies on the exact sequence: see README.md. The last target is the default. */
  jumpTable(instruction: MachineInstruction, targets: readonly number[]): void {
    const { code } = this;
    const { assembler } = code;
    const [table, entry, index] = [
      code.location(instruction, 0),
      code.location(instruction, 1),
      code.location(instruction, 2),
    ];
    const labels = targets.map((target) => this.labels[this.targets.finalTarget(target)]!);
    const symbol = code.records.table(labels.slice(0, -1));
    aluImmediate(code, AluDigit.Cmp, 4, index, instruction.immediate);
    assembler.jumpIf(Condition.AboveOrEqual, labels.at(-1)!);
    assembler.modrm(8, 0x8d, table, { ...PLAIN_ADDRESS, symbol });
    assembler.modrm(8, 0x63, entry, { ...PLAIN_ADDRESS, base: table, index, scale: 4 });
    assembler.modrm(8, 0x03, entry, table);
    assembler.modrm(4, 0xff, 4, entry);
  }

  /** A jump to `block`, or a copy of `block` if it is only a short return. */
  private jumpOrReturn(block: number): void {
    const { code } = this;
    const moves = this.targets.movesToReturn(block);
    if (
      moves === null ||
      moves.length > COPIED_RETURN_MOVES_MAX ||
      (code.hasFrame && code.frame.saved.length > COPIED_RETURN_SAVED_MAX) ||
      code.isFramed(block) !== code.hasFrame ||
      block === code.frame.blocks.start
    ) {
      code.assembler.jump(this.labels[block]!);
      return;
    }
    const { instructions, blocks } = code.allocation.machine;
    encodeInsertedMoves(code, moves, false);
    code.records.note(
      instructions[blocks[block]!.end - 1]!.origin,
      "return instead of a jump to it",
    );
    encodeReturn(code);
  }
}
