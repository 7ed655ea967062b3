/**
 * Syntax → model: every name gets its meaning, every rule its pairs of classes, its methods and its
 * condition.
 */
import {
  CLASSES_MAX,
  CLASS_KERNEL,
  INTERFACE_EXECUTE,
  INTERFACE_PERMISSIONS,
  RULE_EVENTS_EXECUTE,
} from "../../kernel/abi/blob.ts";
import { Event } from "../../kernel/abi/event.ts";
import { FAULT_INTERFACE } from "../../kernel/abi/object.ts";
import type { Diagnostic } from "../../toolchain/report/diagnostic.ts";
import { didYouMean } from "../../toolchain/report/suggest.ts";
import { BINDINGS_MAX } from "./close.ts";
import { conditionKey, resolveCondition, resolveValue } from "./condition.ts";
import { inImage, readImage } from "./image.ts";
import type {
  Condition,
  ExecuteGrant,
  ExecuteNaming,
  Field,
  Interface,
  Method,
  Model,
  PolicyClass,
  Rule,
  Slot,
  SystemInput,
} from "./model.ts";
import { type Environment, NOTHING, Names, type Offer, type Target, written } from "./names.ts";
import { isParameter, mayPair, parameterClass } from "./ownership.ts";
import type {
  Classes,
  EventName,
  ExecuteRule,
  Expression,
  GrantRule,
  InterfaceStatement,
  JudgedEventName,
  MessageRule,
  Module,
  Path,
  Span,
  UseStatement,
} from "./syntax.ts";

export const EVENT_NUMBERS = {
  request: Event.Request,
  response: Event.Response,
  error: Event.Error,
  ended: Event.Ended,
} as const satisfies Record<EventName, Event>;
/** The events of a call that are judged. */
const JUDGED_EVENTS = 7;
/**
 * Uses of interfaces that all modules make together, each counted as often as it is reached: 2,000
 * rules take far fewer.
 */
const USES_MAX = 10_000;
/** Interfaces that use one another in a row: reading them is recursive. */
const USE_DEPTH_MAX = 64;
const TOO_DEEP = `interfaces use one another more than ${USE_DEPTH_MAX} deep`;
const TOO_DEEP_HELP = "use the innermost directly";

/** The model is undefined if a name is unknown; the mistakes of `names` say what is wrong. */
export async function resolve(
  input: SystemInput,
  modules: readonly Module[],
): Promise<{ readonly model: Model | undefined; readonly names: Names }> {
  const names = new Names(input, modules);
  // More classes than there can be would make everything that follows dear.
  if (names.programClasses().length > CLASSES_MAX) return { model: undefined, names };
  const image = await readImage(input, names.classes);
  names.mistakes.add(image.diagnostics);
  const rules = new RuleReader(
    names,
    image.programs.map((program) => program.name),
  );
  for (const module of modules) rules.checkOffers(module);
  for (const module of modules) rules.module(module);
  const classes: (PolicyClass | undefined)[] = [];
  for (const known of names.classes.values()) classes[known.id] = known;
  const model: Model = {
    imageName: input.image.name,
    version: input.image.version,
    classes: Array.from(classes),
    interfaces: names.interfaces,
    programs: image.programs,
    slots: image.slots,
    rebootsOnLoop: input.image.onSupervisorLoop === "reboot",
    rebootsOnPanic: input.image.onPanic === "reboot",
    usesPcid: input.image.pcid === "on",
    rules: rules.rules,
    execute: rules.execute,
    executeNamed: rules.executeNamed,
    nevers: modules.flatMap(({ name, statements }) =>
      statements.flatMap((statement) =>
        statement.kind === "never" ? { statement, module: name.text } : [],
      ),
    ),
    expects: modules.flatMap(({ name, statements }) =>
      statements.flatMap((statement) =>
        statement.kind === "expect" ? { statement, module: name.text } : [],
      ),
    ),
  };
  if (names.mistakes.count === 0) names.mistakes.add(await slotsThatCannotRun(model, input));
  names.mistakes.add(await unverified(model, input));
  return { model: names.mistakes.count === 0 ? model : undefined, names };
}

