/**
 * Gives every pure value its place: at the shallowest loop depth between its operands and its uses,
 * and there as late as possible. This is also loop-invariant motion and the removal of dead pure
 * code: what nothing uses gets no place.
 *
 * Constants are copied into each block that uses them, next to their first use: they are cheaper to
 * make again than to keep. Cheap values that the back end folds into their users (comparisons,
 * address offsets, width changes) are not moved out of loops.
 */
import { Dominators } from "../dominators.ts";
import { type Block, type Instruction, type IrFunction, type Value } from "../function.ts";
import { findLoops } from "../loops.ts";
import { isComparison, isPure, Opcode } from "../opcode.ts";

export function schedule(fn: IrFunction): void {
  const dominators = new Dominators(fn);
  const { depths } = findLoops(fn, dominators);
  const { order } = dominators;
  for (let block = 0; block < fn.blockCount; block++) fn.loopDepths[block] = depths[block]!;
  // Scheduling again starts from the pinned instructions alone.
  for (const block of order)
    fn.blockInstructions[block] = fn.blockInstructions[block]!.filter(
      (instruction) => !isPure(fn.opcode(instruction)),
    );

  const floating = floatingInOrder(fn, order);
  const places = choosePlaces(fn, floating, dominators, depths);
  const byBlock = new Map<Block, Instruction[]>();
  for (const instruction of floating) {
    const block = places[instruction]! as Block | -1;
    if (block === -1) continue;
    const list = byBlock.get(block);
    if (list === undefined) byBlock.set(block, [instruction]);
    else list.push(instruction);
  }
  for (const block of order) new BlockFiller(fn, block, places, byBlock.get(block) ?? []).fill();
}

/** The pure instructions that are needed, operands before users. Constants apart. */
function floatingInOrder(fn: IrFunction, order: readonly Block[]): Instruction[] {
  const result: Instruction[] = [];
  const state = new Uint8Array(fn.opcodes.length);
  const stack: { instruction: Instruction; next: number }[] = [];
  const enter = (value: Value): void => {
    const definition = fn.definition(value);
    if (definition === -1 || state[definition] || !isFloating(fn, definition)) return;
    state[definition] = 1;
    stack.push({ instruction: definition, next: 0 });
    while (stack.length > 0) {
      const top = stack[stack.length - 1]!;
      if (top.next === fn.operandCount(top.instruction)) {
        result.push(top.instruction);
        stack.pop();
        continue;
      }
      const operand = fn.definition(fn.operand(top.instruction, top.next++));
      if (operand === -1 || state[operand] || !isFloating(fn, operand)) continue;
      state[operand] = 1;
      stack.push({ instruction: operand, next: 0 });
    }
  };
  for (const block of order) {
    for (const instruction of fn.blockInstructions[block]!) {
      for (let i = 0; i < fn.operandCount(instruction); i++) enter(fn.operand(instruction, i));
    }
    for (const { args } of fn.blockEdges[block]!) args.forEach(enter);
  }
  return result;
}

function isFloating(fn: IrFunction, instruction: Instruction): boolean {
  return isPure(fn.opcode(instruction)) && fn.opcode(instruction) !== Opcode.Const;
}

/** Block by instruction; -1 for what stands in no block. Pinned instructions have theirs. */
function choosePlaces(
  fn: IrFunction,
  floating: readonly Instruction[],
  dominators: Dominators,
  depths: Int32Array,
): Int32Array {
  const { order } = dominators;
  const places = new Int32Array(fn.opcodes.length).fill(-1);
  for (const block of order)
    for (const instruction of fn.blockInstructions[block]!) places[instruction] = block;

  // Earliest: the lowest block in the tree that defines an operand.
  const early = new Int32Array(fn.opcodes.length);
  const definingBlock = (value: Value): Block => {
    const definition = fn.valueDefinitions.data[value]!;
    if (definition < 0) return ~definition as Block;
    if (fn.opcode(definition as Instruction) === Opcode.Const) return 0 as Block;
    return (
      isFloating(fn, definition as Instruction) ? early[definition]! : places[definition]!
    ) as Block;
  };
  for (const instruction of floating) {
    let lowest = 0 as Block;
    for (let i = 0; i < fn.operandCount(instruction); i++) {
      const block = definingBlock(fn.operand(instruction, i));
      if (dominators.depth[block]! > dominators.depth[lowest]!) lowest = block;
    }
    early[instruction] = lowest;
  }

  // Latest: the lowest block that dominates all uses. Users stand behind their operands in
  // `floating`, so they are placed first.
  const late = new Int32Array(fn.opcodes.length).fill(-1);
  const use = (value: Value, block: Block): void => {
    const definition = fn.definition(value);
    if (definition === -1) return;
    late[definition] =
      late[definition] === -1 ? block : dominators.common(late[definition]! as Block, block);
  };
  for (const block of order) {
    for (const instruction of fn.blockInstructions[block]!) {
      for (let i = 0; i < fn.operandCount(instruction); i++) use(fn.operand(instruction, i), block);
    }
    for (const { args } of fn.blockEdges[block]!) for (const value of args) use(value, block);
  }
  for (let index = floating.length - 1; index >= 0; index--) {
    const instruction = floating[index]!;
    let best = late[instruction]! as Block;
    if (isWorthHoisting(fn, instruction)) {
      for (let block = best; block !== early[instruction]; ) {
        block = dominators.parent[block]! as Block;
        if (depths[block]! < depths[best]!) best = block;
      }
    }
    places[instruction] = best;
    for (let i = 0; i < fn.operandCount(instruction); i++) use(fn.operand(instruction, i), best);
  }
  return places;
}

