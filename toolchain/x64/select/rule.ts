import type { Instruction, Value } from "../../ir/function.ts";
import type { Condition } from "../machine/condition.ts";
import { declareCoverage } from "../machine/coverage.ts";
import type { Selector } from "./selector.ts";

/**
 * One way to select machine code for an operation. `apply` first decides without touching anything;
 * once it has asked the selector for a register or made an instruction it must succeed. It returns
 * whether it did.
 */
export interface Rule {
  readonly name: string;
  readonly apply: (select: Selector, at: Instruction) => boolean;
}

export function rule(name: string, apply: (select: Selector, at: Instruction) => boolean): Rule {
  return { name: declareCoverage(name), apply };
}

/**
 * As a rule, but for a truth value: makes instructions that set the flags and returns the condition
 * under which `value` is not zero.
 */
export interface ConditionRule {
  readonly name: string;
  readonly apply: (select: Selector, value: Value) => Condition | null;
}

export function conditionRule(
  name: string,
  apply: (select: Selector, value: Value) => Condition | null,
): ConditionRule {
  return { name: declareCoverage(name), apply };
}
