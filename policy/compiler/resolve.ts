/** Syntax → model: every name gets its meaning, every rule its pairs of classes, its methods and its condition. */
import { CLASSES_MAX, CLASS_KERNEL, FIRST_PROGRAM_CLASS, INTERFACE_EXECUTE, INTERFACE_PERMISSIONS, RULE_EVENTS_EXECUTE } from "../../kernel/abi/blob.ts";
import { Event } from "../../kernel/abi/event.ts";
import type { Diagnostic } from "../../toolchain/report/diagnostic.ts";
import { resolveCondition, resolveValue } from "./condition.ts";
import { readImage } from "./image.ts";
import { readInterfaces } from "./interfaces.ts";
import {
  type Condition, type ExecuteGrant, type Field, type Interface, KERNEL_CLASSES, type Method, type Model, PERMISSION_NAMES, type PolicyClass, type Rule, type SystemInput, permissionNumber,
} from "./model.ts";
import { didYouMean } from "./suggest.ts";
import type {
  Classes, EventName, ExecuteRule, Expression, GrantRule, InterfaceStatement, MessageRule, Methods, Module, Name, Path, Span, UseStatement,
} from "./syntax.ts";

export const EVENT_NUMBERS: Readonly<Record<EventName, Event>> = { request: Event.Request, response: Event.Response, error: Event.Error };
const ALL_EVENTS = 7;
/** Uses of interfaces that all modules make together, each counted as often as it is reached: 2,000 rules take far fewer. */
const USES_MAX = 10_000;

/** A class, and the interface of it that is meant where one was written. */
export interface Target {
  readonly policyClass: PolicyClass;
  readonly spoken: Interface | undefined;
  readonly path: Path;
}

/** What parameters of an interface stand for. */
type Environment = ReadonlyMap<string, PolicyClass>;
const NOTHING: Environment = new Map();

/** Names of a system. Answers undefined where a name means nothing, with an error recorded. */
export class Names {
  readonly diagnostics: Diagnostic[] = [];
  readonly classes = new Map<string, PolicyClass>();
  readonly interfaces: readonly Interface[];
  /** Interfaces that each class serves, as far as the image has slots of it. */
  private readonly served = new Map<number, readonly Interface[]>();
  private readonly constants = new Map<string, Map<string, bigint>>();
  private readonly offers = new Map<string, Map<string, { readonly statement: InterfaceStatement; readonly module: Module }>>();

  constructor(input: SystemInput, modules: readonly Module[]) {
    const read = readInterfaces([...input.interfaces, ...input.programs.flatMap(({ description }) => [...Object.values(description.serves ?? {}), ...Object.values(description.uses ?? {})])]);
    this.interfaces = read.interfaces;
    this.diagnostics.push(...read.diagnostics);
    KERNEL_CLASSES.forEach((name, id) => {
      if (name !== "") this.classes.set(`kernel.${name}`, { id, name: `kernel.${name}`, span: undefined });
    });
    this.classes.set("kernel", { id: CLASS_KERNEL, name: "kernel", span: undefined });
    this.declare(modules);
    for (const { program, class: className } of Object.values(input.image.slots)) {
      const policyClass = this.classes.get(className);
      const description = input.programs.find((candidate) => candidate.folder === program)?.description;
      if (policyClass === undefined || description === undefined) continue;
      const ids = new Set([...(this.served.get(policyClass.id) ?? []).map((known) => known.id), ...Object.values(description.serves ?? {}).map((served) => served.id)]);
      this.served.set(policyClass.id, this.interfaces.filter((known) => ids.has(known.id)));
    }
  }

