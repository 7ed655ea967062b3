import { type Allocation, type InsertedMove } from "../allocate/allocation.ts";
import type { FramedBlocks } from "../allocate/shrink-wrap.ts";
import type { MachineInstruction } from "../machine/machine-function.ts";
import { MachineOp } from "../machine/machine-op.ts";

const constantKey = ({ op, width, immediate, immediateHigh, memory }: MachineInstruction): string =>
  `${op} ${width} ${immediate} ${immediateHigh} ${memory?.symbol ?? ""} ${memory?.displacement ?? ""}`;

const moveKey = (move: InsertedMove): string =>
  move.kind === "make"
    ? `${move.to}=${constantKey(move.definition)}`
    : `${move.kind} ${move.from} ${move.to}`;

/** Which blocks need code of their own, and where a jump to any other block leads. */
export class BlockTargets {
  /** For a block that only returns: the block that stands for all that return the same. */
  private readonly sameReturn = new Map<number, number>();
  private readonly shared: ReadonlySet<number>;

  constructor(
    private readonly allocation: Allocation,
    private readonly frame: FramedBlocks,
  ) {
    this.findSameReturns();
    this.shared = new Set(this.sameReturn.values());
  }

  /** Where control ends up that enters `block`: past blocks that do nothing but jump. */
  finalTarget(block: number): number {
    const { blocks } = this.allocation.machine;
    let current = block;
    for (let steps = 0; steps <= blocks.length; steps++) {
      if (!this.onlyJumps(current)) return this.sameReturn.get(current) ?? current;
      current = blocks[current]!.edges[0]!.target;
    }
    return block;
  }

  /** `block` stands for others too, that return the same. */
  isShared(block: number): boolean {
    return this.shared.has(block);
  }

  /**
   * The moves before the return, if `block` does nothing else but return; null if it does more.
   */
  movesToReturn(block: number): readonly InsertedMove[] | null {
    const { machine, before, removed } = this.allocation;
    const { start, end } = machine.blocks[block]!;
    if (machine.instructions[end - 1]!.op !== MachineOp.Return || this.hasMoves(start)) return null;
    const moves: InsertedMove[] = [];
    for (let i = start + 1; i < end; i++) {
      if (i < end - 1 && removed[i] !== 1) return null;
      moves.push(...(before.get(i) ?? []));
    }
    return moves;
  }

  private onlyJumps(block: number): boolean {
    const { instructions, blocks } = this.allocation.machine;
    const { start, end, edges } = blocks[block]!;
    return (
      // The prologue is code too.
      block !== this.frame.start &&
      end - start === 2 &&
      edges.length === 1 &&
      instructions[start + 1]!.op === MachineOp.Jump &&
      !this.hasMoves(start) &&
      !this.hasMoves(start + 1)
    );
  }

  /**
   * Of blocks that do nothing but return the same values, the last one in the order of the code is
   * kept, away from the paths that go on.
   */
  private findSameReturns(): void {
    const last = new Map<string, number>();
    for (let block = this.allocation.machine.blocks.length - 1; block > 0; block--) {
      const moves = this.movesToReturn(block);
      if (moves === null || block === this.frame.start) continue;
      const key = `${this.frame.isFramed[block]} ${moves.map(moveKey).join()}`;
      const known = last.get(key);
      if (known === undefined) last.set(key, block);
      else this.sameReturn.set(block, known);
    }
  }

  private hasMoves(instruction: number): boolean {
    const { before, behind } = this.allocation;
    return (before.get(instruction)?.length ?? 0) + (behind.get(instruction)?.length ?? 0) > 0;
  }
}