function isWorthHoisting(fn: IrFunction, instruction: Instruction): boolean {
  const op = fn.opcode(instruction);
  if (isComparison(op) || op === Opcode.Eqz || op === Opcode.ExtendU || op === Opcode.Wrap)
    return false;
  if (op !== Opcode.Add && op !== Opcode.Sub) return true;
  for (let i = 0; i < 2; i++) {
    const definition = fn.definition(fn.operand(instruction, i));
    if (definition !== -1 && fn.opcode(definition) === Opcode.Const) return false;
  }
  return true;
}

/**
 * Orders one block: each pure value before its first use, those that only later blocks use at the
 * end, the branch's condition last.
 */
class BlockFiller {
  private readonly list: Instruction[] = [];
  private readonly isPlaced = new Set<Instruction>();
  /** This block's copies of constants. */
  private readonly constants = new Map<Instruction, Value>();

  constructor(
    private readonly fn: IrFunction,
    private readonly block: Block,
    private readonly places: Int32Array,
    private readonly floating: readonly Instruction[],
  ) {}

  fill(): void {
    const { fn, block } = this;
    const pinned = fn.blockInstructions[block]!;
    const terminator = pinned.at(-1)!;
    for (const instruction of pinned) {
      if (instruction !== terminator) this.place(instruction);
    }
    for (const instruction of this.floating) {
      if (!this.feedsOnly(instruction, terminator)) this.place(instruction);
    }
    for (const { args } of fn.blockEdges[block]!) {
      for (let i = 0; i < args.length; i++) args[i] = this.constantHere(args[i]!);
    }
    this.place(terminator);
    fn.blockInstructions[block] = this.list;
  }

  /**
   * The terminator's own operands wait until last, so that a comparison stands before its branch.
   */
  private feedsOnly(instruction: Instruction, terminator: Instruction): boolean {
    const { fn } = this;
    for (let i = 0; i < fn.operandCount(terminator); i++) {
      if (fn.definition(fn.operand(terminator, i)) === instruction) return true;
    }
    return false;
  }

  private place(root: Instruction): void {
    const { fn } = this;
    if (this.isPlaced.has(root)) return;
    const stack: { instruction: Instruction; next: number }[] = [{ instruction: root, next: 0 }];
    this.isPlaced.add(root);
    while (stack.length > 0) {
      const top = stack[stack.length - 1]!;
      const { instruction } = top;
      if (top.next === fn.operandCount(instruction)) {
        // Constants last, so that they stand next to the instruction.
        for (let i = 0; i < top.next; i++)
          fn.setOperand(instruction, i, this.constantHere(fn.operand(instruction, i)));
        this.list.push(instruction);
        stack.pop();
        continue;
      }
      const operand = fn.definition(fn.operand(instruction, top.next++));
      if (
        operand === -1 ||
        !isFloating(fn, operand) ||
        this.places[operand] !== this.block ||
        this.isPlaced.has(operand)
      )
        continue;
      this.isPlaced.add(operand);
      stack.push({ instruction: operand, next: 0 });
    }
  }

  private constantHere(value: Value): Value {
    const { fn } = this;
    const definition = fn.definition(value);
    if (definition === -1 || fn.opcode(definition) !== Opcode.Const) return value;
    let copy = this.constants.get(definition);
    if (copy === undefined) {
      const type = fn.type(definition);
      const instruction = fn.newInstruction(
        Opcode.Const,
        type,
        [],
        [type],
        fn.immediate(definition),
      );
      copy = fn.result(instruction);
      this.constants.set(definition, copy);
      this.list.push(instruction);
    }
    return copy;
  }
}
