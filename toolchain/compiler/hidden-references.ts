/**
 * Refuses programs that could hide a reference from the collector: it looks at variables of
 * modules, and from there into objects with a header, and nowhere else. So no reference may
 *
 *   - live in a local variable across a collection,
 *   - be written as a number: into memory, into a variable of another type, into another object,
 *   - be made from a number that the collector cannot know for one.
 *
 * asc's types say what is a reference; the module's code, still as asc wrote it, says where it
 * goes. The library is believed as far as its own references go, since asc's visitors are written
 * for it, and not for numbers that a program hands to it.
 */
import { CallGraph, functionsNamed } from "../ir/call-graph.ts";
import { reversePostorder } from "../ir/control-flow.ts";
import type { Block, Instruction, IrFunction, Value } from "../ir/function.ts";
import type { IrModule } from "../ir/module.ts";
import { isLoad, isPure, isStore, Opcode } from "../ir/opcode.ts";
import type { Diagnostic } from "../report/diagnostic.ts";
import { Reference, type ReferenceTypes } from "./reference-types.ts";

export const COLLECTOR = "services/runtime/collector";

// What is known of a value, as bits.
const NUMBER = 0;
/** A reference by its type. */
const TYPED = 1;
/** A reference that goes by as a number. */
const LOOSE = 2;
/** To an object that may refer to others. */
const HOLDER = 4;
/** Read as a number from an object that may refer to others: a reference, or not. */
const READ = 8;
const ANY = TYPED | LOOSE | READ;

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
/** Fields of the library's objects that lead to their elements. */
const ELEMENTS = /^~lib\/.*#get:(dataStart|buffer)$/;
/** Of these, those whose elements are references. */
const REFERENCES = /^~lib\/array\/Array<(?!([iu](8|16|32|64|size)|bool|f32|f64)>#)/;
/**
 * Before a static object's first byte, as asc lays it out; the last word is the object's length.
 */
const STATIC_HEADER_BYTES = 20;
/** Functions of the library and the collector that return a reference as a number. */
const MAKERS: ReadonlySet<string> = new Set([
  `${COLLECTOR}/newObject`,
  `${COLLECTOR}/resizeObject`,
  "~lib/rt/__newBuffer",
  "~lib/rt/__newArray",
]);
const BLOCK_BYTES = 4;
/** Below it lies no static data. */
const MEMORY_BASE = 65_536;
const DIAGNOSTICS_MAX = 30;

const HELP_HIDDEN =
  "the collector would free the object: keep it in a variable of the module, in a field or an array of its own type";

export function findHiddenReferences(module: IrModule, types: ReferenceTypes): Diagnostic[] {
  return new Search(module, types).run();
}

class Search {
  private readonly graph: CallGraph;
  private readonly diagnostics = new Map<string, Diagnostic>();
  /** Bits of parameters that callers pass references for as numbers, and where they do. */
  private readonly looseParameters = new Map<
    number,
    { readonly bits: number[]; readonly origins: Set<number>[] }
  >();
  private readonly looseResults = new Map<number, number>();
  private readonly functions: readonly IrFunction[];
  private changed = true;
  private reporting = false;

  constructor(
    private readonly module: IrModule,
    private readonly types: ReferenceTypes,
  ) {
    this.graph = new CallGraph(module);
    this.functions = module.functions.flatMap((entry) =>
      entry.kind === "defined" && !isCollector(entry.name) ? [entry.body] : [],
    );
  }

  run(): Diagnostic[] {
    const { functions } = this;
    while (this.changed) {
      this.changed = false;
      for (const fn of functions) this.follow(fn);
    }
    this.reporting = true;
    for (const fn of functions) this.follow(fn);
    const collecting = this.graph.reaching(functionsNamed(this.module, `${COLLECTOR}/collect`));
    for (const fn of functions)
      if (collecting.has(fn.functionIndex)) this.checkLiveness(fn, collecting);
    const inOrder = [...this.diagnostics.values()].sort(
      (a, b) =>
        (a.file ?? "").localeCompare(b.file ?? "") ||
        (a.line ?? 0) - (b.line ?? 0) ||
        (a.column ?? 0) - (b.column ?? 0),
    );
    return inOrder.slice(0, DIAGNOSTICS_MAX);
  }

  private follow(fn: IrFunction): void {
    const flow = new Flow(
      this.module,
      fn,
      (instruction, of) => this.resultBits(fn, instruction, of),
      this.parameterBits(fn),
    );
    for (const block of flow.order)
      for (const instruction of fn.blockInstructions[block]!) this.check(fn, flow, instruction);
  }

  /** The type says it; a caller may add to it. */
  private parameterBits(fn: IrFunction): number[] {
    const typed = this.typesOf(fn.functionIndex).parameters;
    const loose = this.looseParameters.get(fn.functionIndex)?.bits ?? [];
    return fn.parameterTypes.map((_, index) => bitsOf(typed[index]) | (loose[index] ?? NUMBER));
  }

  private typesOf(index: number): {
    readonly parameters: readonly Reference[];
    readonly result: Reference;
  } {
    const { name } = this.module.functions[index]!;
    return (
      this.types.functions.get(name.replace(/@(override|varargs)$/, "").replace(/~\d+$/, "")) ??
      this.types.functions.get(name) ?? { parameters: [], result: Reference.None }
    );
  }

  private resultBits(fn: IrFunction, instruction: Instruction, flow: Flow): number {
    if (isLoad(fn.opcode(instruction))) return this.readBits(fn, instruction, flow);
    if (fn.opcode(instruction) === Opcode.GlobalGet)
      return bitsOf(this.types.globals.get(this.module.globals[fn.immediate(instruction)]!.name));
    let bits = NUMBER;
    for (const callee of this.graph.calledBy(fn.functionIndex, instruction)) {
      bits |= bitsOf(this.typesOf(callee).result) | (this.looseResults.get(callee) ?? NUMBER);
      const { name } = this.module.functions[callee]!;
      if (MAKERS.has(name)) bits |= TYPED | HOLDER;
      const isElements = ELEMENTS.test(name) && !flow.isLibrary(instruction);
      if (isElements) bits |= READ | (REFERENCES.test(name) ? HOLDER : NUMBER);
    }
    return bits;
  }

  /** What the program reads as bytes from an object may be a reference; fields have functions. */
  private readBits(fn: IrFunction, instruction: Instruction, flow: Flow): number {
    if (flow.isLibrary(instruction) || this.types.fieldAccessors.has(fn.name)) return NUMBER;
    return (flow.bits(fn.operand(instruction, 0)) & HOLDER) !== 0 ? READ | HOLDER : NUMBER;
  }

  private check(fn: IrFunction, flow: Flow, instruction: Instruction): void {
    const op = fn.opcode(instruction);
    const operand = (index: number): number => flow.bits(fn.operand(instruction, index));
    if (isStore(op)) {
      // The library stores its own references where its visitors find them.
      const isSeen = flow.isLibrary(instruction) || this.types.fieldAccessors.has(fn.name);
      if ((operand(1) & (isSeen ? LOOSE | READ : ANY)) !== 0)
        this.refuse(
          fn,
          flow,
          instruction,
          fn.operand(instruction, 1),
          "a reference is stored as a number",
          HELP_HIDDEN,
        );
      return;
    }
    switch (op) {
      case Opcode.Call:
      case Opcode.CallIndirect:
        for (const callee of this.graph.calledBy(fn.functionIndex, instruction))
          this.checkArguments(fn, flow, instruction, callee);
        return;
      case Opcode.GlobalSet: {
        const isReference =
          bitsOf(this.types.globals.get(this.module.globals[fn.immediate(instruction)]!.name)) !==
          NUMBER;
        if (isReference) this.checkMade(fn, flow, instruction, fn.operand(instruction, 0));
        else if ((operand(0) & this.sinkBits(flow, instruction)) !== 0)
          this.refuse(
            fn,
            flow,
            instruction,
            fn.operand(instruction, 0),
            "a reference is kept as a number",
            HELP_HIDDEN,
          );
        return;
      }
      case Opcode.MemoryCopy:
        if (flow.isLibrary(instruction) || ((operand(0) | operand(1)) & HOLDER) === 0) return;
        this.refuse(
          fn,
          flow,
          instruction,
          fn.operand(instruction, (operand(1) & HOLDER) !== 0 ? 1 : 0),
          "an object that refers to others is copied as bytes",
          HELP_HIDDEN,
        );
        return;
      case Opcode.Return:
        if (fn.operandCount(instruction) !== 1) return;
        if (this.typesOf(fn.functionIndex).result !== Reference.None)
          this.checkMade(fn, flow, instruction, fn.operand(instruction, 0));
        else if ((operand(0) & this.sinkBits(flow, instruction)) !== 0)
          this.note(this.looseResults, fn.functionIndex, passedOn(operand(0)));
    }
  }

  /** In the library a reference may become a number: it knows what it does. */
  private sinkBits(flow: Flow, instruction: Instruction): number {
    return flow.isLibrary(instruction) ? LOOSE | READ : ANY;
  }

  private checkArguments(
    fn: IrFunction,
    flow: Flow,
    instruction: Instruction,
    callee: number,
  ): void {
    const typed = this.typesOf(callee).parameters;
    const entry = this.module.functions[callee]!;
    if (entry.kind !== "defined" || isCollector(entry.name)) {
      if (entry.name === `${COLLECTOR}/pinObject` || entry.name === `${COLLECTOR}/unpinObject`) {
        this.add(
          fn,
          instruction,
          "objects cannot be pinned",
          "what a variable of a module leads to is never freed",
        );
      }
      // asc's own visitors have no lines.
      const isOwn =
        this.module.sourceOf(fn.origin(instruction)) !== null && !flow.isLibrary(instruction);
      if (isOwn && entry.name === `${COLLECTOR}/visitObject`) {
        this.add(
          fn,
          instruction,
          "objects cannot be marked by hand",
          "what a variable of a module leads to is never freed",
        );
      }
      return;
    }
    for (const index of entry.body.parameterTypes.keys()) {
      const argument = fn.operand(instruction, index);
      const bits = flow.bits(argument);
      if ((typed[index] ?? Reference.None) !== Reference.None) {
        this.checkMade(fn, flow, instruction, argument);
        continue;
      }
      const passed = bits & this.sinkBits(flow, instruction);
      if (passed === 0) continue;
      let known = this.looseParameters.get(callee);
      if (known === undefined)
        this.looseParameters.set(callee, (known = { bits: [], origins: [] }));
      const before = known.bits[index] ?? NUMBER;
      known.bits[index] = before | passedOn(bits);
      const origins = (known.origins[index] ??= new Set());
      const size = origins.size;
      // Where the program lets it out of its hands, not where the library passes it on.
      for (const origin of this.originsOf(fn, flow, instruction, argument)) origins.add(origin);
      if (known.bits[index] !== before || origins.size !== size) this.changed = true;
    }
  }

  /** A value that is used as a reference must be one, or null, or static data. */
  private checkMade(fn: IrFunction, flow: Flow, instruction: Instruction, value: Value): void {
    if (
      flow.isLibrary(instruction) ||
      this.types.fieldAccessors.has(fn.name) ||
      !flow.isMadeFromNumber(value)
    )
      return;
    this.add(
      fn,
      instruction,
      "a number is used as a reference",
      "the collector would take what lies there for an object: make the object with `new`, or its class `@unmanaged`",
    );
  }

  private checkLiveness(fn: IrFunction, collecting: ReadonlySet<number>): void {
    const flow = new Flow(
      this.module,
      fn,
      (instruction, of) => this.resultBits(fn, instruction, of),
      this.parameterBits(fn),
    );
    for (const { instruction, live } of flow.liveAcrossCalls()) {
      if (
        !this.graph.calledBy(fn.functionIndex, instruction).some((callee) => collecting.has(callee))
      )
        continue;
      const held = live.filter((value) => (flow.bits(value) & ANY) !== 0);
      if (held.length === 0) continue;
      for (const origin of this.ownLines(fn, fn.origin(instruction))) {
        this.addAt(
          fn,
          origin,
          "a reference is in a local variable while objects may be collected",
          "the collector would free the object: set a variable of the module before, and read it again behind",
        );
      }
    }
  }

  private note(map: Map<number, number>, key: number, bits: number): void {
    const before = map.get(key) ?? NUMBER;
    if ((before | bits) === before) return;
    map.set(key, before | bits);
    this.changed = true;
  }

  /**
   * The program's own lines: where it hands the value to the library, to the runtime or to a field.
   */
  private originsOf(
    fn: IrFunction,
    flow: Flow,
    instruction: Instruction,
    value: Value,
  ): Iterable<number> {
    const own = this.ownLines(fn, fn.origin(instruction));
    const origins = this.looseParameters.get(fn.functionIndex)?.origins ?? [];
    const isPlaced = this.module.sourceOf(fn.origin(instruction)) !== null;
    if (
      isPlaced &&
      !flow.isLibrary(instruction) &&
      !/^(services\/runtime|build\/generated)\/|#[gs]et:/.test(fn.name)
    )
      return own;
    const parameters = fn.blockParameters[0]!;
    const passed = [...flow.leaves(value)].flatMap((leaf) => [
      ...(origins[parameters.indexOf(leaf)] ?? []),
    ]);
    if (passed.length > 0) return passed;
    const any = origins.flatMap((all) => [...(all ?? [])]);
    return any.length > 0 ? any : own;
  }

  /** Of what happens in the library, or in code that asc adds: where the program calls it. */
  private ownLines(fn: IrFunction, origin: number): number[] {
    const lines = this.callingLines(fn, origin, new Set());
    return lines.length > 0 ? lines : [origin];
  }

  private callingLines(fn: IrFunction, origin: number, seen: Set<number>): number[] {
    if (this.isOwnLine(origin)) return [origin];
    if (!fn.name.startsWith("~lib/")) {
      const before = fn.blockInstructions
        .flat()
        .map((one) => fn.origin(one))
        .filter((one) => one < origin && this.isOwnLine(one));
      if (before.length > 0) return [Math.max(...before)];
    }
    seen.add(fn.functionIndex);
    const lines: number[] = [];
    for (const caller of this.functions) {
      if (seen.has(caller.functionIndex)) continue;
      for (const instruction of caller.blockInstructions.flat()) {
        const isCall = this.graph
          .calledBy(caller.functionIndex, instruction)
          .includes(fn.functionIndex);
        if (isCall) lines.push(...this.callingLines(caller, caller.origin(instruction), seen));
      }
    }
    return lines;
  }

  private isOwnLine(origin: number): boolean {
    const place = this.module.sourceOf(origin);
    return place !== null && !place.file.startsWith("~lib/");
  }

  private refuse(
    fn: IrFunction,
    flow: Flow,
    instruction: Instruction,
    value: Value,
    message: string,
    help: string,
  ): void {
    for (const origin of this.originsOf(fn, flow, instruction, value))
      this.addAt(fn, origin, message, help);
  }

  private add(fn: IrFunction, instruction: Instruction, message: string, help: string): void {
    this.addAt(fn, fn.origin(instruction), message, help);
  }

  private addAt(fn: IrFunction, origin: number, message: string, help: string): void {
    if (!this.reporting) return;
    const place = this.module.sourceOf(origin) ?? { file: fn.name };
    this.diagnostics.set(`${JSON.stringify(place)} ${message}`, {
      severity: "error",
      ...place,
      message,
      help,
    });
  }
}

/** What each value of one function is, and where it lives. */
class Flow {
  readonly order: Block[];
  private readonly known = new Map<Value, number>();
  /** Of expressions, each looked at once however often it is used: from what is in `known` now. */
  private readonly expressions = new Map<Value, number>();

  constructor(
    private readonly module: IrModule,
    private readonly fn: IrFunction,
    resultBits: (instruction: Instruction, flow: Flow) => number,
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

  /** Of a leaf, or of an expression that has been looked at. */
  private bitsNow(value: Value): number {
    return (this.isLeaf(value) ? this.known.get(value) : this.expressions.get(value)) ?? NUMBER;
  }

  /** `expressions` has all its operands. */
  private expressionBits(value: Value): number {
    const definition = this.fn.definition(value) as Instruction;
    const bits = this.operands(value).reduce((all, operand) => all | this.bitsNow(operand), NUMBER);
    if (this.fn.opcode(definition) === Opcode.Select) return bits;
    // An address inside an object is one more way to reach it.
    const isOwn = (bits & TYPED) !== 0 && !this.isLibrary(definition);
    if ((bits & LOOSE) !== 0 || isOwn) return LOOSE | (bits & HOLDER);
    return (bits & READ) !== 0 ? READ | (bits & HOLDER) : NUMBER;
  }

  /** Of an expression: those operands that say what it is. */
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

  /** It stands in no expression: a parameter, or the result of what has an effect. */
  private isLeaf(value: Value): boolean {
    const definition = this.fn.definition(value);
    return definition === -1 || !isPure(this.fn.opcode(definition));
  }

  /** Written in the library, inlined from there included. */
  isLibrary(instruction: Instruction): boolean {
    if (this.fn.name.startsWith("~lib/")) return true;
    // The lines that asc gives calls without all their arguments are those of the function called.
    const isCall = this.fn.opcode(instruction) === Opcode.Call;
    if (isCall && this.module.functions[this.fn.immediate(instruction)]!.name.endsWith("@varargs"))
      return false;
    return this.module.sourceOf(this.fn.origin(instruction))?.file.startsWith("~lib/") ?? false;
  }

  /** Neither a reference nor a constant on some path. */
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

  /**
   * Adds the values that an expression is made of and that stand in none themselves. Expressions in
   * `seen` have been looked at.
   */
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

  /** For each call, what is used after it and was there before. */
  liveAcrossCalls(): { readonly instruction: Instruction; readonly live: readonly Value[] }[] {
    const { fn } = this;
    const liveIn = new Map<Block, Set<Value>>();
    const walk = (
      block: Block,
      at?: (instruction: Instruction, live: ReadonlySet<Value>) => void,
    ): Set<Value> => {
      const live = new Set<Value>();
      // What an expression is made of is older than each of its uses, so it lives on at an earlier
      // one.
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

/** What a function sees of a value that it takes or gives as a number. */
function passedOn(bits: number): number {
  return ((bits & (TYPED | LOOSE)) !== 0 ? LOOSE : NUMBER) | (bits & (READ | HOLDER));
}

function bitsOf(reference: Reference | undefined): number {
  if (reference === undefined || reference === Reference.None) return NUMBER;
  return reference === Reference.Holder ? TYPED | HOLDER : TYPED;
}

function isCollector(name: string): boolean {
  return name.startsWith(`${COLLECTOR}/`);
}
