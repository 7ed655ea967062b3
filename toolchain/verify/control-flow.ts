import { Mnemonic as M } from "iced-x86";
import type { CodeFunction } from "./function-table.ts";
import type { Effort } from "./effort.ts";
import { type CallSequence, type JumpSequence, readSequence } from "./indirect-sequence.ts";
import type { MachineInstruction } from "./instruction.ts";
import type { Layout } from "./layout.ts";
import { CONDITIONAL_JUMPS, TRAPS } from "./opcode-rules.ts";
import type { Rule } from "./finding.ts";

/** The shape of a function, found without knowing any value. */
export interface ControlFlow {
  /**
   * Instructions (by index) that control can reach other than from the one before, where it splits,
   * or behind a call.
   */
  readonly leaders: ReadonlySet<number>;
  /** Indirect jumps and calls, by the index of their last instruction. */
  readonly sequences: ReadonlyMap<number, JumpSequence | CallSequence>;
  /**
   * Instructions inside such a sequence, behind its first: their memory operands are the sequence's
   * business.
   */
  readonly insideSequence: ReadonlySet<number>;
  /** Bytes of stack arguments that the function pops; null if it never returns. */
  readonly poppedBytes: number | null;
}

type Report = (rule: Rule, instruction: MachineInstruction, message: string) => void;

/** Null if control could go where the function does not say. */
export function readControlFlow(
  fn: CodeFunction,
  layout: Layout,
  isCallTarget: (offset: number) => boolean,
  effort: Effort,
  report: Report,
): ControlFlow | null {
  const { instructions, indexAt } = fn;
  const leaders = new Set<number>([0]);
  const entered = new Set<number>();
  const sequences = new Map<number, JumpSequence | CallSequence>();
  let poppedBytes: number | null = null;
  let isSound = true;
  const refuse: Report = (rule, instruction, message) => {
    isSound = false;
    report(rule, instruction, message);
  };
  const enter = (index: number): void => {
    leaders.add(index);
    entered.add(index);
  };

  instructions.forEach((instruction, index) => {
    const { mnemonic, operands } = instruction;
    const [first] = operands;
    if (mnemonic === M.Ret) {
      const bytes = first?.kind === "immediate" ? Number(first.value) : 0;
      if (poppedBytes !== null && poppedBytes !== bytes)
        refuse(
          "stack depth",
          instruction,
          "it pops another number of argument bytes than an earlier return",
        );
      poppedBytes = bytes;
      leaders.add(index + 1);
    } else if (TRAPS.has(mnemonic)) {
      leaders.add(index + 1);
    } else if (mnemonic === M.Call && first?.kind === "branch") {
      leaders.add(index + 1);
      if (!isCallTarget(first.target))
        refuse("call target", instruction, "the target is not the start of a function");
    } else if (
      CONDITIONAL_JUMPS.has(mnemonic) ||
      (mnemonic === M.Jmp && first?.kind === "branch")
    ) {
      const target = first?.kind === "branch" ? indexAt.get(first.target) : undefined;
      if (target === undefined)
        refuse(
          "branch target",
          instruction,
          "the target is not the start of an instruction of this function",
        );
      else enter(target);
      leaders.add(index + 1);
    } else if (mnemonic === M.Call || mnemonic === M.Jmp) {
      const rule = mnemonic === M.Jmp ? "indirect jump" : "indirect call";
      const sequence = readSequence(fn, index, layout, effort);
      if (typeof sequence === "string") {
        refuse(rule, instruction, sequence);
      } else {
        sequences.set(index, sequence);
        if (sequence.kind === "jump")
          for (const target of sequence.targets) enter(indexAt.get(target)!);
        else if (!sequence.callees.every(isCallTarget))
          refuse(
            "call target",
            instruction,
            "an entry of the table is not the start of a function",
          );
      }
      leaders.add(index + 1);
    }
  });

  const insideSequence = new Set<number>();
  for (const { first, last } of sequences.values()) {
    for (let index = first + 1; index <= last; index++) {
      insideSequence.add(index);
      if (entered.has(index))
        refuse(
          sequences.get(last)!.kind === "jump" ? "indirect jump" : "indirect call",
          instructions[index]!,
          "a branch enters the sequence in its middle",
        );
    }
  }
  const last = instructions.at(-1)!;
  if (last.mnemonic !== M.Ret && last.mnemonic !== M.Jmp && !TRAPS.has(last.mnemonic))
    refuse("falls through", last, "control runs over the end of the function");
  return isSound ? { leaders, sequences, insideSequence, poppedBytes } : null;
}
