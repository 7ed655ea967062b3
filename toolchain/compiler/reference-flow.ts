import { reversePostorder } from "../ir/control-flow.ts";
import type { Block, Instruction, IrFunction, Value } from "../ir/function.ts";
import type { IrModule } from "../ir/module.ts";
import { isPure, Opcode } from "../ir/opcode.ts";
import { Reference } from "./reference-types.ts";

// What is known of a value, as bits.

/** Certainly not a reference. */
export const NUMBER = 0;
/** A reference, and its type says so. */
export const TYPED = 1;
/** A reference that is passed as a number. */
export const LOOSE = 2;
/** The object that it leads to may refer to other objects. */
export const HOLDER = 4;
/** Read as a number from an object that may refer to others: perhaps a reference. */
export const READ = 8;
/** The collector would have to know of the value. */
export const ANY = TYPED | LOOSE | READ;

/** The bits of a value that a function takes or returns as a number. */
export function passedOn(bits: number): number {
  return ((bits & (TYPED | LOOSE)) !== 0 ? LOOSE : NUMBER) | (bits & (READ | HOLDER));
}

export function bitsOf(reference: Reference | undefined): number {
  if (reference === undefined || reference === Reference.None) return NUMBER;
  return reference === Reference.Holder ? TYPED | HOLDER : TYPED;
}

const ARITHMETIC: ReadonlySet<Opcode> = new Set([
  Opcode.Add,
  Opcode.Sub,
  Opcode.Mul,
  Opcode.And,
  Opcode.Or,
  Opcode.Xor,
  Opcode.Shl,
  Opcode.ShrS,
  Opcode.ShrU,
  Opcode.Rotl,
  Opcode.Rotr,
  Opcode.Wrap,
  Opcode.ExtendU,
  Opcode.ExtendS,
]);
/** The header that asc lays before a static object; its last word is the object's length. */
const STATIC_HEADER_BYTES = 20;
const BLOCK_BYTES = 4;
/** Below it lies no static data. */
const MEMORY_BASE = 65_536;

/** For each value of one function, whether it is a reference, and at which calls it is live. */
export class ReferenceFlow {
  readonly order: Block[];
  private readonly known = new Map<Value, number>();
  /** The bits of each expression, computed once from the current `known`. */
  private readonly expressions = new Map<Value, number>();

  constructor(
    private readonly module: IrModule,
    private readonly fn: IrFunction,
    resultBits: (instruction: Instruction, flow: ReferenceFlow) => number,
    parameters: readonly number[],
  ) {
    this.order = reversePostorder(fn);
    for (const [index, value] of fn.blockParameters[0]!.entries())
      this.known.set(value, parameters[index] ?? NUMBER);
    for (const block of this.order) {
      for (const instruction of fn.blockInstructions[block]!) {
        if (hasEffectAndResult(fn, instruction)) this.known.set(fn.result(instruction), NUMBER);
      }
    }
    for (let changed = true; changed; ) {
      changed = false;
      this.expressions.clear();
      for (const block of this.order) {
        for (const instruction of fn.blockInstructions[block]!) {
          if (!hasEffectAndResult(fn, instruction)) continue;
          const before = this.known.get(fn.result(instruction)) ?? NUMBER;
          const after = before | resultBits(instruction, this);
          if (after === before) continue;
          this.known.set(fn.result(instruction), after);
          changed = true;
        }
        for (const { target, args } of fn.blockEdges[block]!) {
          for (const [index, argument] of args.entries()) {
            const parameter = fn.blockParameters[target]![index]!;
            const before = this.known.get(parameter) ?? NUMBER;
            const after = before | this.bits(argument);
            if (after === before) continue;
            this.known.set(parameter, after);
            changed = true;
          }
        }
      }
    }
  }

  bits(value: Value): number {
    const waiting = [value];
    const isKnown = (of: Value): boolean => this.isLeaf(of) || this.expressions.has(of);
    for (let at = waiting.at(-1); at !== undefined; at = waiting.at(-1)) {
      const unknown = isKnown(at) ? [] : this.operands(at).filter((operand) => !isKnown(operand));
      waiting.push(...unknown);
      if (unknown.length > 0) continue;
      waiting.pop();
      if (!isKnown(at)) this.expressions.set(at, this.expressionBits(at));
    }
    return this.bitsNow(value);
  }

  /** The bits of a leaf, or of an expression whose bits have been computed. */
  private bitsNow(value: Value): number {
    return (this.isLeaf(value) ? this.known.get(value) : this.expressions.get(value)) ?? NUMBER;
  }

  /** The bits of all operands must have been computed. */
  private expressionBits(value: Value): number {
    const definition = this.fn.definition(value) as Instruction;
    const bits = this.operands(value).reduce((all, operand) => all | this.bitsNow(operand), NUMBER);
    if (this.fn.opcode(definition) === Opcode.Select) return bits;
    // An address inside an object is a reference to the object, too.
    const isOwn = (bits & TYPED) !== 0 && !this.isLibrary(definition);
    if ((bits & LOOSE) !== 0 || isOwn) return LOOSE | (bits & HOLDER);
    return (bits & READ) !== 0 ? READ | (bits & HOLDER) : NUMBER;
  }

