import type { Block, Instruction, IrFunction, Value } from "../../ir/function.ts";
import { isLoad, isPure, Opcode } from "../../ir/opcode.ts";

/** How often each value of a function is used, and where its instructions stand. */
export class ValueUses {
  private readonly counts: Uint32Array;
  /** Of those uses, how many are the address of a load or store. */
  private readonly addressCounts: Uint32Array;
  private readonly blocks: Int32Array;
  private readonly effects: Int32Array;

  /** Only instructions of `blocks` count. */
  constructor(fn: IrFunction, blocks: readonly Block[]) {
    this.counts = new Uint32Array(fn.valueTypes.length);
    this.addressCounts = new Uint32Array(fn.valueTypes.length);
    this.blocks = new Int32Array(fn.opcodes.length).fill(-1);
    this.effects = new Int32Array(fn.opcodes.length);
    for (const block of blocks) {
      let effects = 0;
      for (const instruction of fn.blockInstructions[block]!) {
        const op = fn.opcode(instruction);
        this.blocks[instruction] = block;
        if (!isPure(op)) effects++;
        this.effects[instruction] = effects;
        for (let i = 0; i < fn.operandCount(instruction); i++) {
          const operand = fn.operand(instruction, i);
          this.counts[operand]!++;
          if (i === 0 && (isLoad(op) || (op >= Opcode.Store8 && op <= Opcode.Store64)))
            this.addressCounts[operand]!++;
        }
      }
      for (const edge of fn.blockEdges[block]!)
        for (const argument of edge.args) this.counts[argument]!++;
    }
  }

  isSingle(value: Value): boolean {
    return this.counts[value] === 1;
  }
  /** Every use of `value` is the address of a load or store. */
  isOnlyAddress(value: Value): boolean {
    return this.counts[value] === this.addressCounts[value];
  }
  /** The block in which an instruction stands; -1 for an instruction that has no place. */
  blockOf(instruction: Instruction): Block | -1 {
    return this.blocks[instruction]! as Block | -1;
  }
  /** How many instructions of its block, up to and including this one, are not pure. */
  effectsUpTo(instruction: Instruction): number {
    return this.effects[instruction]!;
  }
}