  private declare(modules: readonly Module[]): void {
    const byName = new Map<string, Module>();
    let nextClass = FIRST_PROGRAM_CLASS;
    for (const module of modules) {
      const other = byName.get(module.name.text);
      if (other !== undefined) this.refuse(module.name.span, `the module \`${module.name.text}\` is also in ${other.file}`, "give one of them another name");
      byName.set(module.name.text, module);
      const constants = new Map<string, bigint>();
      const offers = new Map<string, { readonly statement: InterfaceStatement; readonly module: Module }>();
      this.constants.set(module.name.text, constants);
      this.offers.set(module.name.text, offers);
      for (const statement of module.statements) {
        if (statement.kind === "class") {
          for (const { text, span } of statement.names) {
            const declared = this.classes.get(text);
            if (declared !== undefined) {
              const where = declared.span === undefined ? "is the kernel's own" : `is declared in ${declared.span.file}:${declared.span.line}`;
              this.refuse(span, `the class \`${text}\` ${where}`, "a class is declared once in a system");
            } else if (text.length > 63) {
              this.refuse(span, `the name \`${text}\` is too long`, "at most 63 characters");
            } else {
              this.classes.set(text, { id: nextClass++, name: text, span });
            }
          }
        } else if (statement.kind === "const") {
          if (constants.has(statement.name.text)) this.refuse(statement.name.span, `the constant \`${statement.name.text}\` is declared twice`);
          const value = resolveValue(statement.value, { method: `module ${module.name.text}`, side: "request", fields: [], constants }, undefined, this.diagnostics);
          if (value !== undefined) constants.set(statement.name.text, value);
        } else if (statement.kind === "interface") {
          if (offers.has(statement.name.text)) this.refuse(statement.name.span, `the interface \`${statement.name.text}\` is declared twice`);
          offers.set(statement.name.text, { statement, module });
        }
      }
    }
    if (nextClass > CLASSES_MAX) this.diagnostics.push({ severity: "error", message: `${nextClass - FIRST_PROGRAM_CLASS} classes`, help: `at most ${CLASSES_MAX - FIRST_PROGRAM_CLASS}` });
  }

  constantsOf(module: string): ReadonlyMap<string, bigint> {
    return this.constants.get(module) ?? new Map<string, bigint>();
  }

  programClasses(): readonly PolicyClass[] {
    return [...this.classes.values()].filter((known) => known.span !== undefined);
  }

  servedBy(policyClass: PolicyClass): readonly Interface[] {
    const own = this.interfaces.find((known) => known.id === policyClass.id);
    if (policyClass.id < CLASS_KERNEL) return own === undefined ? [] : [own];
    return this.served.get(policyClass.id) ?? [];
  }

  hasSlot(policyClass: PolicyClass): boolean {
    return this.served.has(policyClass.id);
  }

  /** A class by itself. */
  class(path: Path, environment: Environment = NOTHING): PolicyClass | undefined {
    const read = this.leadingClass(path, environment);
    if (read === undefined) return undefined;
    const extra = path.segments[read.used];
    if (extra !== undefined) return this.refuse(extra.span, `a class is expected here, not \`${written(path)}\``, `\`${written(path, read.used)}\``);
    return read.policyClass;
  }

  /** The class that a path starts with, and how many of its segments say so. */
  private leadingClass(path: Path, environment: Environment): { readonly policyClass: PolicyClass; readonly used: number } | undefined {
    const [first, second] = path.segments;
    if (first === undefined) return undefined;
    const parameter = environment.get(first.text);
    if (parameter !== undefined) return { policyClass: parameter, used: 1 };
    if (first.text === "kernel" && second !== undefined) {
      const policyClass = this.classes.get(`kernel.${second.text}`);
      if (policyClass !== undefined) return { policyClass, used: 2 };
      return this.refuse(second.span, `the kernel has no objects of class \`${second.text}\``, didYouMean(second.text, KERNEL_CLASSES.filter((name) => name !== ""), `one of ${KERNEL_CLASSES.filter((name) => name !== "").join(", ")}`));
    }
    const policyClass = this.classes.get(first.text);
    if (policyClass !== undefined) return { policyClass, used: 1 };
    const names = [...this.programClasses().map((known) => known.name), ...environment.keys()];
    return this.refuse(first.span, `unknown class \`${first.text}\``, didYouMean(first.text, names, `declare it: \`class ${first.text}\``));
  }

