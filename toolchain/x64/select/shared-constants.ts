import { Dominators } from "../../ir/dominators.ts";
import type { Block, IrFunction } from "../../ir/function.ts";
import { Type } from "../../ir/opcode.ts";
import { declareCoverage, hit } from "../machine/coverage.ts";
import { InstructionBuilder } from "../machine/instruction-builder.ts";
import {
  type MachineFunction,
  MachineInstruction,
  type VirtualRegister,
} from "../machine/machine-function.ts";
import { MachineOp } from "../machine/machine-op.ts";

declareCoverage("constant of 64 bits shared");

/**
 * Constants of 64 bits that no instruction takes as an immediate. Each is made once, in the closest
 * block above that lies in the fewest loops; the allocator makes it again where keeping it would
 * cost a register that others need more.
 */
export class SharedConstants {
  private readonly byBlock = new Map<Block, Map<bigint, VirtualRegister>>();
  private dominators: Dominators | null = null;

  constructor(
    private readonly fn: IrFunction,
    private readonly machine: MachineFunction,
  ) {}

  /** The register in which a use in `block` finds the constant. */
  register(bits: bigint, block: Block): VirtualRegister {
    const home = this.homeOf(block);
    let constants = this.byBlock.get(home);
    if (constants === undefined) this.byBlock.set(home, (constants = new Map()));
    let register = constants.get(bits);
    if (register === undefined)
      constants.set(bits, (register = this.machine.newRegister(Type.I64)));
    return register;
  }

  /**
   * The instructions that make the constants whose home `block` is. Nothing above it may ask for
   * more afterwards.
   */
  takeFor(block: Block): [VirtualRegister, MachineInstruction][] {
    return [...(this.byBlock.get(block) ?? [])].map(([bits, register]) => [
      register,
      this.make(bits, register),
    ]);
  }

  private make(bits: bigint, register: VirtualRegister): MachineInstruction {
    hit("constant of 64 bits shared");
    const { machine } = this;
    const instruction = new MachineInstruction(
      MachineOp.MoveImmediate,
      8,
      -1,
      "constant of 64 bits",
    );
    instruction.immediate = Number(BigInt.asIntN(32, bits));
    instruction.immediateHigh = Number(BigInt.asIntN(32, bits >> 32n));
    new InstructionBuilder(machine, instruction).define(register);
    machine.rematerializable[register] = instruction;
    return instruction;
  }

  private homeOf(block: Block): Block {
    const { loopDepths } = this.fn;
    if (loopDepths[block] === 0) return block;
    this.dominators ??= new Dominators(this.fn);
    let home = block;
    for (let above = block; above !== 0; ) {
      above = this.dominators.parent[above]! as Block;
      if (loopDepths[above]! < loopDepths[home]!) home = above;
    }
    return home;
  }
}
