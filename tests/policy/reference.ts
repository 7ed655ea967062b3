/**
 * What a policy means, written from policy/language.md and the interfaces' descriptions alone. It
 * shares nothing with the compiler or the kernel: no words, masks, programs or numbers of rules. A
 * field has a name and a value, and a rule is known by its line.
 */
import type { FieldType, InterfaceDescription } from "../../toolchain/vocabulary/interface.ts";
import type {
  Condition,
  EventName,
  Expectation,
  Field,
  GrantRule,
  MessageRule,
  Operand,
  Statement,
  Subjects,
} from "./statements.ts";

export interface World {
  /** Classes that the policy declares. */
  readonly classes: readonly string[];
  readonly interfaces: readonly InterfaceDescription[];
  /** Classes that serve an interface, by its name. */
  readonly servers: ReadonlyMap<string, readonly string[]>;
}

export interface Message {
  readonly event: EventName;
  readonly subject: string;
  readonly target: string;
  readonly interfaceName: string;
  readonly method: string;
  /** Numbers of scalars, places of names, lengths of texts; the error's number as `error`. */
  readonly values: ReadonlyMap<Field, bigint>;
  /** Classes of the objects that its handles are to. */
  readonly objects: ReadonlyMap<Field, string>;
  /** Not as the interface says. */
  readonly isMalformed: boolean;
}

type Verdict =
  | { readonly kind: "malformed" }
  /** By the statements with these lines, as far as they ask for a record. */
  | { readonly kind: "granted"; readonly recorded: readonly number[] }
  /** `line` of the statement that a denial names. */
  | { readonly kind: "denied"; readonly line: number | undefined };

type Why =
  | { readonly kind: "denied" }
  | { readonly kind: "allowed" | "depends"; readonly line: number };

/** A statement with its line. */
interface Placed<T> {
  readonly line: number;
  readonly statement: T;
}

interface Call {
  readonly subject: string;
  readonly target: string;
  readonly interfaceName: string;
  readonly method: string;
}

/** `firstLine`: of the first statement; each has a line. */
export class Reference {
  private readonly world: World;
  private readonly rules: readonly Placed<MessageRule>[];
  private readonly permissions: readonly GrantRule[];

  constructor(world: World, statements: readonly Statement[], firstLine: number) {
    this.world = world;
    const placed = statements.map((statement, i) => ({ line: firstLine + i, statement }));
    this.rules = placed.flatMap(({ line, statement }) =>
      statement.kind === "grant" ? [] : { line, statement },
    );
    this.permissions = placed.flatMap(({ statement }) =>
      statement.kind === "grant" ? statement : [],
    );
  }

  judge(message: Message): Verdict {
    if (message.isMalformed) return { kind: "malformed" };
    const sender = message.event === "request" ? message.subject : message.target;
    for (const object of message.objects.values())
      if (!this.has(sender, object, "transfer")) return { kind: "denied", line: undefined };
    return this.judgeRules(message);
  }

  has(subject: string, object: string, permission: string): boolean {
    return this.permissions.some(
      ({ subjects, target, permissions }) =>
        this.covers(subjects, subject) &&
        target === object &&
        (permissions === "*" || permissions.includes(permission)),
    );
  }

  /** Whether the kernel grants the method's request and response without running rules. */
  isCached(call: Call): boolean {
    return (["request", "response"] as const).every((event) => {
      const bound = this.bound(call, event);
      return (
        bound.some(({ statement }) => statement.kind === "allow" && !reads(statement, event)) &&
        !bound.some(({ statement }) => statement.kind === "require" || records(statement, event))
      );
    });
  }

  why(call: Call, event: EventName): Why {
    const bound = this.bound(call, event);
    const allows = bound.filter(({ statement }) => statement.kind === "allow");
    const [first] = allows;
    if (first === undefined) return { kind: "denied" };
    const free = allows.find(({ statement }) => !reads(statement, event));
    if (free === undefined) return { kind: "depends", line: first.line };
    const narrowing = bound.find(({ statement }) => statement.kind === "require");
    return narrowing === undefined
      ? { kind: "allowed", line: free.line }
      : { kind: "depends", line: narrowing.line };
  }

  /** Whether an `expect` holds. */
  holds(expectation: Expectation): boolean {
    const event = expectation.event ?? "request";
    const values = new Map(expectation.values);
    // Number 0 is no error: the first is the least.
    if (event === "error" && !values.has("error")) values.set("error", 1n);
    for (const [field, type] of this.fields(expectation, event))
      if (type.kind !== "handle" && !values.has(field)) values.set(field, 0n);
    const verdict = this.judgeRules({
      ...expectation,
      event,
      values,
      objects: new Map(),
      isMalformed: false,
    });
    const handles = this.sendable(expectation, event, expectation.owners);
    const allowed = verdict.kind === "granted" ? handles : "denied";
    if (!expectation.allow) return allowed === "denied";
    if (allowed !== "granted" || expectation.event !== undefined) return allowed === "granted";
    // And some response could be granted.
    return (
      this.bound(expectation, "response").some(({ statement }) => statement.kind === "allow") &&
      this.sendable(expectation, "response", new Map()) !== "denied"
    );
  }

