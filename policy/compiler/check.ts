/**
 * `never`: what no rule of any module may make possible. Judges every member of every list, and a
 * class's own pair like any other.
 */
import { CLASS_KERNEL, INTERFACE_PERMISSIONS } from "../../kernel/abi/blob.ts";
import { Event } from "../../kernel/abi/event.ts";
import { ObjectType } from "../../kernel/abi/object.ts";
import { didYouMean } from "../../toolchain/report/suggest.ts";
import { type Matrix, isBound } from "./close.ts";
import {
  type FlowGraph,
  SINKS,
  type SharedObject,
  chains,
  flowGraph,
  sharedObjects,
} from "./flow.ts";
import { type Interface, type Model, PERMISSION_NAMES, type PolicyClass } from "./model.ts";
import { Names, written } from "./names.ts";
import type { Classes, Methods, Name, NeverStatement, Path, Span } from "./syntax.ts";

/** Names rules that a broken `never` lists: more would hide the first. */
const RULES_SHOWN = 3;

/**
 * Types of objects that a permission is about; all for those that are not here. An endpoint has its
 * owner's class.
 */
const PERMISSION_OBJECTS: Readonly<Record<string, readonly ObjectType[]>> = {
  map_read: [ObjectType.Memory],
  map_write: [ObjectType.Memory],
  seal: [ObjectType.Memory],
  signal: [ObjectType.Notice],
  bind: [ObjectType.Notice, ObjectType.Interrupt, ObjectType.Clock],
  ports: [ObjectType.Ports],
};

/** What a `never` forbids: a class, or one interface of it, or some methods. */
interface Forbidden {
  readonly policyClass: PolicyClass;
  readonly targetInterface: Interface | undefined;
  /** Bits; undefined for all. */
  readonly methods: bigint | undefined;
}

/** A rule as a message quotes it. */
interface Quoted {
  readonly span: Span;
  readonly text: string;
}

/** Checks every `never`. Each that does not hold becomes a mistake of `names`. */
export function checkNevers(model: Model, matrix: Matrix, names: Names): void {
  new NeverChecker(model, matrix, names).check();
}

class NeverChecker {
  private readonly model: Model;
  private readonly matrix: Matrix;
  private readonly names: Names;
  private objects: readonly SharedObject[] | undefined;
  private graph: FlowGraph | undefined;

  constructor(model: Model, matrix: Matrix, names: Names) {
    this.model = model;
    this.matrix = matrix;
    this.names = names;
  }

  check(): void {
    for (const { statement } of this.model.nevers) {
      if (statement.form === "flow") this.checkFlow(statement);
      else if (statement.form === "execute") this.checkExecute(statement);
      else if (statement.form === "grant") this.checkGrant(statement);
      else this.checkMessage(statement);
    }
  }

  private checkExecute(statement: NeverStatement & { readonly form: "execute" }): void {
    const subjects = subjectsOf(statement.subjects, this.names);
    const program = knownProgram(statement.program, this.model, this.names);
    if (subjects === undefined || program === undefined) return;
    for (const subject of subjects) {
      const rules = this.model.executeNamed.filter(
        (rule) => rule.classId === subject.id && rule.program === program,
      );
      if (rules.length > 0) this.broken(statement, `${subject.name} may run ${program}`, rules);
    }
  }

  private checkGrant(statement: NeverStatement & { readonly form: "grant" }): void {
    const subjects = subjectsOf(statement.subjects, this.names);
    const targets = this.objectClasses(statement.targets);
    const bits = this.names.permissionBits(statement.methods);
    if (
      subjects === undefined ||
      targets === undefined ||
      bits === 0n ||
      !permissionsApply(statement.methods, targets, this.names)
    )
      return;
    for (const subject of subjects) {
      for (const target of targets) {
        const rules = (
          this.matrix.find(subject.id, target.id, INTERFACE_PERMISSIONS)?.rules ?? []
        ).filter((rule) => (rule.methods & bits) !== 0n);
        const granted = rules.reduce((all, rule) => all | rule.methods, 0n) & bits;
        const permissions = PERMISSION_NAMES.filter(
          (_, number) => (granted >> BigInt(number)) & 1n,
        );
        if (rules.length > 0)
          this.broken(
            statement,
            `${subject.name} has ${permissions.join(", ")} over objects of ${target.name}`,
            rules,
          );
      }
    }
  }