/** A slot that could never start is a mistake of the image or the policy. */
async function slotsThatCannotRun(
  model: Model,
  input: SystemInput,
): Promise<readonly Diagnostic[]> {
  const mayRun = (slot: Slot): boolean =>
    model.execute.some((grant) => grant.classId === slot.classId && grant.program === slot.program);
  return Promise.all(
    model.slots
      .filter((slot) => !mayRun(slot))
      .map((slot) => {
        const className = model.classes[slot.classId]?.name ?? "";
        const program = model.programs[slot.program]?.name ?? "";
        const message = `the slot ${slot.name} could never start: no rule lets ${className} run the program ${program}`;
        return inImage(input, {
          path: ["slots", slot.name, "class"],
          message,
          help: `\`allow execute ${className} program ${program}\``,
        });
      }),
  );
}

/**
 * Warnings: an image must say so of each program in it that the machine-code verifier did not pass.
 */
async function unverified(model: Model, input: SystemInput): Promise<readonly Diagnostic[]> {
  const silent = model.slots.filter(
    (slot) =>
      model.programs[slot.program]?.verified === false &&
      input.image.slots[slot.name]?.mayBeUnverified !== true,
  );
  return Promise.all(
    silent.map(async (slot) => {
      const message = `the program ${model.programs[slot.program]?.name} in the slot ${slot.name} was not passed by the machine-code verifier`;
      const help =
        "it runs, and is shown as unverified; if that is meant, write `mayBeUnverified: true` into the slot";
      return {
        ...(await inImage(input, { path: ["slots", slot.name, "program"], message, help })),
        severity: "warning" as const,
      };
    }),
  );
}

/**
 * Reads the rules of all modules, those of interfaces once for each `use`, and once more, whether
 * used or not, for parameters of which nothing is known.
 */
class RuleReader {
  readonly rules: Rule[] = [];
  readonly execute: ExecuteGrant[] = [];
  readonly executeNamed: ExecuteNaming[] = [];
  private readonly names: Names;
  private readonly programs: readonly string[];
  private uses = 0;
  private origin: Span = { file: "", line: 0, column: 0 };
  private bindings = 0;
  /** While an interface is read by itself: its rules are checked and go nowhere. */
  private isChecking = false;
  private readonly followed = new Set<InterfaceStatement>();
  private readonly ranges = new Map<InterfaceStatement, ReadonlyMap<string, Range>>();

  constructor(names: Names, programs: readonly string[]) {
    this.names = names;
    this.programs = programs;
  }

  module(module: Module): void {
    for (const statement of module.statements) {
      if ("span" in statement) this.origin = statement.span;
      if (statement.kind === "execute") this.executeRule(statement, module);
      else if (
        statement.kind === "use" ||
        statement.kind === "message" ||
        statement.kind === "grant"
      )
        this.statement(statement, module, NOTHING, []);
    }
  }

  /** `within`: interfaces that led here by `use`, outermost first. */
  private statement(
    statement: UseStatement | MessageRule | GrantRule,
    module: Module,
    environment: Environment,
    within: readonly InterfaceStatement[],
  ): void {
    if (statement.kind === "use") this.use(statement, module, environment, within);
    else if (statement.kind === "grant") this.grantRule(statement, module, environment);
    else this.messageRule(statement, module, environment);
  }

  /**
   * Whether the module may speak of these pairs. Rules of an interface that another module uses
   * were checked where they stand, with parameters in the place of classes. A module that uses its
   * own interface could as well write its rules.
   */
  private mayPair(
    kind: "allow" | "grant" | "require",
    module: Module,
    subjects: readonly PolicyClass[],
    targets: readonly PolicyClass[],
    span: Span,
    environment: Environment,
  ): boolean {
    const isUsedByOther = environment.user !== undefined && environment.user !== module;
    if (!this.isChecking && isUsedByOther) return true;
    return mayPair(kind, module.name.text, subjects, targets, span, this.names);
  }

