import type { Instruction, Value } from "../../ir/function.ts";
import { isPure, Opcode, Type } from "../../ir/opcode.ts";
import { declareCoverage, hit } from "../machine/coverage.ts";
import type { Address, SourceOperand } from "../machine/instruction-builder.ts";
import { globalAddress } from "./global-address.ts";
import { linearAddress } from "./linear-address.ts";
import { RootSelection } from "./root-selection.ts";

declareCoverage("load folded into its user");

const CONDITION_DEPTH_MAX = 32;

/** What a selection rule works with: the root, and operands that may be loads in memory. */
export class Selector extends RootSelection {
  /** Loads that became an operand of their user. By instruction. */
  protected readonly folded = new Uint8Array(this.fn.opcodes.length);
  protected hasFoldedLoad = false;
  /**
   * False while a value with several users is selected once more for one of them: a load below it
   * must not be.
   */
  protected mayFoldLoads = true;
  private conditionDepth = 0;

  // Loads as operands.

  /**
   * `value` is a load of one of `ops` that may be executed as part of the root: the root is its
   * only user, and nothing with an effect, nor another load, stands between them, so that the order
   * of traps stays.
   */
  isFoldableLoad(value: Value, ...ops: readonly Opcode[]): boolean {
    const op = this.opcodeOf(value);
    if (!this.mayFoldLoads) return false;
    if (
      op === -1 ||
      !ops.includes(op) ||
      !this.hasSingleUse(value) ||
      this.isDemanded(value) ||
      !this.isInThisBlock(value)
    )
      return false;
    const load = this.fn.definition(value) as Instruction;
    const rootOwnEffect = isPure(this.fn.opcode(this.root)) ? 0 : 1;
    return this.uses.effectsUpTo(this.root) - rootOwnEffect === this.uses.effectsUpTo(load);
  }
  /** A load of exactly the width of its type, from linear memory or of a global. */
  isFoldableFullLoad(value: Value): boolean {
    if (this.isFoldableLoad(value, Opcode.GlobalGet))
      return this.module.globals[this.fn.immediate(this.fn.definition(value) as Instruction)]!
        .mutable;
    return this.fn.valueType(value) === Type.I64
      ? this.isFoldableLoad(value, Opcode.Load64)
      : this.isFoldableLoad(value, Opcode.Load32S, Opcode.Load32U);
  }

  // Committing: from the first of these calls on, a rule must succeed.

  /** `value` as the last operand of an instruction: immediate, folded load, or register. */
  source(value: Value): SourceOperand {
    const immediate = this.immediate(value);
    if (immediate !== null) return { kind: "immediate", value: immediate };
    return this.registerOrMemory(value);
  }
  /** As `source`, where the instruction has no form with an immediate. */
  registerOrMemory(value: Value): SourceOperand {
    if (this.isFoldableFullLoad(value)) return this.foldLoad(value);
    return { kind: "register", register: this.input(value) };
  }
  /** Makes the load `value` part of the root. */
  foldLoad(value: Value): SourceOperand & { kind: "memory" } {
    const load = this.leaveOutLoad(value);
    if (this.fn.opcode(load) === Opcode.GlobalGet)
      return {
        kind: "memory",
        address: globalAddress(this.module, this.fn.immediate(load)),
        load: -1,
      };
    return { kind: "memory", address: this.addressOf(load), load };
  }
  /** The root executes the load `value` itself: no code is made for it. */
  leaveOutLoad(value: Value): Instruction {
    const load = this.fn.definition(value) as Instruction;
    this.folded[load] = 1;
    this.hasFoldedLoad = true;
    hit("load folded into its user");
    return load;
  }
  /** The memory operand of the load or store `instruction`. */
  addressOf(instruction: Instruction): Address {
    return linearAddress(this, instruction);
  }

  /** The chain of negations is too long: the recursion ends here. */
  get isDeepCondition(): boolean {
    return this.conditionDepth > CONDITION_DEPTH_MAX;
  }
  /** Runs `select`, which sets the flags for `value` at the root. */
  asCondition<T>(value: Value, select: () => T): T {
    const before = this.mayFoldLoads;
    this.mayFoldLoads = before && this.hasSingleUse(value);
    this.conditionDepth++;
    const result = select();
    this.mayFoldLoads = before;
    this.conditionDepth--;
    return result;
  }
}