  /** The operands of an expression that decide its bits. */
  private operands(value: Value): readonly Value[] {
    const { fn } = this;
    const definition = fn.definition(value) as Instruction;
    const op = fn.opcode(definition);
    if (op === Opcode.Select) return [fn.operand(definition, 1), fn.operand(definition, 2)];
    return ARITHMETIC.has(op)
      ? Array.from({ length: fn.operandCount(definition) }, (_, index) =>
          fn.operand(definition, index),
        )
      : [];
  }

  /** True for parameters and for results of instructions with an effect: not an expression. */
  private isLeaf(value: Value): boolean {
    const definition = this.fn.definition(value);
    return definition === -1 || !isPure(this.fn.opcode(definition));
  }

  /** True if the instruction was written in the library, even if it was inlined elsewhere. */
  isLibrary(instruction: Instruction): boolean {
    if (this.fn.name.startsWith("~lib/")) return true;
    // A call without all its arguments has, from asc, the line of the function called.
    const isCall = this.fn.opcode(instruction) === Opcode.Call;
    if (isCall && this.module.functions[this.fn.immediate(instruction)]!.name.endsWith("@varargs"))
      return false;
    return this.module.sourceOf(this.fn.origin(instruction))?.file.startsWith("~lib/") ?? false;
  }

  /** True if `value` is, on at least one path, neither a reference nor a constant. */
  isMadeFromNumber(value: Value, seen = new Set<Value>()): boolean {
    const { fn } = this;
    if (seen.has(value) || (this.bits(value) & (TYPED | LOOSE)) !== 0) return false;
    seen.add(value);
    const definition = fn.definition(value);
    if (definition >= 0) {
      const op = fn.opcode(definition as Instruction);
      if (op === Opcode.GlobalConst) return false;
      if (op === Opcode.Const)
        return !this.isStaticObject(Number(fn.constantBits(definition as Instruction)));
      if (op === Opcode.Select)
        return [1, 2].some((index) =>
          this.isMadeFromNumber(fn.operand(definition as Instruction, index), seen),
        );
      return !this.isLibrary(definition as Instruction);
    }
    const block = ~fn.valueDefinitions.data[value]!;
    if (block === 0) return true;
    const index = fn.blockParameters[block]!.indexOf(value);
    return this.order.some((from) =>
      fn.blockEdges[from]!.some(
        ({ target, args }) => target === block && this.isMadeFromNumber(args[index]!, seen),
      ),
    );
  }

  /** Null, a function value, or an object that asc has laid out with its header. */
  private isStaticObject(address: number): boolean {
    if (address < MEMORY_BASE) return true;
    const segment = this.module.dataSegments.find(
      (one) => one.address === address - STATIC_HEADER_BYTES,
    );
    if (segment === undefined || segment.bytes.length < STATIC_HEADER_BYTES) return false;
    const view = new DataView(segment.bytes.buffer, segment.bytes.byteOffset, segment.bytes.length);
    return view.getUint32(0, true) + BLOCK_BYTES === segment.bytes.length;
  }

  /** Adds to `found` the leaves of an expression. Expressions in `seen` were visited before. */
  leaves(value: Value, found = new Set<Value>(), seen = new Set<Value>()): Set<Value> {
    const { fn } = this;
    const waiting = [value];
    for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
      if (this.isLeaf(at)) {
        found.add(at);
        continue;
      }
      if (seen.has(at)) continue;
      seen.add(at);
      const definition = fn.definition(at) as Instruction;
      for (let index = 0; index < fn.operandCount(definition); index++)
        waiting.push(fn.operand(definition, index));
    }
    return found;
  }

  /** For each call, the values that were defined before the call and are used after it. */
  liveAcrossCalls(): { readonly instruction: Instruction; readonly live: readonly Value[] }[] {
    const { fn } = this;
    const liveIn = new Map<Block, Set<Value>>();
    const walk = (
      block: Block,
      at?: (instruction: Instruction, live: ReadonlySet<Value>) => void,
    ): Set<Value> => {
      const live = new Set<Value>();
      // The leaves of an expression are defined before each of its uses, so that they are live at
      // its earlier uses too: one visit is enough.
      const seen = new Set<Value>();
      for (const { target, args } of fn.blockEdges[block]!) {
        for (const value of liveIn.get(target) ?? [])
          if (!fn.blockParameters[target]!.includes(value)) live.add(value);
        for (const argument of args) this.leaves(argument, live, seen);
      }
      for (const instruction of fn.blockInstructions[block]!.toReversed()) {
        for (let index = 0; index < fn.resultCount(instruction); index++)
          live.delete(fn.result(instruction, index));
        at?.(instruction, live);
        for (let index = 0; index < fn.operandCount(instruction); index++)
          this.leaves(fn.operand(instruction, index), live, seen);
      }
      return live;
    };
    for (let changed = true; changed; ) {
      changed = false;
      for (const block of this.order.toReversed()) {
        const live = walk(block);
        if (live.size === (liveIn.get(block)?.size ?? 0)) continue;
        liveIn.set(block, live);
        changed = true;
      }
    }
    const calls: { instruction: Instruction; live: Value[] }[] = [];
    for (const block of this.order) {
      walk(block, (instruction, live) => {
        const op = fn.opcode(instruction);
        if (op === Opcode.Call || op === Opcode.CallIndirect)
          calls.push({ instruction, live: [...live] });
      });
    }
    return calls;
  }
}

function hasEffectAndResult(fn: IrFunction, instruction: Instruction): boolean {
  return fn.resultCount(instruction) === 1 && !isPure(fn.opcode(instruction));
}