  /** `Class`, `Class.Interface`. */
  target(path: Path, environment: Environment): Target | undefined {
    const read = this.leadingClass(path, environment);
    if (read === undefined) return undefined;
    const { policyClass, used } = read;
    const [name, extra] = path.segments.slice(used);
    if (extra !== undefined) return this.refuse(extra.span, `\`${written(path)}\` is too long for a target`, "`Class.Interface { methods }`");
    if (name === undefined) return { policyClass, spoken: undefined, path };
    const spoken = this.interfaceOf(policyClass, name);
    return spoken === undefined ? undefined : { policyClass, spoken, path };
  }

  /** `Class.method`, `Class.Interface.method`: for `expect` and `never`. With `method` undefined where the path ends before. */
  method(path: Path): { readonly policyClass: PolicyClass; readonly spoken: Interface | undefined; readonly method: Method | undefined } | undefined {
    const read = this.leadingClass(path, NOTHING);
    if (read === undefined) return undefined;
    const { policyClass, used } = read;
    const [first, second, extra] = path.segments.slice(used);
    if (extra !== undefined) return this.refuse(extra.span, `\`${written(path)}\` is too long`, "`Class.Interface.method`");
    if (first === undefined) return { policyClass, spoken: undefined, method: undefined };
    if (second !== undefined) {
      const spoken = this.interfaceOf(policyClass, first);
      if (spoken === undefined) return undefined;
      const method = this.methodOf(spoken, second);
      return method === undefined ? undefined : { policyClass, spoken, method };
    }
    const served = this.servedBy(policyClass);
    const holders = served.filter((known) => known.methods.some((method) => method.name === first.text));
    const spoken = served.find((known) => known.name === first.text);
    if (spoken !== undefined && holders.length === 0) return { policyClass, spoken, method: undefined };
    const [holder, another] = holders;
    if (holder !== undefined && another !== undefined) return this.refuse(first.span, `${policyClass.name} serves several interfaces with a method \`${first.text}\``, `\`${policyClass.name}.${holder.name}.${first.text}\``);
    if (holder !== undefined) return { policyClass, spoken: holder, method: holder.methods.find((method) => method.name === first.text) };
    if (served.length === 0) {
      const known = this.interfaces.find((candidate) => candidate.name === first.text);
      if (known !== undefined) return { policyClass, spoken: known, method: undefined };
      return this.refuse(first.span, `the image has no slot of class ${policyClass.name}, so it is not known what \`${first.text}\` is`, `\`${policyClass.name}.Interface.${first.text}\``);
    }
    const names = served.flatMap((known) => [known.name, ...known.methods.map((method) => method.name)]);
    return this.refuse(first.span, `${policyClass.name} serves no method or interface \`${first.text}\``, didYouMean(first.text, names));
  }

  private interfaceOf(policyClass: PolicyClass, name: Name): Interface | undefined {
    const served = this.servedBy(policyClass);
    const known = this.interfaces.find((candidate) => candidate.name === name.text);
    const isServed = known !== undefined && served.some((candidate) => candidate.id === known.id);
    if (known === undefined) {
      const candidates = served.length > 0 ? served : this.interfaces;
      return this.refuse(name.span, `unknown interface \`${name.text}\``, didYouMean(name.text, candidates.map((candidate) => candidate.name)));
    }
    if (!isServed && (this.hasSlot(policyClass) || policyClass.span === undefined)) {
      return this.refuse(name.span, `${policyClass.name} does not serve ${name.text}`, served.length === 0 ? "it serves nothing" : `it serves ${served.map((candidate) => candidate.name).join(", ")}`);
    }
    return known;
  }

  methodOf(spoken: Interface, name: Name): Method | undefined {
    const method = spoken.methods.find((candidate) => candidate.name === name.text);
    if (method !== undefined) return method;
    return this.refuse(name.span, `the interface ${spoken.name} has no method \`${name.text}\``, didYouMean(name.text, spoken.methods.map((candidate) => candidate.name)));
  }