  /** What is wrong with the interfaces of a module by themselves. */
  checkOffers(module: Module): void {
    for (const statement of module.statements) {
      if (statement.kind !== "interface") continue;
      this.checkParameters(statement, module);
      this.checkCircle(statement, module, []);
      const owner = statement.isOpen ? undefined : module.name.text;
      const classes = new Map(
        statement.parameters
          .filter(({ range }) => range === undefined)
          .map(({ text, span }) => [text, parameterClass(text, span, owner)]),
      );
      const ranges = this.rangesOf(statement, module);
      this.isChecking = true;
      // A rule that means something for the least and for the greatest values means something.
      for (const end of ranges.size === 0 ? (["low"] as const) : (["low", "high"] as const)) {
        const values = new Map([...ranges].map(([name, range]) => [name, range[end]]));
        for (const inner of statement.statements)
          this.statement(inner, module, { classes, values, user: module }, [statement]);
      }
      this.isChecking = false;
    }
  }

  private checkParameters(statement: InterfaceStatement, module: Module): void {
    const seen = new Set<string>();
    const constants = this.names.constantsOf(module.name.text);
    for (const { text, span, range } of statement.parameters) {
      if (seen.has(text)) this.names.refuse(span, `the parameter \`${text}\` is named twice`);
      if (this.names.classes.has(text))
        this.names.refuse(
          span,
          `the parameter \`${text}\` has the name of a class`,
          "parameters start with a small letter",
        );
      if (range !== undefined && constants.has(text))
        this.names.refuse(
          span,
          `the parameter \`${text}\` has the name of a constant`,
          "give one of them another name",
        );
      seen.add(text);
    }
  }

  /** What values can be given to the interface, by name. */
  private rangesOf(statement: InterfaceStatement, module: Module): ReadonlyMap<string, Range> {
    const known = this.ranges.get(statement);
    if (known !== undefined) return known;
    const ranges = new Map<string, Range>();
    for (const { text, span, range } of statement.parameters) {
      if (range === undefined) continue;
      const low = this.valueOf(range.low, module, NOTHING);
      const high = this.valueOf(range.high, module, NOTHING);
      if (low === undefined || high === undefined) continue;
      if (low > high)
        this.names.refuse(span, `the range ${low}..${high} is empty`, `${high}..${low}`);
      else ranges.set(text, { low, high });
    }
    this.ranges.set(statement, ranges);
    return ranges;
  }

  /** Of a number or a constant. */
  private valueOf(
    expression: Expression,
    module: Module,
    environment: Environment,
  ): bigint | undefined {
    const constants = this.names.constantsOf(module.name.text, environment);
    const scope = {
      method: `module ${module.name.text}`,
      side: "request",
      fields: [],
      constants,
    } as const;
    return resolveValue(expression, scope, undefined, this.names.mistakes);
  }

  /**
   * Follows what an interface uses. Each interface is followed once: one that was reached before
   * leads to no circle that has not been reported.
   */
  private checkCircle(
    statement: InterfaceStatement,
    module: Module,
    within: readonly InterfaceStatement[],
  ): void {
    if (this.followed.has(statement)) return;
    if (within.length > USE_DEPTH_MAX)
      return this.names.refuse(statement.name.span, TOO_DEEP, TOO_DEEP_HELP);
    for (const used of statement.statements) {
      if (used.kind !== "use") continue;
      const offer = this.names.offer(used.target, module.name.text);
      if (offer === undefined) continue;
      if (offer.statement === statement || within.includes(offer.statement))
        this.names.refuse(used.span, `\`${written(used.target)}\` uses itself`);
      else this.checkCircle(offer.statement, offer.module, [...within, statement]);
    }
    this.followed.add(statement);
  }

