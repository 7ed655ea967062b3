import {
  type Allocation,
  type InsertedMove,
  isSlot,
  type Location,
  slotOf,
} from "./allocate/allocation.ts";
import { Condition } from "./machine/condition.ts";
import {
  constraintKind,
  constraintRegister,
  type MachineFunction,
  type MachineInstruction,
  OperandKind,
  Source,
} from "./machine/machine-function.ts";
import { MachineOp } from "./machine/machine-op.ts";
import { Register } from "./machine/register.ts";

/**
 * Text of a machine function for people: before allocation, or after it with every operand's place
 * and the moves inserted.
 */
export function printMachineFunction(
  machine: MachineFunction,
  allocation: Allocation | null = null,
): string {
  const lines: string[] = [`${machine.name}:`];
  machine.blocks.forEach((block, index) => {
    const parameters = block.parameters.map((parameter) => `v${parameter}`).join(", ");
    lines.push(
      `block ${index}(${parameters})  from ${block.predecessors.join(", ")}  frequency ${block.frequency}`,
    );
    for (let i = block.start; i < block.end; i++) {
      for (const move of allocation?.before.get(i) ?? []) lines.push(`        ${printMove(move)}`);
      if (allocation?.removed[i] !== 1)
        lines.push(
          `  ${String(i).padStart(4)}  ${printInstruction(machine, machine.instructions[i]!, allocation)}`,
        );
      for (const move of allocation?.behind.get(i) ?? []) lines.push(`        ${printMove(move)}`);
    }
    for (const edge of block.edges)
      lines.push(
        `        → block ${edge.target}(${edge.arguments.map((argument) => `v${argument}`).join(", ")})`,
      );
  });
  return `${lines.join("\n")}\n`;
}

const placeName = (location: Location): string =>
  location < 0 ? "nowhere" : isSlot(location) ? `slot${slotOf(location)}` : Register[location]!;

function printMove(move: InsertedMove): string {
  switch (move.kind) {
    case "move":
      return `${placeName(move.to)} ← ${placeName(move.from)} (${move.width})`;
    case "exchange":
      return `${placeName(move.to)} ↔ ${placeName(move.from)}`;
    case "make":
      return `${placeName(move.to)} ← v${move.register} made again`;
  }
}

function printInstruction(
  machine: MachineFunction,
  instruction: MachineInstruction,
  allocation: Allocation | null,
): string {
  const operands: string[] = [];
  for (let k = 0; k < instruction.operandCount; k++) {
    const bits = machine.operandConstraint(instruction, k);
    const kind = constraintKind(bits);
    const isFixed =
      kind === OperandKind.UseFixed ||
      kind === OperandKind.DefinitionFixed ||
      kind === OperandKind.DefinitionFixedEarly;
    const place =
      allocation === null
        ? isFixed
          ? `@${Register[constraintRegister(bits)]}`
          : ""
        : `@${placeName(allocation.locations[instruction.operandStart + k]!)}`;
    operands.push(`${OperandKind[kind]} v${machine.operandRegister(instruction, k)}${place}`);
  }
  const { memory } = instruction;
  if (instruction.source === Source.Immediate || instruction.op === MachineOp.MoveImmediate)
    operands.push(`#${instruction.immediate}`);
  if (memory !== null) {
    operands.push(
      `[${memory.symbol ?? ""} base ${memory.base} index ${memory.index}*${memory.scale} + ${memory.displacement}${memory.address32 ? " a32" : ""}]`,
    );
  }
  const condition =
    instruction.op === MachineOp.Branch ||
    instruction.op === MachineOp.SetCondition ||
    instruction.op === MachineOp.ConditionalMove ||
    instruction.op === MachineOp.TrapIf
      ? `.${Condition[instruction.condition]}`
      : "";
  return `${MachineOp[instruction.op]}${condition}.${instruction.width} ${operands.join(", ")}`.trimEnd();
}