  /** Bits of the methods named; 0, with errors recorded, where one does not exist. */
  methodBits(spoken: Interface, methods: Methods): bigint {
    if (methods.all) return spoken.methods.reduce((bits, method) => bits | (1n << BigInt(method.number)), 0n);
    let bits = 0n;
    let isComplete = true;
    for (const name of methods.names) {
      const method = this.methodOf(spoken, name);
      if (method === undefined) isComplete = false;
      else bits |= 1n << BigInt(method.number);
    }
    return isComplete ? bits : 0n;
  }

  permissionBits(methods: Methods): bigint {
    if (methods.all) return (1n << BigInt(PERMISSION_NAMES.length)) - 1n;
    let bits = 0n;
    let isComplete = true;
    for (const { text, span } of methods.names) {
      const number = permissionNumber(text);
      if (number === undefined) {
        this.refuse(span, `unknown permission \`${text}\``, didYouMean(text, PERMISSION_NAMES, `one of ${PERMISSION_NAMES.join(", ")}`));
        isComplete = false;
      } else {
        bits |= 1n << BigInt(number);
      }
    }
    return isComplete ? bits : 0n;
  }

  /** `any` is every class that policy files declare. */
  subjects(classes: Classes, environment: Environment = NOTHING): readonly PolicyClass[] | undefined {
    if (classes.kind === "any") {
      const except = this.each(classes.except, (path) => this.class(path, environment));
      return except === undefined ? undefined : this.programClasses().filter((known) => !except.includes(known));
    }
    const subjects = this.each(classes.paths, (path) => this.class(path, environment));
    const kernelObject = subjects?.findIndex((subject) => subject.id < CLASS_KERNEL) ?? -1;
    const path = classes.paths[kernelObject];
    if (path !== undefined) return this.refuse(path.span, `${written(path)} asks for nothing: it cannot be a subject`, "the kernel's own messages have the subject `kernel`");
    return subjects;
  }

  offer(path: Path, module: string): { readonly statement: InterfaceStatement; readonly module: Module } | undefined {
    const [first, second, extra] = path.segments;
    if (first === undefined || extra !== undefined) return this.refuse(path.span, `\`${written(path)}\` is no interface of a module`, "`use module.interface(Class)`");
    const [moduleName, name] = second === undefined ? [module, first] : [first.text, second];
    const offers = this.offers.get(moduleName);
    if (offers === undefined) return this.refuse(first.span, `unknown module \`${moduleName}\``, didYouMean(moduleName, this.offers.keys(), "add its file to the image's `policy`"));
    const offer = offers.get(name.text);
    return offer ?? this.refuse(name.span, `the module ${moduleName} offers no \`${name.text}\``, didYouMean(name.text, offers.keys(), "it has no interfaces"));
  }

  each<T>(paths: readonly Path[], resolve: (path: Path) => T | undefined): readonly T[] | undefined {
    const results = paths.map(resolve);
    return results.every((result) => result !== undefined) ? (results as readonly T[]) : undefined;
  }

  refuse(span: Span, message: string, help?: string): undefined {
    this.diagnostics.push({ severity: "error", ...span, message, ...(help === undefined ? {} : { help }) });
    return undefined;
  }
}

export function resolve(input: SystemInput, modules: readonly Module[]): { readonly model: Model | undefined; readonly names: Names; readonly diagnostics: readonly Diagnostic[] } {
  const names = new Names(input, modules);
  const image = readImage(input, names.classes);
  names.diagnostics.push(...image.diagnostics);
  const rules = new RuleReader(names, image.programs.map((program) => program.name));
  for (const module of modules) rules.module(module);
  const classes: (PolicyClass | undefined)[] = [];
  for (const known of names.classes.values()) classes[known.id] = known;
  const model: Model = {
    imageName: input.image.name, version: input.image.version, classes: Array.from(classes), interfaces: names.interfaces, programs: image.programs, slots: image.slots,
    rules: rules.rules, execute: rules.execute,
    nevers: modules.flatMap(({ name, statements }) => statements.flatMap((statement) => (statement.kind === "never" ? { statement, module: name.text } : []))),
    expects: modules.flatMap(({ name, statements }) => statements.flatMap((statement) => (statement.kind === "expect" ? { statement, module: name.text } : []))),
  };
  checkSlotsMayRun(model, input, names.diagnostics);
  const isSound = names.diagnostics.every((diagnostic) => diagnostic.severity !== "error");
  return { model: isSound ? model : undefined, names, diagnostics: names.diagnostics };
}