  private use(
    statement: UseStatement,
    module: Module,
    environment: Environment,
    within: readonly InterfaceStatement[],
  ): void {
    const offer = this.names.offer(statement.target, module.name.text);
    if (offer === undefined) return;
    // The circle has been reported.
    if (within.includes(offer.statement)) return;
    if (within.length > USE_DEPTH_MAX)
      return this.names.refuse(statement.span, TOO_DEEP, TOO_DEEP_HELP);
    if (!this.isChecking) this.uses += 1;
    if (this.uses > USES_MAX) {
      if (this.uses === USES_MAX + 1)
        this.names.refuse(
          statement.span,
          `the modules use interfaces more than ${USES_MAX} times`,
          "an interface that uses others multiplies them",
        );
      return;
    }
    const given = this.given(statement, offer, module, environment);
    if (given === undefined || this.isChecking) return;
    for (const used of offer.statement.statements)
      this.statement(used, offer.module, given, [...within, offer.statement]);
  }

  /** What a `use` gives to the parameters of an interface. */
  private given(
    statement: UseStatement,
    offer: Offer,
    module: Module,
    environment: Environment,
  ): Environment | undefined {
    const { parameters } = offer.statement;
    const ranges = this.rangesOf(offer.statement, offer.module);
    const wanted = parameters.filter(({ range }) => range === undefined);
    const paths = statement.arguments.flatMap((one) => (one.kind === "class" ? one.path : []));
    const values = statement.arguments.flatMap((one) => (one.kind === "value" ? one : []));
    const isComplete =
      paths.length === wanted.length &&
      values.length === parameters.length - wanted.length &&
      new Set(values.map(({ name }) => name.text)).size === values.length;
    const unknown = values.find(
      ({ name }) => !parameters.some(({ text, range }) => range && text === name.text),
    );
    if (!isComplete || unknown !== undefined) {
      const takes = parameters.map(({ text }) => {
        const range = ranges.get(text);
        return range === undefined ? text : `${text} = ${range.low}..${range.high}`;
      });
      return this.names.refuse(
        unknown?.name.span ?? statement.span,
        `\`${written(statement.target)}\` takes ${takes.length === 0 ? "nothing" : takes.join(", ")}`,
        `\`use ${written(statement.target)}(${takes.join(", ")})\``,
      );
    }
    const classes = this.names.each(paths, (path) =>
      this.givenClass(path, offer, module, environment),
    );
    if (classes === undefined) return undefined;
    const numbers = new Map<string, bigint>();
    for (const { name, value } of values) {
      const number = this.valueOf(value, module, environment);
      const range = ranges.get(name.text);
      if (number === undefined || range === undefined) return undefined;
      if (number < range.low || number > range.high)
        return this.names.refuse(
          value.span,
          `${number} is not in the range of \`${name.text}\``,
          `${range.low} to ${range.high}`,
        );
      numbers.set(name.text, number);
    }
    return {
      classes: new Map(wanted.flatMap(({ text }, i) => (classes[i] ? [[text, classes[i]]] : []))),
      values: numbers,
      user: environment.user ?? module,
    };
  }

  /**
   * Others' interfaces are used for classes of the module. An open interface hands its parameters
   * on only to open ones of its module: what is not open was checked for classes of the module.
   */
  private givenClass(
    path: Path,
    offer: Offer,
    module: Module,
    environment: Environment,
  ): PolicyClass | undefined {
    const given = this.names.class(path, environment);
    if (given === undefined || (!this.isChecking && environment !== NOTHING)) return given;
    if (given.module === module.name.text) return given;
    const isOwn = offer.module === module;
    if (isOwn && (offer.statement.isOpen || !isParameter(given))) return given;
    if (!isParameter(given))
      return this.names.refuse(
        path.span,
        `${given.name} does not belong to the module ${module.name.text}`,
        given.module === undefined
          ? "an interface is used for classes of the module"
          : `ask the module ${given.module}: a module uses interfaces for its own classes`,
      );
    return this.names.refuse(
      path.span,
      `\`${given.name}\` stands for a class of another module`,
      isOwn
        ? `\`open interface ${offer.statement.name.text}(…)\``
        : `let that module use ${written({ segments: [offer.module.name, offer.statement.name], span: path.span })}`,
    );
  }

