import { coldBlocks } from "../../ir/cold-blocks.ts";
import { postorder } from "../../ir/control-flow.ts";
import type { Block, IrFunction, Value } from "../../ir/function.ts";
import { findUseOfMessageWords } from "../../ir/message-words.ts";
import type { IrModule } from "../../ir/module.ts";
import { InstructionBuilder } from "../machine/instruction-builder.ts";
import {
  type MachineBlock,
  type MachineEdge,
  MachineFunction,
  MachineInstruction,
  NO_REGISTER,
  type VirtualRegister,
} from "../machine/machine-function.ts";
import { MachineOp } from "../machine/machine-op.ts";
import { ARGUMENT_REGISTERS, MESSAGE_WORD_REGISTERS } from "../machine/register.ts";
import { FunctionSelector, type SelectedBlock } from "./function-selector.ts";
import { widthOf } from "../machine/type-width.ts";

/**
 * Assumed runs of a loop's body for each run of the code around it, and the deepest nesting that
 * still counts. Guesses: nothing is profiled.
 */
const LOOP_FACTOR = 8;
const LOOP_DEPTH_MAX = 6;
/** Assumed frequency of blocks from which every path traps. */
const COLD_FREQUENCY = 0.01;

/**
 * Selects all blocks and strings them together: blocks in the order of the code, with a block of
 * their own for the moves of each edge that leaves a block with several successors and carries
 * values or enters one with several predecessors.
 */
export function buildMachineFunction(
  fn: IrFunction,
  module: IrModule,
  isEntryPoint = false,
): MachineFunction {
  const machine = new MachineFunction(fn.name);
  const blocks = postorder(fn, "first successor");
  const selector = new FunctionSelector(fn, module, machine, blocks);
  const ofWords = findUseOfMessageWords(fn);
  if (ofWords !== undefined) {
    if (!isEntryPoint)
      selector.refuse(
        ofWords,
        "a message's words are in registers in an entry point of the kernel, and in functions inlined into it",
      );
    machine.messageWords = MESSAGE_WORD_REGISTERS.map(() => NO_REGISTER);
  }
  const selected = new Map<Block, SelectedBlock>();
  // A definition dominates its uses, so in this order all users come before it, whatever the order
  // of the code.
  for (const block of blocks) selected.set(block, selector.selectBlock(block));

  const reachable = new Set(blocks);
  const layout =
    fn.blockOrder.length > 0
      ? fn.blockOrder.filter((block) => reachable.has(block))
      : [...blocks].reverse();
  if (layout[0] !== 0) throw new Error(`function ${fn.name}: the entry is not the first block`);
  if (layout.length !== blocks.length)
    throw new Error(`function ${fn.name}: the block order leaves out reachable blocks`);
  return new Assembly(fn, machine, selector, [...blocks].reverse(), layout, selected).assemble();
}

class Assembly {
  private readonly predecessorCounts = new Map<Block, number>();
  private readonly machineBlockOf = new Map<Block, number>();

  constructor(
    private readonly fn: IrFunction,
    private readonly machine: MachineFunction,
    private readonly selector: FunctionSelector,
    private readonly order: readonly Block[],
    private readonly layout: readonly Block[],
    private readonly selected: ReadonlyMap<Block, SelectedBlock>,
  ) {}