/** A slot that could never start is a mistake of the image or the policy. */
function checkSlotsMayRun(model: Model, input: SystemInput, diagnostics: Diagnostic[]): void {
  if (diagnostics.some((diagnostic) => diagnostic.severity === "error")) return;
  for (const slot of model.slots) {
    if (model.execute.some((grant) => grant.classId === slot.classId && grant.program === slot.program)) continue;
    const className = model.classes[slot.classId]?.name ?? "";
    const program = model.programs[slot.program]?.name ?? "";
    diagnostics.push({
      severity: "error", ...(input.imageFile === undefined ? {} : { file: input.imageFile }), message: `the slot ${slot.name} could never start: no rule lets ${className} run the program ${program}`,
      help: `\`allow execute ${className} program ${program}\``,
    });
  }
}

/** Reads the rules of all modules, those of interfaces once for each `use`. */
class RuleReader {
  readonly rules: Rule[] = [];
  readonly execute: ExecuteGrant[] = [];
  private readonly names: Names;
  private readonly programs: readonly string[];
  private uses = 0;

  constructor(names: Names, programs: readonly string[]) {
    this.names = names;
    this.programs = programs;
  }

  module(module: Module): void {
    for (const statement of module.statements) {
      if (statement.kind === "execute") this.executeRule(statement);
      else if (statement.kind === "use" || statement.kind === "message" || statement.kind === "grant") this.statement(statement, module, NOTHING, []);
      else if (statement.kind === "interface") this.checkOffer(statement);
    }
  }

  /** `within`: interfaces that led here by `use`, outermost first. */
  private statement(statement: UseStatement | MessageRule | GrantRule, module: Module, environment: Environment, within: readonly InterfaceStatement[]): void {
    if (statement.kind === "use") this.use(statement, module, environment, within);
    else if (statement.kind === "grant") this.grantRule(statement, environment);
    else this.messageRule(statement, module, environment);
  }

  private checkOffer(statement: InterfaceStatement): void {
    const seen = new Set<string>();
    for (const { text, span } of statement.parameters) {
      if (seen.has(text)) this.names.refuse(span, `the parameter \`${text}\` is named twice`);
      if (this.names.classes.has(text)) this.names.refuse(span, `the parameter \`${text}\` has the name of a class`, "parameters start with a small letter");
      seen.add(text);
    }
  }

  private use(statement: UseStatement, module: Module, environment: Environment, within: readonly InterfaceStatement[]): void {
    const offer = this.names.offer(statement.target, module.name.text);
    if (offer === undefined) return;
    const { parameters, statements } = offer.statement;
    if (within.includes(offer.statement)) {
      this.names.refuse(statement.span, `\`${written(statement.target)}\` uses itself`);
      return;
    }
    this.uses += 1;
    if (this.uses > USES_MAX) {
      if (this.uses === USES_MAX + 1) this.names.refuse(statement.span, `the modules use interfaces more than ${USES_MAX} times`, "an interface that uses others multiplies them");
      return;
    }
    if (parameters.length !== statement.arguments.length) {
      const wants = parameters.length === 0 ? "nothing" : parameters.map((parameter) => parameter.text).join(", ");
      this.names.refuse(statement.span, `\`${written(statement.target)}\` takes ${wants}`, `\`use ${written(statement.target)}(${parameters.map((parameter) => parameter.text).join(", ")})\``);
      return;
    }
    const classes = this.names.each(statement.arguments, (path) => this.names.class(path, environment));
    if (classes === undefined) return;
    const inner = new Map<string, PolicyClass>();
    parameters.forEach((parameter, i) => {
      const policyClass = classes[i];
      if (policyClass !== undefined) inner.set(parameter.text, policyClass);
    });
    for (const used of statements) this.statement(used, offer.module, inner, [...within, offer.statement]);
  }