  private executeRule(statement: ExecuteRule, module: Module): void {
    const subject = this.names.class(statement.subject);
    if (subject === undefined) return;
    if (subject.span === undefined) {
      this.names.refuse(
        statement.subject.span,
        "only a class that a policy file declares can run a program",
      );
      return;
    }
    if (subject.module !== module.name.text) {
      this.names.refuse(
        statement.subject.span,
        `${subject.name} does not belong to the module ${module.name.text}`,
        `ask the module ${subject.module}: it says what runs as its classes`,
      );
      return;
    }
    this.executeNamed.push({
      classId: subject.id,
      program: statement.program.text,
      span: statement.span,
      text: statement.text,
    });
    const program = this.programs.indexOf(statement.program.text);
    if (program < 0) {
      // A module may serve several images: without a slot of the class, this one does not have the
      // program either.
      if (this.names.hasSlot(subject))
        this.names.refuse(
          statement.program.span,
          `the image has no program \`${statement.program.text}\``,
          () => didYouMean(statement.program.text, this.programs),
        );
      return;
    }
    if (this.execute.some((grant) => grant.classId === subject.id && grant.program === program))
      return;
    const rule = this.add({
      kind: "execute",
      isRequire: false,
      events: RULE_EVENTS_EXECUTE,
      recorded: 0,
      methods: 1n,
      interfaceId: INTERFACE_EXECUTE,
      condition: undefined,
      read: undefined,
      pairs: [],
      span: statement.span,
      text: statement.text,
    });
    this.execute.push({ classId: subject.id, program, rule });
  }

  private grantRule(statement: GrantRule, module: Module, environment: Environment): void {
    const subjects = this.names.subjects(statement.subjects, environment);
    const bits = this.names.permissionBits(statement.methods);
    const targets = this.targets(statement.targets, environment);
    if (subjects === undefined || targets === undefined || bits === 0n) return;
    const named = targets.find((target) => target.targetInterface !== undefined);
    if (named !== undefined) {
      this.names.refuse(
        named.path.span,
        "a permission is over the objects of a class, not over an interface",
        `\`${named.policyClass.name}\``,
      );
      return;
    }
    if (!this.admits(subjects.length * targets.length, statement.span)) return;
    if (subjects.some((subject) => subject.id === CLASS_KERNEL)) {
      return this.names.refuse(
        statement.subjects.span,
        "the kernel needs no permission",
        "name classes of programs",
      );
    }
    const objects = targets.map((target) => target.policyClass);
    if (!this.mayPair("grant", module, subjects, objects, statement.span, environment)) return;
    const pairs = subjects.flatMap((subject) =>
      objects.map((target) => [subject.id, target.id] as const),
    );
    this.add({
      kind: "permission",
      isRequire: false,
      events: 1 << Event.Request,
      recorded: 0,
      methods: bits,
      interfaceId: INTERFACE_PERMISSIONS,
      condition: undefined,
      read: undefined,
      pairs,
      span: statement.span,
      text: statement.text,
    });
  }

  private messageRule(statement: MessageRule, module: Module, environment: Environment): void {
    const subjects = this.names.subjects(statement.subjects, environment);
    const targets = this.targets(statement.targets, environment);
    if (subjects === undefined || targets === undefined) return;
    if (!this.isRule(statement)) return;
    const kind = statement.isRequire ? "require" : "allow";
    const classes = targets.map((target) => target.policyClass);
    if (!this.mayPair(kind, module, subjects, classes, statement.span, environment)) return;
    // One rule for each interface that the targets speak.
    const byInterface = new Map<
      number,
      { readonly targetInterface: Interface; readonly classes: PolicyClass[] }
    >();
    for (const target of targets) {
      // What a parameter serves is known where the interface is used.
      if (target.targetInterface === undefined && isParameter(target.policyClass)) continue;
      const targetInterface = target.targetInterface ?? this.onlyInterface(target);
      if (targetInterface === undefined) return;
      const entry = byInterface.get(targetInterface.id) ?? { targetInterface, classes: [] };
      byInterface.set(targetInterface.id, entry);
      if (!entry.classes.includes(target.policyClass)) entry.classes.push(target.policyClass);
    }
    for (const entry of byInterface.values())
      this.rulesOn(statement, module, subjects, entry.classes, entry.targetInterface, environment);
  }

