import { Type } from "../../ir/opcode.ts";
import { TrapKind } from "../../ir/machine-code.ts";
import type { Condition } from "./condition.ts";
import {
  type Constraint,
  constraint,
  type MachineFunction,
  type MachineInstruction,
  NO_REGISTER,
  OperandKind,
  Source,
  type VirtualRegister,
} from "./machine-function.ts";
import { MachineOp } from "./machine-op.ts";
import { PLAIN_ADDRESS, type WindowedOperand } from "./memory-operand.ts";
import type { Register, RegisterSet } from "./register.ts";

/** A memory operand over virtual registers, before it belongs to an instruction. */
export type Address = WindowedOperand<VirtualRegister>;

export const NO_ADDRESS: Address = {
  ...PLAIN_ADDRESS,
  base: NO_REGISTER,
  index: NO_REGISTER,
  window: false,
};

export const symbolAddress = (symbol: string, displacement = 0): Address => ({
  ...NO_ADDRESS,
  symbol,
  displacement,
});

export type SourceOperand =
  | { readonly kind: "register"; readonly register: VirtualRegister }
  | { readonly kind: "immediate"; readonly value: number }
  | { readonly kind: "memory"; readonly address: Address; readonly load: number };

/**
 * Fills in one machine instruction. Operands are added in the order that `machine-op.ts` gives,
 * those of the memory operand last. A use by an instruction of width 8 reads the upper half, so
 * that an i32 there must come from a register, extended.
 */
export class InstructionBuilder {
  constructor(
    private readonly machine: MachineFunction,
    readonly instruction: MachineInstruction,
  ) {
    instruction.operandStart = machine.operandRegisters.length;
  }

  private add(register: VirtualRegister, bits: Constraint): this {
    this.machine.operandRegisters.push(register);
    this.machine.operandConstraints.push(bits);
    this.instruction.operandCount++;
    return this;
  }

  define(register: VirtualRegister): this {
    return this.add(register, constraint(OperandKind.Definition));
  }
  defineEarly(register: VirtualRegister): this {
    return this.add(register, constraint(OperandKind.DefinitionEarly));
  }
  defineFixed(register: VirtualRegister, fixed: Register): this {
    return this.add(register, constraint(OperandKind.DefinitionFixed, fixed));
  }
  defineFixedEarly(register: VirtualRegister, fixed: Register): this {
    return this.add(register, constraint(OperandKind.DefinitionFixedEarly, fixed));
  }
  /** d ← op(a …): `defined` takes over the register that `value` is moved to. */
  defineTied(defined: VirtualRegister, value: VirtualRegister): this {
    return this.add(defined, constraint(OperandKind.DefinitionTied)).add(
      value,
      constraint(OperandKind.UseTied, 0, this.isWide(value)),
    );
  }
  use(register: VirtualRegister): this {
    return this.add(register, constraint(OperandKind.UseRegister, 0, this.isWide(register)));
  }
  /** A use that reads the upper half though the instruction's width does not say so: addresses. */
  useExtended(register: VirtualRegister): this {
    return this.add(register, constraint(OperandKind.UseRegister, 0, true));
  }
  useAny(register: VirtualRegister): this {
    return this.isWide(register)
      ? this.use(register)
      : this.add(register, constraint(OperandKind.UseAny));
  }
  useFixed(register: VirtualRegister, fixed: Register, extended = true): this {
    return this.add(
      register,
      constraint(OperandKind.UseFixed, fixed, extended && this.machine.type(register) === Type.I32),
    );
  }

  source(source: SourceOperand): this {
    switch (source.kind) {
      case "register":
        this.instruction.source = Source.Register;
        return this.useAny(source.register);
      case "immediate":
        this.instruction.source = Source.Immediate;
        return this.immediate(source.value);
      case "memory":
        this.instruction.source = Source.Memory;
        if (source.load >= 0) {
          this.instruction.trap = TrapKind.OutOfBounds;
          this.instruction.trapOrigin = source.load;
        }
        return this.memory(source.address);
    }
  }
  /**
   * As `source`, but a register never becomes a stack slot: the instruction has a memory operand
   * already or cannot have one.
   */
  registerSource(source: SourceOperand): this {
    if (source.kind !== "register") return this.source(source);
    this.instruction.source = Source.Register;
    return this.use(source.register);
  }

  memory(address: Address): this {
    const plain =
      address.address32 || (this.instruction.op === MachineOp.Lea && this.instruction.width === 4);
    let base = -1;
    let index = -1;
    if (address.base !== NO_REGISTER) {
      base = this.instruction.operandCount;
      this.addAddressPart(address.base, plain);
    }
    if (address.index !== NO_REGISTER) {
      index = this.instruction.operandCount;
      this.addAddressPart(address.index, plain);
    }
    this.instruction.memory = { ...address, base, index };
    return this;
  }
  /**
   * 64-bit address arithmetic reads all of an i32; 32-bit address arithmetic and `lea r32` only its
   * low half.
   */
  private addAddressPart(register: VirtualRegister, readsLowHalf: boolean): void {
    const extended = !readsLowHalf && this.machine.type(register) === Type.I32;
    this.add(register, constraint(OperandKind.UseRegister, 0, extended));
  }

  immediate(value: number): this {
    this.instruction.immediate = value | 0;
    return this;
  }
  condition(condition: Condition): this {
    this.instruction.condition = condition;
    return this;
  }
  clobber(registers: RegisterSet): this {
    this.instruction.clobbers |= registers;
    return this;
  }
  toMemory(): this {
    this.instruction.toMemory = true;
    return this;
  }
  traps(kind: TrapKind): this {
    this.instruction.trap = kind;
    return this;
  }
  symbol(symbol: string): this {
    this.instruction.symbol = symbol;
    return this;
  }
  commutes(): this {
    this.instruction.commutative = true;
    return this;
  }

  private isWide(register: VirtualRegister): boolean {
    return this.instruction.width === 8 && this.machine.type(register) === Type.I32;
  }
}