  private executeRule(statement: ExecuteRule): void {
    const subject = this.names.class(statement.subject);
    if (subject === undefined) return;
    if (subject.span === undefined) {
      this.names.refuse(statement.subject.span, "only a class that a policy file declares can run a program");
      return;
    }
    const program = this.programs.indexOf(statement.program.text);
    if (program < 0) {
      // A module may serve several images: without a slot of the class, this one does not have the program either.
      if (this.names.hasSlot(subject)) this.names.refuse(statement.program.span, `the image has no program \`${statement.program.text}\``, didYouMean(statement.program.text, this.programs));
      return;
    }
    if (this.execute.some((grant) => grant.classId === subject.id && grant.program === program)) return;
    const rule = this.add({
      kind: "execute", isRequire: false, events: RULE_EVENTS_EXECUTE, recorded: 0, methods: 1n, interfaceId: INTERFACE_EXECUTE, condition: undefined, read: undefined, pairs: [], span: statement.span, text: statement.text,
    });
    this.execute.push({ classId: subject.id, program, rule });
  }

  private grantRule(statement: GrantRule, environment: Environment): void {
    const subjects = this.names.subjects(statement.subjects, environment);
    const bits = this.names.permissionBits(statement.methods);
    const targets = this.targets(statement.targets, environment);
    if (subjects === undefined || targets === undefined || bits === 0n) return;
    const named = targets.find((target) => target.spoken !== undefined);
    if (named !== undefined) {
      this.names.refuse(named.path.span, "a permission is over the objects of a class, not over an interface", `\`${named.policyClass.name}\``);
      return;
    }
    const pairs = subjects.flatMap((subject) => targets.map((target) => [subject.id, target.policyClass.id] as const));
    this.add({
      kind: "permission", isRequire: false, events: 1 << Event.Request, recorded: 0, methods: bits, interfaceId: INTERFACE_PERMISSIONS, condition: undefined, read: undefined, pairs, span: statement.span, text: statement.text,
    });
  }

  private messageRule(statement: MessageRule, module: Module, environment: Environment): void {
    const subjects = this.names.subjects(statement.subjects, environment);
    const targets = this.targets(statement.targets, environment);
    if (subjects === undefined || targets === undefined) return;
    if (statement.isRequire && statement.condition === undefined) {
      this.names.refuse(statement.span, "a `require` without `when` narrows nothing", "add a condition, or write `allow`");
      return;
    }
    // One rule for each interface that the targets speak.
    const byInterface = new Map<number, { readonly spoken: Interface; readonly classes: PolicyClass[] }>();
    for (const target of targets) {
      const spoken = target.spoken ?? this.onlyInterface(target);
      if (spoken === undefined) return;
      const entry = byInterface.get(spoken.id) ?? { spoken, classes: [] };
      byInterface.set(spoken.id, entry);
      if (!entry.classes.includes(target.policyClass)) entry.classes.push(target.policyClass);
    }
    for (const { spoken, classes } of byInterface.values()) this.rulesOn(statement, module, subjects, classes, spoken);
  }

