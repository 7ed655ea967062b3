/**
 * Checks the structure of a function: one terminator a block, edges with the right arguments,
 * operand and result types, and that every definition dominates its uses. A finding is a mistake of
 * a pass, never of the program: callers assert that there is none.
 */
import { Dominators } from "./dominators.ts";
import type { Block, Instruction, IrFunction, Value } from "./function.ts";
import type { IrModule } from "./module.ts";
import { isComparison, isLoad, isPure, isStore, isTerminator, Opcode, Type } from "./opcode.ts";

interface VerifyOptions {
  /**
   * The function is final: pure values have places, `blockOrder` is filled, no edge is critical.
   */
  readonly scheduled: boolean;
  readonly module?: IrModule;
}

/** Findings, one sentence each; empty for a correct function. */
export function verifyFunction(fn: IrFunction, options: VerifyOptions): string[] {
  return new FunctionVerifier(fn, options).verify();
}

class FunctionVerifier {
  private readonly findings: string[] = [];
  private readonly dominators: Dominators;
  /** Block and position of each placed instruction; -1 if none. */
  private readonly blockOf: Int32Array;
  private readonly positionOf: Int32Array;

  constructor(
    private readonly fn: IrFunction,
    private readonly options: VerifyOptions,
  ) {
    this.dominators = new Dominators(fn);
    this.blockOf = new Int32Array(fn.opcodes.length).fill(-1);
    this.positionOf = new Int32Array(fn.opcodes.length).fill(-1);
  }

  verify(): string[] {
    const { fn } = this;
    const { order } = this.dominators;
    for (const block of order) this.place(block);
    for (const block of order) {
      for (const [position, instruction] of fn.blockInstructions[block]!.entries())
        this.instruction(block, position, instruction);
      this.edges(block);
    }
    if (this.options.scheduled) this.layout();
    return this.findings;
  }

  private report(message: string): void {
    this.findings.push(`${this.fn.name}: ${message}`);
  }

  private place(block: Block): void {
    const list = this.fn.blockInstructions[block]!;
    if (list.length === 0) this.report(`block ${block} is empty`);
    for (const [position, instruction] of list.entries()) {
      if (this.blockOf[instruction] !== -1)
        this.report(`instruction ${instruction} is placed twice`);
      this.blockOf[instruction] = block;
      this.positionOf[instruction] = position;
      const isLast = position === list.length - 1;
      if (isTerminator(this.fn.opcode(instruction)) !== isLast) {
        this.report(
          `block ${block}: ${isLast ? "the last instruction is no terminator" : "a terminator stands in the middle"}`,
        );
      }
    }
  }

  private instruction(block: Block, position: number, instruction: Instruction): void {
    const { fn } = this;
    for (let i = 0; i < fn.operandCount(instruction); i++)
      this.use(fn.operand(instruction, i), block, position, `instruction ${instruction}`);
    for (let i = 0; i < fn.resultCount(instruction); i++) {
      if (fn.definition(fn.result(instruction, i)) !== instruction)
        this.report(`instruction ${instruction} does not define its result ${i}`);
    }
    const expected = this.operandTypes(instruction);
    if (expected === null) return;
    const actual = Array.from({ length: fn.operandCount(instruction) }, (_, i) =>
      fn.valueType(fn.operand(instruction, i)),
    );
    if (actual.join() !== expected.join()) {
      this.report(
        `instruction ${instruction} (${Opcode[fn.opcode(instruction)]}) has operands of types ${actual.map(typeName).join()} instead of ${expected.map(typeName).join()}`,
      );
    }
  }

  /**
   * Types that the operands must have, or null where the module would have to say and is not given.
   */
  private operandTypes(instruction: Instruction): readonly Type[] | null {
    const { fn } = this;
    const { module } = this.options;
    const op = fn.opcode(instruction);
    const type = fn.type(instruction);
    const immediate = fn.immediate(instruction);
    if (isLoad(op)) return [Type.I32];
    if (isStore(op)) return [Type.I32, type];
    if (isComparison(op) || (op >= Opcode.Add && op <= Opcode.Rotr) || op === Opcode.MulHighU)
      return [type, type];
    if (op >= Opcode.DivS && op <= Opcode.RemU) return [type, type];
    switch (op) {
      case Opcode.Const:
      case Opcode.GlobalConst:
      case Opcode.MemorySize:
      case Opcode.GlobalGet:
      case Opcode.TableSize:
      case Opcode.DataDrop:
      case Opcode.ElemDrop:
      case Opcode.Jump:
      case Opcode.Unreachable:
        return [];
      case Opcode.Eqz:
      case Opcode.Clz:
      case Opcode.Ctz:
      case Opcode.Popcnt:
      case Opcode.Extend8S:
      case Opcode.Extend16S:
      case Opcode.Extend32S:
      case Opcode.GlobalSet:
        return [type];
      case Opcode.Wrap:
        return [Type.I64];
      case Opcode.ExtendS:
      case Opcode.ExtendU:
      case Opcode.MessageWord:
      case Opcode.MemoryGrow:
      case Opcode.Branch:
      case Opcode.Switch:
        return [Type.I32];
      case Opcode.Select:
        return [Type.I32, type, type];
      case Opcode.MemoryCopy:
      case Opcode.MemoryFill:
      case Opcode.MemoryInit:
      case Opcode.TableCopy:
      case Opcode.TableInit:
        return [Type.I32, Type.I32, Type.I32];
      case Opcode.Return:
        return fn.resultTypes;
      case Opcode.Call: {
        const callee = module?.functions[immediate];
        return callee === undefined ? null : module!.signatures[callee.signature]!.parameters;
      }
      case Opcode.CallIndirect:
        return module === undefined
          ? null
          : [...module.signatures[immediate]!.parameters, Type.I32];
      default:
        return null;
    }
  }