  assemble(): MachineFunction {
    const { fn, machine } = this;
    for (const block of this.layout) {
      for (const { target } of fn.blockEdges[block]!)
        this.predecessorCounts.set(target, (this.predecessorCounts.get(target) ?? 0) + 1);
    }
    const isCold = coldBlocks(fn, this.order);
    const frequency = (block: Block): number =>
      LOOP_FACTOR ** Math.min(fn.loopDepths[block]!, LOOP_DEPTH_MAX) *
      (isCold[block] ? COLD_FREQUENCY : 1);

    const entryHasPredecessors = (this.predecessorCounts.get(0 as Block) ?? 0) > 0;
    if (entryHasPredecessors) this.addSeparateEntry();
    const pendingTargets: { edge: MachineEdge; target: Block }[] = [];

    for (const block of this.layout) {
      const isEntry = block === 0 && !entryHasPredecessors;
      const parameters = isEntry
        ? []
        : fn.blockParameters[block]!.map((value) => value as number as VirtualRegister);
      const machineBlock = this.startBlock(parameters, frequency(block));
      this.machineBlockOf.set(block, machineBlock);
      if (isEntry)
        this.defineParameters(
          fn.blockParameters[0]!.map((value) => value as number as VirtualRegister),
          true,
        );
      const { code, edgeArguments } = this.selected.get(block)!;
      for (const instruction of code) machine.instructions.push(instruction);
      this.endBlock(machineBlock);

      const edges = fn.blockEdges[block]!;
      edges.forEach(({ target }, k) => {
        const values = edgeArguments[k]!;
        // An edge that carries values gets a block even if its target has no other predecessor.
        // Otherwise a rematerialized argument would be made behind the target's label, as if it
        // were the parameter.
        const needsBlock =
          edges.length > 1 && (this.predecessorCounts.get(target)! > 1 || values.length > 0);
        const edge: MachineEdge = { target: -1, arguments: needsBlock ? [] : values };
        machine.blocks[machineBlock]!.edges.push(edge);
        if (!needsBlock) {
          pendingTargets.push({ edge, target });
          return;
        }
        edge.target = this.startBlock([], Math.min(frequency(block), frequency(target)));
        machine.instructions.push(new MachineInstruction(MachineOp.Jump, 8, -1, "edge"));
        this.endBlock(edge.target);
        const onward: MachineEdge = { target: -1, arguments: values };
        machine.blocks[edge.target]!.edges.push(onward);
        pendingTargets.push({ edge: onward, target });
      });
    }
    for (const { edge, target } of pendingTargets) edge.target = this.machineBlockOf.get(target)!;
    machine.blocks.forEach((block, index) => {
      for (const edge of block.edges) machine.blocks[edge.target]!.predecessors.push(index);
    });
    return machine;
  }

  private startBlock(parameters: readonly VirtualRegister[], frequency: number): number {
    const { instructions, blocks } = this.machine;
    const block: MachineBlock = {
      parameters,
      start: instructions.length,
      end: -1,
      edges: [],
      predecessors: [],
      frequency,
    };
    instructions.push(new MachineInstruction(MachineOp.Label, 8, -1, ""));
    return blocks.push(block) - 1;
  }

  private endBlock(index: number): void {
    this.machine.blocks[index]!.end = this.machine.instructions.length;
  }

  /**
   * The IR's entry is the target of a jump: its parameters then get values from several sides, and
   * the function's come from a block before it.
   */
  private addSeparateEntry(): void {
    const { fn, machine } = this;
    const block = this.startBlock([], 1);
    const copies = fn.blockParameters[0]!.map((value) => machine.newRegister(fn.valueType(value)));
    this.defineParameters(copies, false);
    machine.instructions.push(new MachineInstruction(MachineOp.Jump, 8, -1, "entry"));
    this.endBlock(block);
    machine.blocks[block]!.edges.push({ target: 1, arguments: copies });
    this.predecessorCounts.set(0 as Block, this.predecessorCounts.get(0 as Block)! + 1);
  }

  /**
   * Takes the parameters from their registers and from the stack; with `onlyUsed`, those that
   * something reads.
   */
  private defineParameters(parameters: readonly VirtualRegister[], onlyUsed: boolean): void {
    const { machine, selector } = this;
    machine.parameters = parameters.slice(0, this.fn.parameterTypes.length);
    const isWanted = (register: VirtualRegister): boolean =>
      !onlyUsed || selector.isDemanded(register as number as Value);
    const builder = new InstructionBuilder(
      machine,
      new MachineInstruction(MachineOp.Parameters, 8, -1, "parameters"),
    );
    parameters.slice(0, ARGUMENT_REGISTERS.length).forEach((register, i) => {
      if (isWanted(register)) builder.defineFixed(register, ARGUMENT_REGISTERS[i]!);
    });
    machine.messageWords?.forEach((register, i) => {
      if (register !== NO_REGISTER) builder.defineFixed(register, MESSAGE_WORD_REGISTERS[i]!);
    });
    machine.instructions.push(builder.instruction);
    parameters.slice(ARGUMENT_REGISTERS.length).forEach((register, i) => {
      if (!isWanted(register)) return;
      const load = new MachineInstruction(
        MachineOp.LoadArgument,
        widthOf(machine.type(register)),
        -1,
        "stack parameter",
      );
      new InstructionBuilder(machine, load).define(register).immediate(i);
      machine.instructions.push(load);
    });
  }
}