  private checkMessage(statement: NeverStatement & { readonly form: "message" }): void {
    const subjects = subjectsOf(statement.subjects, this.names);
    const targets = forbiddenBy(statement, this.names);
    if (subjects === undefined || targets === undefined) return;
    const isSubject = new Set(subjects.map((subject) => subject.id));
    for (const pair of this.matrix.pairs) {
      if (!isSubject.has(pair.subject)) continue;
      for (const target of targets) {
        if (target.policyClass.id === pair.target) this.checkPair(statement, pair, target);
      }
    }
    this.checkObjects(
      statement,
      isSubject,
      new Set(targets.filter(isWhole).map((target) => target.policyClass.id)),
    );
  }

  private checkPair(
    statement: NeverStatement,
    pair: Matrix["pairs"][number],
    target: Forbidden,
  ): void {
    const subject = this.model.classes[pair.subject]?.name ?? "";
    if (pair.interfaceId === INTERFACE_PERMISSIONS) {
      if (isWhole(target))
        this.broken(
          statement,
          `${subject} has permissions over objects of ${target.policyClass.name}`,
          pair.rules,
        );
      return;
    }
    const targetInterface = this.model.interfaces.find((known) => known.id === pair.interfaceId);
    if (
      targetInterface === undefined ||
      (target.targetInterface !== undefined && target.targetInterface.id !== targetInterface.id)
    )
      return;
    const allowing = pair.rules.filter((rule) => !rule.isRequire);
    const method = targetInterface.methods.find(
      ({ number }) =>
        (target.methods === undefined || ((target.methods >> BigInt(number)) & 1n) === 1n) &&
        allowing.some((rule) => isBound(rule, Event.Request, number)),
    );
    if (method === undefined) return;
    const rules = allowing.filter((rule) => isBound(rule, Event.Request, method.number));
    this.broken(
      statement,
      `${subject} may call ${target.policyClass.name}.${targetInterface.name}.${method.name}`,
      rules,
    );
  }

  /** Memory and notices reach a class as well as messages do. */
  private checkObjects(
    statement: NeverStatement,
    subjects: ReadonlySet<number>,
    targets: ReadonlySet<number>,
  ): void {
    if (targets.size === 0) return;
    this.objects ??= sharedObjects(this.model, this.matrix);
    const told = new Set<string>();
    for (const { what, writers, readers } of this.objects) {
      for (const [writer, rule] of writers) {
        if (rule === undefined || !subjects.has(writer)) continue;
        for (const reader of readers.keys()) {
          const because = `${this.model.classes[writer]?.name} may reach ${this.model.classes[reader]?.name} through ${what}`;
          if (reader === writer || !targets.has(reader) || told.has(because)) continue;
          told.add(because);
          this.broken(statement, because, [rule]);
        }
      }
    }
  }

  private checkFlow(statement: NeverStatement & { readonly form: "flow" }): void {
    const from = this.flowEnds(statement.subjects);
    const to = this.flowEnds(statement.targets);
    const through = this.names.each(statement.through, (path) => this.flowEnd(path));
    if (from === undefined || to === undefined || through === undefined) return;
    const both = from.find((name) => to.includes(name));
    if (both !== undefined) {
      const help = `all instances of a class are one end: leave it out on one side, as in \`any except ${both}\``;
      this.names.refuse(
        statement.span,
        `\`${statement.text}\` can never hold: ${both} is on both sides`,
        help,
      );
      return;
    }
    for (const [i, name] of through.entries()) {
      if (!from.includes(name) && !to.includes(name)) continue;
      const span = statement.through[i]?.span ?? statement.span;
      this.names.refuse(
        span,
        `${name} is an end of the flow: \`through\` it says nothing`,
        "leave it out, here or there",
      );
      return;
    }
    this.graph ??= flowGraph(this.model, this.matrix);
    for (const chain of chains(this.graph, from, new Set(to), new Set(through))) {
      const steps = chain.map(
        (flow) => `${flow.from} -> ${flow.to} (${flow.how}, ${flow.span.file}:${flow.span.line})`,
      );
      const help =
        "take one of these rules away, or name the class that may pass it on: `except through …`";
      this.names.refuse(
        statement.span,
        `\`${statement.text}\` does not hold: ${steps.join(", then ")}`,
        help,
      );
    }
  }

  private flowEnds(classes: Classes): readonly string[] | undefined {
    if (classes.kind === "any")
      return subjectsOf(classes, this.names)?.map((policyClass) => policyClass.name);
    return this.names.each(classes.paths, (path) => this.flowEnd(path));
  }

  /** A class of programs, or one of the kernel's sinks. */
  private flowEnd(path: Path): string | undefined {
    const policyClass = this.names.class(path);
    if (
      policyClass === undefined ||
      policyClass.span !== undefined ||
      SINKS.includes(policyClass.name)
    )
      return policyClass?.name;
    return this.names.refuse(
      path.span,
      `information does not stay in ${policyClass.name}: it is no end of a flow`,
      `a class of programs, or one of ${SINKS.join(", ")}`,
    );
  }