  /** Whether the clauses of a rule go together. */
  private isRule(statement: MessageRule): boolean {
    const { isRequire, events, boundIf, condition, effects, audit } = statement;
    const refuse = (span: Span, message: string, help: string): boolean =>
      this.names.refuse(span, message, help) ?? false;
    const ended = events.find(({ name }) => name === "ended");
    if (ended !== undefined && !isRequire)
      return refuse(
        ended.span,
        "`ended` is not judged: an `allow` of it says nothing",
        "it follows each granted request that gets no response and no error",
      );
    if (ended !== undefined && condition !== undefined)
      return refuse(
        condition.span,
        "`ended` is not judged: its rules have no `when`",
        "name the events that are judged: `request`, `response`, `error`",
      );
    if (!isRequire && boundIf !== undefined)
      return refuse(boundIf.span, "an `allow` has no `if`", "write `when`");
    const [effect] = effects;
    if (effect !== undefined)
      return isRequire
        ? refuse(
            effect.span,
            `\`then ${effect.text}\` is not built yet: policies have no state`,
            "leave the effect out",
          )
        : refuse(
            effect.span,
            "an `allow` changes no state",
            "write a `require` with `then` beside it",
          );
    if (isRequire && condition === undefined)
      return refuse(
        statement.span,
        "a `require` without `when` narrows nothing",
        "add a condition, or write `allow`",
      );
    if (isRequire && audit)
      return refuse(
        statement.span,
        "a `require` grants nothing that could be recorded",
        "write `audit` behind an `allow`",
      );
    return true;
  }

  private rulesOn(
    statement: MessageRule,
    module: Module,
    subjects: readonly PolicyClass[],
    classes: readonly PolicyClass[],
    targetInterface: Interface,
    environment: Environment,
  ): void {
    const { names } = this;
    const methods = names.methodBits(targetInterface, statement.methods);
    if (methods === 0n) {
      if (statement.methods.all)
        names.refuse(
          statement.methods.span,
          `the interface ${targetInterface.name} has no methods`,
        );
      return;
    }
    const written = statement.events[0];
    if (written !== undefined && classes.some((policyClass) => policyClass.id < CLASS_KERNEL)) {
      names.refuse(
        written.span,
        "a kernel method is one decision: its request and response cannot be allowed separately",
        "leave the event out",
      );
      return;
    }
    if (
      targetInterface.id !== FAULT_INTERFACE &&
      subjects.some((subject) => subject.id === CLASS_KERNEL)
    ) {
      return names.refuse(
        statement.subjects.span,
        `the kernel sends nothing by ${targetInterface.name}: the rule could never apply`,
        "its messages are `Fault.fault`",
      );
    }
    if (!this.admits(subjects.length * classes.length, statement.span)) return;
    const events =
      statement.events.reduce((bits, event) => bits | (1 << EVENT_NUMBERS[event.name]), 0) ||
      JUDGED_EVENTS;
    const pairs = subjects.flatMap((subject) =>
      classes.map((target) => [subject.id, target.id] as const),
    );
    // One record for a call: of its request, if the rule covers requests.
    const recorded = !statement.audit
      ? 0
      : (events & (1 << Event.Request)) !== 0
        ? 1 << Event.Request
        : events;
    const common = {
      kind: "message",
      isRequire: statement.isRequire,
      recorded,
      interfaceId: targetInterface.id,
      pairs,
      span: statement.span,
      text: statement.text,
    } as const;
    if (statement.condition === undefined) {
      this.add({ ...common, events, methods, condition: undefined, read: undefined });
      return;
    }
    if (statement.events.length > 1) {
      names.refuse(
        statement.condition.span,
        "a condition reads one event, and the rule has several",
        "write a rule for each",
      );
      return;
    }
    const event = judged(written?.name ?? "request");
    const read = EVENT_NUMBERS[event];
    const expression = narrowed(statement.condition, statement.boundIf);
    const constants = names.constantsOf(module.name.text, environment);
    for (const [bits, condition] of this.conditions(
      expression,
      targetInterface,
      methods,
      event,
      constants,
    )) {
      // Without events an `allow` leaves response and error as they are; a `require` has nothing to
      // say of them.
      this.add({
        ...common,
        events: statement.isRequire ? 1 << read : events,
        methods: bits,
        condition,
        read,
      });
    }
  }

