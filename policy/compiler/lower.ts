/** Conditions → instructions of a rule's program: tests that go forward or end. */
import { RuleOperation, TARGET_DENY, TARGET_GRANT } from "../../kernel/abi/blob.ts";
import type { Condition, WordOperand } from "./model.ts";

export interface Instruction {
  readonly operation: RuleOperation;
  readonly left: WordOperand;
  readonly value: bigint;
  /** Instruction of the rule, or TARGET_*. */
  readonly onTrue: number;
  readonly onFalse: number;
}

/** Where a test goes: a number that is known once the place is reached. */
class Label {
  target: number;
  constructor(target = -1) {
    this.target = target;
  }
}

interface Pending {
  readonly operation: RuleOperation;
  readonly left: WordOperand;
  readonly value: bigint;
  readonly onTrue: Label;
  readonly onFalse: Label;
}

/** Tests are in the order of the text, so that every label is ahead of its uses. */
export function lower(condition: Condition): readonly Instruction[] {
  const pending: Pending[] = [];
  place(condition, new Label(TARGET_GRANT), new Label(TARGET_DENY), pending);
  return pending.map(({ onTrue, onFalse, ...test }) => ({
    ...test,
    onTrue: onTrue.target,
    onFalse: onFalse.target,
  }));
}

function place(condition: Condition, onTrue: Label, onFalse: Label, pending: Pending[]): void {
  switch (condition.kind) {
    case "and":
    case "or": {
      const right = new Label();
      if (condition.kind === "and") place(condition.left, right, onFalse, pending);
      else place(condition.left, onTrue, right, pending);
      right.target = pending.length;
      place(condition.right, onTrue, onFalse, pending);
      return;
    }
    case "not":
      place(condition.operand, onFalse, onTrue, pending);
      return;
    case "test":
      pending.push({
        operation: condition.operation,
        left: condition.left,
        value: condition.value,
        onTrue,
        onFalse,
      });
      return;
    case "testWords": {
      const value = BigInt(condition.right.word) | (BigInt(condition.right.shift) << 8n);
      pending.push({
        operation: condition.operation,
        left: condition.left,
        value,
        onTrue,
        onFalse,
      });
    }
  }
}