  private edges(block: Block): void {
    const { fn } = this;
    const edges = fn.blockEdges[block]!;
    const terminator = fn.blockInstructions[block]!.at(-1);
    const op = terminator === undefined ? Opcode.Nop : fn.opcode(terminator);
    const isRight =
      op === Opcode.Jump
        ? edges.length === 1
        : op === Opcode.Branch
          ? edges.length === 2
          : op === Opcode.Switch
            ? edges.length >= 1
            : edges.length === 0;
    if (!isRight) this.report(`block ${block}: ${Opcode[op]} with ${edges.length} edges`);
    for (const { target, args } of edges) {
      const parameters = fn.blockParameters[target];
      if (parameters === undefined) {
        this.report(`block ${block}: an edge leads to block ${target}, which does not exist`);
        continue;
      }
      if (target === 0) this.report(`block ${block}: an edge leads to the entry`);
      const [expected, actual] = [parameters, args].map((values) =>
        values.map((value) => typeName(fn.valueType(value))).join(),
      );
      if (expected !== actual)
        this.report(`block ${block}: edge to block ${target} passes (${actual}) for (${expected})`);
      for (const value of args)
        this.use(value, block, fn.blockInstructions[block]!.length, `edge of block ${block}`);
      if (
        this.options.scheduled &&
        edges.length > 1 &&
        this.dominators.predecessors[target]!.length > 1
      ) {
        this.report(`the edge from block ${block} to block ${target} is critical`);
      }
    }
  }

  private use(value: Value, block: Block, position: number, user: string): void {
    const { fn, dominators } = this;
    const definition = fn.valueDefinitions.data[value];
    if (value < 0 || value >= fn.valueTypes.length || definition === undefined) {
      this.report(`${user} uses v${value}, which does not exist`);
      return;
    }
    if (definition < 0) {
      const home = ~definition as Block;
      if (!fn.blockParameters[home]!.includes(value))
        this.report(`${user} uses v${value}, a removed parameter`);
      else if (!dominators.dominates(home, block))
        this.report(
          `${user} uses v${value}, a parameter of block ${home}, which does not dominate`,
        );
      return;
    }
    const home = this.blockOf[definition]! as Block | -1;
    if (home === -1) {
      if (this.options.scheduled || !isPure(fn.opcode(definition as Instruction)))
        this.report(`${user} uses v${value}, whose definition has no place`);
      else if (!this.isFloatingUseChecked.has(definition))
        this.floating(definition as Instruction, block, position);
      return;
    }
    const isBefore =
      home === block ? this.positionOf[definition]! < position : dominators.dominates(home, block);
    if (!isBefore) this.report(`${user} uses v${value} before its definition`);
  }

  /**
   * A floating value's operands must be there where it is used first; other uses are checked when
   * it is placed.
   */
  private readonly isFloatingUseChecked = new Set<number>();
  private floating(root: Instruction, block: Block, position: number): void {
    const work = [root];
    for (let instruction = work.pop(); instruction !== undefined; instruction = work.pop()) {
      if (this.isFloatingUseChecked.has(instruction)) continue;
      this.isFloatingUseChecked.add(instruction);
      for (let i = 0; i < this.fn.operandCount(instruction); i++) {
        const value = this.fn.operand(instruction, i);
        const definition = this.fn.definition(value);
        const isFloating =
          definition !== -1 &&
          this.blockOf[definition] === -1 &&
          isPure(this.fn.opcode(definition));
        if (isFloating) work.push(definition);
        else this.use(value, block, position, `instruction ${instruction}`);
      }
    }
  }

  private layout(): void {
    const { fn } = this;
    const reachable = new Set(this.dominators.order);
    if (fn.blockOrder[0] !== 0) this.report("the entry is not laid out first");
    if (
      fn.blockOrder.length !== reachable.size ||
      fn.blockOrder.some((block) => !reachable.has(block)) ||
      new Set(fn.blockOrder).size !== reachable.size
    ) {
      this.report("the layout does not hold each reachable block once");
    }
  }
}

const typeName = (type: Type): string => Type[type] ?? String(type);
