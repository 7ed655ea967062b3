/**
 * Replaces every pure value by its simplest known equal: constants folded, rules applied, equal
 * values merged. Also simplifies what pinned instructions ask for: divisions by constants that
 * cannot trap, stores of bits that are cut off, conditions.
 */
import { reversePostorder } from "../control-flow.ts";
import { evaluateDivision } from "../evaluate.ts";
import type { Block, Instruction, IrFunction, Value } from "../function.ts";
import { isPure, Opcode, Type } from "../opcode.ts";
import { PureValues } from "../pure-values.ts";
import { Replacement } from "../replacement.ts";
import { conditionOf } from "../simplify.ts";

export function foldValues(fn: IrFunction): boolean {
  return new Folder(fn).run();
}

class Folder {
  private readonly pure: PureValues;
  private readonly replacement = new Replacement();
  private readonly isDone: Uint8Array;
  private changed = false;

  constructor(private readonly fn: IrFunction) {
    this.pure = new PureValues(fn);
    this.isDone = new Uint8Array(fn.opcodes.length);
  }

  run(): boolean {
    const { fn } = this;
    for (const block of reversePostorder(fn)) {
      const kept: Instruction[] = [];
      for (const instruction of fn.blockInstructions[block]!) {
        if (isPure(fn.opcode(instruction))) continue;
        for (let i = 0; i < fn.operandCount(instruction); i++)
          this.setOperand(instruction, i, this.canonical(fn.operand(instruction, i)));
        if (!this.removeDivision(instruction)) kept.push(instruction);
        this.narrowStore(instruction);
        if (fn.opcode(instruction) === Opcode.Branch) this.simplifyBranch(block, instruction);
      }
      fn.blockInstructions[block] = kept;
      for (const { args } of fn.blockEdges[block]!) {
        for (let i = 0; i < args.length; i++) {
          const value = this.canonical(args[i]!);
          if (value !== args[i]) this.changed = true;
          args[i] = value;
        }
      }
    }
    // Divisions that became values may have been used in loops before they were met.
    this.replacement.apply(fn);
    return this.changed;
  }

  private setOperand(instruction: Instruction, index: number, value: Value): void {
    if (this.fn.operand(instruction, index) === value) return;
    this.fn.setOperand(instruction, index, value);
    this.changed = true;
  }

  /**
   * The simplest value that equals `root`; operands are made canonical first, without recursion.
   */
  private canonical(root: Value): Value {
    const { fn } = this;
    const first = this.pendingDefinition(root);
    if (first !== -1) {
      const stack: { instruction: Instruction; next: number }[] = [{ instruction: first, next: 0 }];
      while (stack.length > 0) {
        const top = stack[stack.length - 1]!;
        const { instruction } = top;
        if (top.next < fn.operandCount(instruction)) {
          const operand = this.pendingDefinition(fn.operand(instruction, top.next++));
          if (operand !== -1) stack.push({ instruction: operand, next: 0 });
          continue;
        }
        stack.pop();
        this.finish(instruction);
      }
    }
    return this.replacement.resolve(root);
  }

  private pendingDefinition(value: Value): Instruction | -1 {
    const definition = this.fn.definition(this.replacement.resolve(value));
    if (definition === -1 || !isPure(this.fn.opcode(definition))) return -1;
    // Values that this pass made are canonical already.
    return definition >= this.isDone.length || this.isDone[definition] ? -1 : definition;
  }

  private finish(instruction: Instruction): void {
    const { fn } = this;
    if (this.isDone[instruction]) return;
    this.isDone[instruction] = 1;
    if (fn.opcode(instruction) === Opcode.Const) {
      this.replace(fn.result(instruction), this.pure.adoptConstant(instruction), false);
      return;
    }
    for (let i = 0; i < fn.operandCount(instruction); i++)
      fn.setOperand(instruction, i, this.replacement.resolve(fn.operand(instruction, i)));
    this.replace(fn.result(instruction), this.pure.adopt(instruction), true);
  }

  private replace(value: Value, by: Value, counts: boolean): void {
    const final = this.replacement.resolve(by);
    if (final === value) return;
    this.replacement.replace(value, final);
    if (counts) this.changed = true;
  }

  /**
   * Divisions by a constant that is neither zero nor, signed, -1 cannot trap; some of them are
   * other operations.
   */
  private removeDivision(instruction: Instruction): boolean {
    const { fn, pure } = this;
    const op = fn.opcode(instruction);
    if (op < Opcode.DivS || op > Opcode.RemU) return false;
    const type = fn.type(instruction);
    const [left, right] = [fn.operand(instruction, 0), fn.operand(instruction, 1)];
    const divisor = pure.bits(right);
    if (divisor === null || divisor === 0n) return false;
    const dividend = pure.bits(left);
    if (dividend !== null) {
      const result = evaluateDivision(op, type, dividend, divisor);
      if (typeof result === "string") return false;
      this.replace(fn.result(instruction), pure.constant(type, result), true);
      return true;
    }
    const make = (operation: Opcode, bits: bigint): boolean => {
      const operands = [left, pure.constant(type, bits)];
      this.replace(
        fn.result(instruction),
        pure.make(
          operation,
          type,
          operands,
          fn.origin(instruction),
          fn.inlinedAt.data[instruction]!,
        ),
        true,
      );
      return true;
    };
    if (divisor === 1n)
      return op === Opcode.DivS || op === Opcode.DivU ? make(Opcode.Or, 0n) : make(Opcode.And, 0n);
    const isPowerOfTwo = (divisor & (divisor - 1n)) === 0n;
    if (isPowerOfTwo && op === Opcode.DivU)
      return make(Opcode.ShrU, BigInt(divisor.toString(2).length - 1));
    if (isPowerOfTwo && op === Opcode.RemU) return make(Opcode.And, divisor - 1n);
    return false;
  }

  /** What a mask or an extension does above the stored bits is lost. */
  private narrowStore(instruction: Instruction): void {
    const { fn, pure } = this;
    const bits = STORED_BITS[fn.opcode(instruction)];
    if (bits === undefined) return;
    const low = (1n << BigInt(bits)) - 1n;
    for (;;) {
      const definition = fn.definition(fn.operand(instruction, 1));
      if (definition === -1) return;
      const op = fn.opcode(definition);
      const mask = op === Opcode.And ? pure.bits(fn.operand(definition, 1)) : null;
      const isMasked = mask !== null && (mask & low) === low;
      const isExtended =
        (op === Opcode.Extend8S && bits === 8) ||
        (op === Opcode.Extend16S && bits <= 16) ||
        (op === Opcode.Extend32S && bits <= 32);
      if (!isMasked && !isExtended) return;
      this.setOperand(instruction, 1, fn.operand(definition, 0));
    }
  }

  /** A branch tests a value for zero itself. */
  private simplifyBranch(block: Block, instruction: Instruction): void {
    const { fn } = this;
    this.setOperand(instruction, 0, conditionOf(fn, fn.operand(instruction, 0)));
    const definition = fn.definition(fn.operand(instruction, 0));
    if (
      definition === -1 ||
      fn.opcode(definition) !== Opcode.Eqz ||
      fn.type(definition) !== Type.I32
    )
      return;
    this.setOperand(instruction, 0, fn.operand(definition, 0));
    fn.blockEdges[block]!.reverse();
    this.simplifyBranch(block, instruction);
  }
}

const STORED_BITS: Readonly<Partial<Record<Opcode, number>>> = {
  [Opcode.Store8]: 8,
  [Opcode.Store16]: 16,
  [Opcode.Store32]: 32,
};