  private rulesOn(statement: MessageRule, module: Module, subjects: readonly PolicyClass[], classes: readonly PolicyClass[], spoken: Interface): void {
    const { names } = this;
    const methods = names.methodBits(spoken, statement.methods);
    if (methods === 0n) {
      if (statement.methods.all) names.refuse(statement.methods.span, `the interface ${spoken.name} has no methods`);
      return;
    }
    const written = statement.events[0];
    if (written !== undefined && classes.some((policyClass) => policyClass.id < CLASS_KERNEL)) {
      names.refuse(written.span, "a kernel method is one decision: its request and response cannot be allowed apart", "leave the event out");
      return;
    }
    const events = statement.events.reduce((bits, event) => bits | (1 << EVENT_NUMBERS[event.name]), 0) || ALL_EVENTS;
    const pairs = subjects.flatMap((subject) => classes.map((target) => [subject.id, target.id] as const));
    // One record a call: of its request, where the rule speaks of requests.
    const recorded = !statement.audit ? 0 : (events & (1 << Event.Request)) !== 0 ? 1 << Event.Request : events;
    const common = { kind: "message", isRequire: statement.isRequire, recorded, interfaceId: spoken.id, pairs, span: statement.span, text: statement.text } as const;
    if (statement.condition === undefined) {
      this.add({ ...common, events, methods, condition: undefined, read: undefined });
      return;
    }
    if (statement.events.length > 1) {
      names.refuse(statement.condition.span, "a condition reads one event, and the rule has several", "write a rule for each");
      return;
    }
    const event: EventName = written?.name ?? "request";
    const read = EVENT_NUMBERS[event];
    for (const [bits, condition] of this.conditions(statement.condition, spoken, methods, event, module)) {
      // Without events an `allow` leaves response and error as they are; a `require` has nothing to say of them.
      this.add({ ...common, events: statement.isRequire ? 1 << read : events, recorded: recorded & (statement.isRequire ? 1 << read : events), methods: bits, condition, read });
    }
  }

  /** The condition for each method; methods in whose messages it reads the same words share one. */
  private conditions(expression: Expression, spoken: Interface, methods: bigint, event: EventName, module: Module): readonly (readonly [bigint, Condition])[] {
    const shared = new Map<string, { bits: bigint; readonly condition: Condition }>();
    for (const method of spoken.methods) {
      const bit = 1n << BigInt(method.number);
      if ((methods & bit) === 0n) continue;
      const scope = { method: `${spoken.name}.${method.name}`, side: event, fields: fieldsOf(spoken, method, event), constants: this.names.constantsOf(module.name.text) };
      const condition = resolveCondition(expression, scope, this.names.diagnostics);
      if (condition === undefined) return [];
      const key = JSON.stringify(condition, (_key, value: unknown) => (typeof value === "bigint" ? value.toString() : value));
      const same = shared.get(key);
      if (same === undefined) shared.set(key, { bits: bit, condition });
      else same.bits |= bit;
    }
    return [...shared.values()].map(({ bits, condition }) => [bits, condition] as const);
  }

  private onlyInterface(target: Target): Interface | undefined {
    const served = this.names.servedBy(target.policyClass);
    const [only, another] = served;
    if (only !== undefined && another === undefined) return only;
    const { name } = target.policyClass;
    if (only !== undefined) return this.names.refuse(target.path.span, `${name} serves several interfaces`, served.map((spoken) => `\`${name}.${spoken.name}\``).join(" or "));
    return this.names.refuse(target.path.span, this.names.hasSlot(target.policyClass) ? `${name} serves nothing` : `the image has no slot of class ${name}, so its interface must be named`, `\`${name}.Interface\``);
  }

  private targets(classes: Classes, environment: Environment): readonly Target[] | undefined {
    if (classes.kind === "any") return this.names.refuse(classes.span, "a rule names its targets: `any` is for subjects", "name the classes, or write a `never`");
    return this.names.each(classes.paths, (path) => {
      const target = this.names.target(path, environment);
      if (target?.policyClass.id === CLASS_KERNEL) return this.names.refuse(path.span, "`kernel` sends messages; it receives none", "the kernel's services are `kernel.Domain`, `kernel.Clock`, …");
      return target;
    });
  }

  private add(rule: Omit<Rule, "number">): number {
    const number = this.rules.length;
    this.rules.push({ number, ...rule });
    return number;
  }
}

/** What a condition on that event can read. */
export function fieldsOf(spoken: Interface, method: Method, event: EventName): readonly Field[] {
  if (event === "request") return method.request;
  if (event === "response") return method.response;
  // Errors are numbered from 1.
  return [{ name: "error", kind: "unsigned", max: BigInt(spoken.errors.length), word: 0, type: "enumeration", names: ["", ...spoken.errors] }];
}

export function written(path: Path, segments = path.segments.length): string {
  return path.segments.slice(0, segments).map((segment) => segment.text).join(".");
}
