/**
 * Refuses programs that could hide a reference from the collector. The collector looks at variables
 * of modules, and from there into objects with a header, and nowhere else. So no reference may
 *
 *   - live in a local variable across a collection,
 *   - be written as a number: into memory, into a variable of another type, into another object,
 *   - be made from a number, which the collector cannot recognize as a reference.
 *
 * asc's types say which values are references; the module's code, still as asc wrote it, says where
 * they go. The library is trusted with its own references, because asc's visitors are written for
 * it, but not with references that a program passes to it as numbers.
 */
import { CallGraph, functionsNamed } from "../ir/call-graph.ts";
import type { Instruction, IrFunction, Value } from "../ir/function.ts";
import type { IrModule } from "../ir/module.ts";
import { isLoad, isStore, Opcode } from "../ir/opcode.ts";
import type { Diagnostic } from "../report/diagnostic.ts";
import {
  ANY,
  bitsOf,
  HOLDER,
  LOOSE,
  NUMBER,
  passedOn,
  READ,
  ReferenceFlow,
  TYPED,
} from "./reference-flow.ts";
import { Reference, type ReferenceTypes } from "./reference-types.ts";

export const COLLECTOR = "services/runtime/collector";

/** Fields of the library's objects that lead to their elements. */
const ELEMENTS = /^~lib\/.*#get:(dataStart|buffer)$/;
/** Of these, those whose elements are references. */
const REFERENCES = /^~lib\/array\/Array<(?!([iu](8|16|32|64|size)|bool|f32|f64)>#)/;
/** Functions of the library and the collector that return a reference as a number. */
const MAKERS: ReadonlySet<string> = new Set([
  `${COLLECTOR}/newObject`,
  `${COLLECTOR}/resizeObject`,
  "~lib/rt/__newBuffer",
  "~lib/rt/__newArray",
]);
const DIAGNOSTICS_MAX = 30;

const HELP_HIDDEN =
  "the collector would free the object: keep it in a variable of the module, in a field or an array of its own type";

export function findHiddenReferences(module: IrModule, types: ReferenceTypes): Diagnostic[] {
  return new Search(module, types).run();
}

class Search {
  private readonly graph: CallGraph;
  private readonly diagnostics = new Map<string, Diagnostic>();
  /** Parameters to which callers pass references as numbers: their bits, and where callers do. */
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
    const flow = new ReferenceFlow(
      this.module,
      fn,
      (instruction, of) => this.resultBits(fn, instruction, of),
      this.parameterBits(fn),
    );
    for (const block of flow.order)
      for (const instruction of fn.blockInstructions[block]!) this.check(fn, flow, instruction);
  }

  /** The bits of the parameters, from their types and from what callers pass. */
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

  private resultBits(fn: IrFunction, instruction: Instruction, flow: ReferenceFlow): number {
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

  /** Bytes that the program reads from an object may be a reference; fields have accessors. */
  private readBits(fn: IrFunction, instruction: Instruction, flow: ReferenceFlow): number {
    if (flow.isLibrary(instruction) || this.types.fieldAccessors.has(fn.name)) return NUMBER;
    return (flow.bits(fn.operand(instruction, 0)) & HOLDER) !== 0 ? READ | HOLDER : NUMBER;
  }

  private check(fn: IrFunction, flow: ReferenceFlow, instruction: Instruction): void {
    const op = fn.opcode(instruction);
    const operand = (index: number): number => flow.bits(fn.operand(instruction, index));
    if (isStore(op)) {
      // The library stores its own references where asc's visitors find them.
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

  /** The library may turn its own references into numbers: it is trusted with them. */
  private sinkBits(flow: ReferenceFlow, instruction: Instruction): number {
    return flow.isLibrary(instruction) ? LOOSE | READ : ANY;
  }

  private checkArguments(
    fn: IrFunction,
    flow: ReferenceFlow,
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
      // The line where the program passes the value, not where the library passes it on.
      for (const origin of this.originsOf(fn, flow, instruction, argument)) origins.add(origin);
      if (known.bits[index] !== before || origins.size !== size) this.changed = true;
    }
  }

  /** A value that is used as a reference must be one, or null, or static data. */
  private checkMade(
    fn: IrFunction,
    flow: ReferenceFlow,
    instruction: Instruction,
    value: Value,
  ): void {
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
    const flow = new ReferenceFlow(
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
    flow: ReferenceFlow,
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

  /** The program's own lines from which code of the library, or code that asc adds, is called. */
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
    flow: ReferenceFlow,
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

function isCollector(name: string): boolean {
  return name.startsWith(`${COLLECTOR}/`);
}