  /** The condition for each method; methods in whose messages it reads the same words share one. */
  private conditions(
    expression: Expression,
    targetInterface: Interface,
    methods: bigint,
    event: JudgedEventName,
    constants: ReadonlyMap<string, bigint>,
  ): readonly (readonly [bigint, Condition])[] {
    const shared = new Map<string, { bits: bigint; readonly condition: Condition }>();
    for (const method of targetInterface.methods) {
      const bit = 1n << BigInt(method.number);
      if ((methods & bit) === 0n) continue;
      const scope = {
        method: `${targetInterface.name}.${method.name}`,
        side: event,
        fields: fieldsOf(targetInterface, method, event),
        constants,
      };
      const condition = resolveCondition(expression, scope, this.names.mistakes);
      if (condition === undefined) return [];
      const key = conditionKey(condition);
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
    if (only !== undefined)
      return this.names.refuse(
        target.path.span,
        `${name} serves several interfaces`,
        served.map((known) => `\`${name}.${known.name}\``).join(" or "),
      );
    return this.names.refuse(
      target.path.span,
      this.names.hasSlot(target.policyClass)
        ? `${name} serves nothing`
        : `the image has no slot of class ${name}, so its interface must be named`,
      `\`${name}.Interface\``,
    );
  }

  private targets(classes: Classes, environment: Environment): readonly Target[] | undefined {
    if (classes.kind === "any")
      return this.names.refuse(
        classes.span,
        "a rule names its targets: `any` is for subjects",
        "name the classes, or write a `never`",
      );
    return this.names.each(classes.paths, (path) => {
      const target = this.names.target(path, environment);
      if (target?.policyClass.id === CLASS_KERNEL)
        return this.names.refuse(
          path.span,
          "`kernel` sends messages; it receives none",
          "the kernel's services are `kernel.Domain`, `kernel.Clock`, …",
        );
      return target;
    });
  }

  /** Whether so many more pairs of classes can be bound to rules: the kernel verifies each. */
  private admits(pairs: number, span: Span): boolean {
    if (!this.isChecking) this.bindings += pairs;
    if (this.bindings <= BINDINGS_MAX) return true;
    return (
      this.names.refuse(
        span,
        `up to this rule the policies bind ${this.bindings} pairs of classes`,
        `at most ${BINDINGS_MAX}: name fewer classes in one rule`,
      ) ?? false
    );
  }

  private add(rule: Omit<Rule, "number" | "origin">): number {
    const number = this.rules.length;
    if (!this.isChecking) this.rules.push({ number, origin: this.origin, ...rule });
    return number;
  }
}

/** No rule that is left speaks of `ended`: `isRule`. */
function judged(event: EventName): JudgedEventName {
  if (event === "ended") throw new Error("a rule on `ended` was not refused");
  return event;
}

/** The values that a parameter can have. */
interface Range {
  readonly low: bigint;
  readonly high: bigint;
}

/** Where `boundIf` does not hold, a `require` is not bound: it grants. */
function narrowed(condition: Expression, boundIf: Expression | undefined): Expression {
  if (boundIf === undefined) return condition;
  const { span } = boundIf;
  const left: Expression = { kind: "not", operand: boundIf, span };
  return { kind: "binary", operator: "or", left, right: condition, span };
}

/** What a condition on that event can read. */
export function fieldsOf(
  targetInterface: Interface,
  method: Method,
  event: JudgedEventName,
): readonly Field[] {
  if (event === "request") return method.request;
  if (event === "response") return method.response;
  // Errors are numbered from 1.
  return [
    {
      name: "error",
      kind: "unsigned",
      max: BigInt(targetInterface.errors.length),
      word: 0,
      type: "enumeration",
      names: ["", ...targetInterface.errors],
    },
  ];
}
