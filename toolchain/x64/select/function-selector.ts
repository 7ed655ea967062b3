import type { Block, Instruction } from "../../ir/function.ts";
import { isLoad, isPure, Opcode } from "../../ir/opcode.ts";
import { declareCoverage, hit } from "../machine/coverage.ts";
import type { MachineInstruction, VirtualRegister } from "../machine/machine-function.ts";
import { SELECTION_RULES } from "./selection-rules.ts";
import { Selector } from "./selector.ts";

declareCoverage("dead load removed in the kernel");

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

/**
 * Selects instructions for one function, from the last block to the first and in each from the last
 * instruction to the first: a value that no instruction asked for by then has been folded into all
 * its users and needs no code.
 */
export class FunctionSelector extends Selector {
  /** Code of `block`; all blocks that it dominates must have been selected before. */
  selectBlock(block: Block): SelectedBlock {
    const instructions = this.fn.blockInstructions[block]!;
    this.block = block;
    this.position = instructions.length - 1;
    const edgeArguments = this.fn.blockEdges[block]!.map(({ args }) =>
      args.map((argument) => this.register(argument)),
    );
    const pieces: Piece[] = [];
    for (let i = instructions.length - 1; i >= 0; i--)
      if (this.needsCode(instructions[i]!)) pieces.push(this.selectRoot(instructions[i]!, i));
    for (const [register, constant] of this.constants.takeFor(block))
      pieces.push({ position: this.firstUse(register), code: [constant] });
    // The order of selection is backwards: of the pieces at one place, the piece selected last
    // makes what the others there read.
    const code = pieces
      .reverse()
      .sort((a, b) => a.position - b.position)
      .flatMap((piece) => piece.code);
    return { code, edgeArguments };
  }

  private needsCode(instruction: Instruction): boolean {
    const op = this.fn.opcode(instruction);
    if (op === Opcode.Nop || this.folded[instruction] === 1) return false;
    if (isPure(op)) return this.isDemanded(this.fn.result(instruction));
    if (!isLoad(op) || this.module.target !== "kernel") return true;
    if (this.isDemanded(this.fn.result(instruction))) return true;
    hit("dead load removed in the kernel");
    return false;
  }

  private selectRoot(instruction: Instruction, standsAt: number): Piece {
    this.root = instruction;
    this.position = this.placeFor(instruction, standsAt);
    this.code = [];
    this.hasFoldedLoad = false;
    this.mayFoldLoads = true;
    this.applyRules(instruction);
    // The root executes the load, which must stay where it was, and so must what the root reads.
    if (this.hasFoldedLoad) this.moveRootTo(standsAt);
    return { position: this.position, code: this.code };
  }

  /**
   * Where the code of `instruction` goes. A pure value of at most one other value is made right
   * before its first user in the block: what it is made from then dies there, so that `i + 1` takes
   * over the register of `i`.
   */
  private placeFor(instruction: Instruction, standsAt: number): number {
    const { fn } = this;
    if (!isPure(fn.opcode(instruction))) return standsAt;
    let operands = 0;
    for (let k = 0; k < fn.operandCount(instruction); k++)
      if (this.constant(fn.operand(instruction, k)) === null) operands++;
    return operands > 1 ? standsAt : this.firstUse(fn.result(instruction));
  }

  private applyRules(instruction: Instruction): void {
    const op = this.fn.opcode(instruction);
    for (const { name, apply } of SELECTION_RULES[op] ?? []) {
      this.rootRule = name;
      if (!apply(this, instruction)) continue;
      hit(name);
      return;
    }
    this.refuse(instruction, `${Opcode[op]} is not supported`);
  }
}