  /** Whether the sender of such a message may transfer its handles. */
  private sendable(
    call: Call,
    event: EventName,
    owners: ReadonlyMap<Field, string>,
  ): "granted" | "denied" | "depends" {
    const sender = event === "request" ? call.subject : call.target;
    const answers = this.fields(call, event).flatMap(([field, type]) => {
      if (type.kind !== "handle") return [];
      const servers = this.world.servers.get(type.to);
      // An object of the kernel has the class of its type.
      const owner = servers === undefined ? `kernel.${type.to}` : owners.get(field);
      const may = (name: string): boolean => this.has(sender, name, "transfer");
      if (owner !== undefined) return may(owner) ? "granted" : "denied";
      if (!this.world.classes.some(may)) return "denied";
      return servers!.length > 0 && servers!.every(may) ? "granted" : "depends";
    });
    if (answers.includes("denied")) return "denied";
    return answers.includes("depends") ? "depends" : "granted";
  }

  private judgeRules(message: Message): Verdict {
    const bound = this.bound(message, message.event).filter(
      ({ statement }) =>
        statement.boundIf === undefined || isTrue(statement.boundIf, this.scope(message)),
    );
    const holding = bound.filter(
      ({ statement }) =>
        !reads(statement, message.event) || isTrue(statement.when!, this.scope(message)),
    );
    const granting = holding.filter(({ statement }) => statement.kind === "allow");
    if (granting.length === 0)
      return {
        kind: "denied",
        line: bound.find(({ statement }) => statement.kind === "allow")?.line,
      };
    const failing = bound.find(
      (rule) => rule.statement.kind === "require" && !holding.includes(rule),
    );
    if (failing !== undefined) return { kind: "denied", line: failing.line };
    const recorded = granting.filter(({ statement }) => records(statement, message.event));
    return { kind: "granted", recorded: recorded.map(({ line }) => line) };
  }

  /** Without regard to `if`. */
  private bound(call: Call, event: EventName): readonly Placed<MessageRule>[] {
    return this.rules.filter(
      ({ statement }) =>
        this.covers(statement.subjects, call.subject) &&
        statement.target === call.target &&
        statement.interfaceName === call.interfaceName &&
        (statement.methods === "*" || statement.methods.includes(call.method)) &&
        (statement.kind === "require" ? reads(statement, event) : names(statement, event)),
    );
  }

  private covers(subjects: Subjects, subject: string): boolean {
    if (subjects.members !== undefined) return subjects.members.includes(subject);
    return this.world.classes.includes(subject) && !subjects.except.includes(subject);
  }

  private fields(call: Call, event: EventName): readonly (readonly [Field, FieldType])[] {
    return fieldsOf(this.world, call.interfaceName, call.method, event);
  }

  private scope(message: Message): Scope {
    const fields = new Map(this.fields(message, message.event));
    return (operand) => {
      switch (operand.kind) {
        case "number":
          return operand.value;
        case "length":
          return message.values.get(operand.field)!;
        case "field": {
          const value = message.values.get(operand.field)!;
          return operand.mask === undefined ? value : BigInt.asUintN(64, value) & operand.mask;
        }
        case "name":
          return placeOf(operand.name, fields);
      }
    };
  }
}

type Scope = (operand: Operand) => bigint;

export function fieldsOf(
  world: World,
  interfaceName: string,
  method: string,
  event: EventName,
): readonly (readonly [Field, FieldType])[] {
  const known = world.interfaces.find(({ name }) => name === interfaceName)!;
  const { takes, returns } = known.methods[method]!;
  if (event === "request") return Object.entries(takes ?? {});
  if (event === "response") return Object.entries(returns ?? {});
  return [["error", { kind: "enumeration", names: ["", ...(known.errors ?? [])] }]];
}

function placeOf(name: string, fields: ReadonlyMap<Field, FieldType>): bigint {
  if (name === "true" || name === "false") return name === "true" ? 1n : 0n;
  for (const type of fields.values())
    if (type.kind === "enumeration" && type.names.includes(name))
      return BigInt(type.names.indexOf(name));
  throw new Error(`no field has a name ${name}`);
}

/** Without events an `allow` names all three. */
function names(rule: MessageRule, event: EventName): boolean {
  return rule.events.length === 0 || rule.events.includes(event);
}

/** A rule with a condition reads the one event that it names, or the request. */
function reads(rule: MessageRule, event: EventName): boolean {
  return rule.when !== undefined && (rule.events[0] ?? "request") === event;
}

/** One record for a call: of its request, or, if the rule covers none, of the events it names. */
function records(rule: MessageRule, event: EventName): boolean {
  if (!rule.audit) return false;
  return names(rule, "request") ? event === "request" : names(rule, event);
}

function isTrue(condition: Condition, scope: Scope): boolean {
  switch (condition.kind) {
    case "and":
      return isTrue(condition.left, scope) && isTrue(condition.right, scope);
    case "or":
      return isTrue(condition.left, scope) || isTrue(condition.right, scope);
    case "not":
      return !isTrue(condition.inner, scope);
    case "truth":
      return scope({ kind: "field", field: condition.field }) === 1n;
    case "range": {
      const value = scope(condition.left);
      return condition.low <= value && value <= condition.high;
    }
    case "members": {
      const value = scope(condition.left);
      return condition.members.some((member) => scope(member) === value);
    }
    case "compare": {
      const [left, right] = [scope(condition.left), scope(condition.right)];
      return {
        "==": left === right,
        "!=": left !== right,
        "<": left < right,
        "<=": left <= right,
        ">": left > right,
        ">=": left >= right,
      }[condition.operator];
    }
  }
}