  private objectClasses(classes: Classes): readonly PolicyClass[] | undefined {
    if (classes.kind === "any") return subjectsOf(classes, this.names);
    return this.names.each(classes.paths, (path) => this.names.class(path));
  }

  private broken(statement: NeverStatement, because: string, rules: readonly Quoted[]): void {
    const shown = [
      ...new Set(rules.map((rule) => `${rule.span.file}:${rule.span.line}: \`${rule.text}\``)),
    ];
    const more = shown.length > RULES_SHOWN ? ` and ${shown.length - RULES_SHOWN} more` : "";
    this.names.refuse(
      statement.span,
      `\`${statement.text}\` does not hold: ${because}`,
      `by ${shown.slice(0, RULES_SHOWN).join(", ")}${more}`,
    );
  }
}

/** Refuses an empty set: a statement about no class always holds. */
function subjectsOf(classes: Classes, names: Names): readonly PolicyClass[] | undefined {
  const subjects = names.subjects(classes);
  if (subjects?.length === 0)
    return names.refuse(
      classes.span,
      "these are no classes at all, so the statement says nothing",
      "take it out, or except fewer",
    );
  return subjects;
}

/** What the statement forbids to ask; undefined, with an error recorded, if it cannot say so. */
export function forbiddenBy(
  { targets, methods }: NeverStatement & { readonly form: "message" },
  names: Names,
): readonly Forbidden[] | undefined {
  if (targets.kind === "any") {
    const all = subjectsOf(targets, names);
    if (methods !== undefined)
      return names.refuse(
        methods.span,
        "methods need a target that serves them",
        "name the classes",
      );
    return all?.map((policyClass) => ({
      policyClass,
      targetInterface: undefined,
      methods: undefined,
    }));
  }
  return names.each(targets.paths, (path): Forbidden | undefined => {
    const target = names.method(path);
    if (target === undefined) return undefined;
    const { policyClass, targetInterface, method } = target;
    if (policyClass.id === CLASS_KERNEL)
      return names.refuse(
        path.span,
        "`kernel` receives no messages",
        "`kernel.Slots`, `kernel.System`, …",
      );
    if (methods === undefined)
      return {
        policyClass,
        targetInterface,
        methods: method === undefined ? undefined : 1n << BigInt(method.number),
      };
    if (method !== undefined)
      return names.refuse(
        methods.span,
        "the target already names a method",
        `\`${written(path, path.segments.length - 1)} { … }\``,
      );
    const meant = targetInterface ?? onlyOf(policyClass, names);
    if (meant === undefined)
      return names.refuse(
        path.span,
        `which interface of ${policyClass.name} is meant is not clear`,
        `\`${policyClass.name}.Interface { … }\``,
      );
    const bits = names.methodBits(meant, methods);
    return bits === 0n ? undefined : { policyClass, targetInterface: meant, methods: bits };
  });
}

/** Whether the class with all that it serves and owns is meant. */
function isWhole({ targetInterface, methods }: Forbidden): boolean {
  return targetInterface === undefined && methods === undefined;
}

function onlyOf(policyClass: PolicyClass, names: Names): Interface | undefined {
  const [only, another] = names.servedBy(policyClass);
  return another === undefined ? only : undefined;
}

/**
 * The program's name, if the image has it or some rule lets it run; undefined, with an error
 * recorded, for a name that neither knows.
 */
export function knownProgram({ text, span }: Name, model: Model, names: Names): string | undefined {
  const known = new Set([
    ...model.programs.map(({ name }) => name),
    ...model.executeNamed.map(({ program }) => program),
  ]);
  return known.has(text)
    ? text
    : names.refuse(span, `the image has no program \`${text}\``, () => didYouMean(text, known));
}

/**
 * Whether each permission named is one over objects of some of the classes; the first that is not
 * becomes a mistake.
 */
export function permissionsApply(
  methods: Methods,
  targets: readonly PolicyClass[],
  names: Names,
): boolean {
  const useless = methods.names.find(({ text }) => {
    const types = PERMISSION_OBJECTS[text];
    return types !== undefined && !targets.some((target) => types.includes(target.id));
  });
  if (useless === undefined) return true;
  const types = (PERMISSION_OBJECTS[useless.text] ?? []).map(
    (type) => `kernel.${ObjectType[type]}`,
  );
  names.refuse(
    useless.span,
    `no class can have \`${useless.text}\` over objects of ${targets.map((target) => target.name).join(", ")}: this says nothing`,
    `it is over objects of ${types.join(", ")}`,
  );
  return false;
}
