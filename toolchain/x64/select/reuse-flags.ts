import { Condition } from "../machine/condition.ts";
import { declareCoverage, hit } from "../machine/coverage.ts";
import {
  constraint,
  type MachineBlock,
  type MachineFunction,
  MachineInstruction,
  OperandKind,
  Source,
} from "../machine/machine-function.ts";
import { MachineOp, readsFlags, writesFlags } from "../machine/machine-op.ts";

declareCoverage("flags: of a logical operation");
declareCoverage("flags: of an arithmetic operation");

/** Instructions that the search for the definition goes back over. */
const SEARCH_MAX = 8;

/**
 * Conditions that zero and sign flag decide: overflow and carry say something else after an
 * addition than after `test`.
 */
const ZERO_AND_SIGN = new Set([
  Condition.Equal,
  Condition.NotEqual,
  Condition.Sign,
  Condition.NotSign,
]);

/**
 * Removes `test r, r` where the operation that defined r has left the same flags and nothing has
 * changed them since. Runs before allocation, which inserts nothing that changes flags.
 */
export function reuseFlags(machine: MachineFunction): void {
  const removed = new Set<MachineInstruction>();
  for (const block of machine.blocks) {
    for (let i = block.start; i < block.end; i++) {
      const instruction = machine.instructions[i]!;
      if (isTestOfItself(machine, instruction) && adoptFlags(machine, block, i))
        removed.add(instruction);
    }
  }
  if (removed.size > 0) removeInstructions(machine, removed);
}

function isTestOfItself(machine: MachineFunction, instruction: MachineInstruction): boolean {
  return (
    instruction.op === MachineOp.Test &&
    instruction.source === Source.Register &&
    machine.operandRegister(instruction, 0) === machine.operandRegister(instruction, 1)
  );
}

/**
 * Whether the flags of the tested value's definition can take the place of the test at `at`; if so
 * the definition is made to set them.
 */
function adoptFlags(machine: MachineFunction, block: MachineBlock, at: number): boolean {
  const test = machine.instructions[at]!;
  const tested = machine.operandRegister(test, 0);
  for (let i = at - 1; i > block.start && at - i <= SEARCH_MAX; i--) {
    const candidate = machine.instructions[i]!;
    const defines = candidate.operandCount > 0 && machine.operandRegister(candidate, 0) === tested;
    if (!defines) {
      if (writesFlags(candidate.op)) return false;
      continue;
    }
    if (candidate.width !== test.width || candidate.toMemory) return false;
    switch (candidate.op) {
      case MachineOp.And:
      case MachineOp.Or:
      case MachineOp.Xor:
        hit("flags: of a logical operation");
        return true;
      case MachineOp.Add:
      case MachineOp.Sub:
      case MachineOp.Neg:
      case MachineOp.AddFlexible:
        break;
      case MachineOp.Shl:
      case MachineOp.Shr:
      case MachineOp.Sar:
        // A count of zero would leave the flags as they were.
        if (candidate.source !== Source.Immediate || candidate.immediate === 0) return false;
        break;
      default:
        return false;
    }
    if (!readersNeedOnlyZeroAndSign(machine, block, at)) return false;
    if (candidate.op === MachineOp.AddFlexible) machine.instructions[i] = asAdd(machine, candidate);
    hit("flags: of an arithmetic operation");
    return true;
  }
  return false;
}

function readersNeedOnlyZeroAndSign(
  machine: MachineFunction,
  block: MachineBlock,
  at: number,
): boolean {
  for (let i = at + 1; i < block.end; i++) {
    const { op, condition } = machine.instructions[i]!;
    if (readsFlags(op) && !ZERO_AND_SIGN.has(condition)) return false;
    if (writesFlags(op)) return true;
  }
  return true;
}

/** `lea` sets no flags, so that the sum must be an `add`, which overwrites its first operand. */
function asAdd(machine: MachineFunction, flexible: MachineInstruction): MachineInstruction {
  const add = new MachineInstruction(MachineOp.Add, flexible.width, flexible.origin, flexible.rule);
  add.operandStart = flexible.operandStart;
  add.operandCount = flexible.operandCount;
  add.source = flexible.source;
  add.immediate = flexible.immediate;
  const { data } = machine.operandConstraints;
  data[add.operandStart] = constraint(OperandKind.DefinitionTied);
  data[add.operandStart + 1] = (data[add.operandStart + 1]! & ~15) | OperandKind.UseTied;
  return add;
}

function removeInstructions(
  machine: MachineFunction,
  removed: ReadonlySet<MachineInstruction>,
): void {
  const kept: MachineInstruction[] = [];
  for (const block of machine.blocks) {
    const start = kept.length;
    for (let i = block.start; i < block.end; i++)
      if (!removed.has(machine.instructions[i]!)) kept.push(machine.instructions[i]!);
    block.start = start;
    block.end = kept.length;
  }
  machine.instructions.length = 0;
  for (const instruction of kept) machine.instructions.push(instruction);
}
