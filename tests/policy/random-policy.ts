/** Random policies, messages and expectations, all of which the compiler takes. */
import type { Random } from "../../toolchain/fuzz/random.ts";
import type { FieldType } from "../../toolchain/vocabulary/interface.ts";
import { type Message, type World, fieldsOf } from "./reference.ts";
import type {
  Condition,
  EventName,
  Expectation,
  Field,
  MessageRule,
  Operand,
  Operator,
  Statement,
  Subjects,
} from "./statements.ts";

const STATEMENTS = 24;
const EVENTS: readonly EventName[] = ["request", "response", "error"];
const OBJECTS = ["kernel.Memory", "kernel.Notice", "Console", "Files"];
const PERMISSIONS = ["transfer", "transfer", "map_read", "signal", "copy"];
const BITS: Readonly<Record<string, readonly [low: bigint, high: bigint]>> = {
  u8: [0n, 0xffn],
  u16: [0n, 0xffffn],
  u32: [0n, 0xffff_ffffn],
  u64: [0n, (1n << 64n) - 1n],
  i32: [-(1n << 31n), (1n << 31n) - 1n],
  i64: [-(1n << 63n), (1n << 63n) - 1n],
  bool: [0n, 1n],
};

/** What a class serves, as the image says. */
interface Served {
  readonly target: string;
  readonly interfaceName: string;
}

export class PolicyGenerator {
  private readonly world: World;
  private readonly served: readonly Served[];
  private readonly random: Random;

  constructor(world: World, served: readonly Served[], random: Random) {
    this.world = world;
    this.served = served;
    this.random = random;
  }

  statements(): readonly Statement[] {
    return Array.from({ length: STATEMENTS }, () => this.statement());
  }

  /** About a pair and a method that some rule names, most of the time. */
  message(statements: readonly Statement[]): Message {
    const { random } = this;
    const call = this.call(statements);
    const events = this.eventsOf(call.interfaceName);
    const event = random.pick(random.chance(50) ? (["request"] as const) : events);
    const fields = fieldsOf(this.world, call.interfaceName, call.method, event);
    const values = new Map<Field, bigint>();
    const objects = new Map<Field, string>();
    for (const [field, type] of fields) {
      if (type.kind === "handle") objects.set(field, this.objectOf(type.to));
      else values.set(field, event === "error" ? this.errorOf(type) : this.valueOf(type));
    }
    return { ...call, event, values, objects, isMalformed: false };
  }

  expectation(statements: readonly Statement[]): Expectation {
    const { random } = this;
    const call = this.call(statements);
    const event = random.chance(50) ? undefined : random.pick(this.eventsOf(call.interfaceName));
    const values = new Map<Field, bigint>();
    const owners = new Map<Field, string>();
    for (const [field, type] of fieldsOf(
      this.world,
      call.interfaceName,
      call.method,
      event ?? "request",
    )) {
      if (random.chance(30)) continue;
      if (type.kind !== "handle")
        values.set(field, event === "error" ? this.errorOf(type) : this.valueOf(type));
      else if (this.world.servers.has(type.to)) owners.set(field, random.pick(this.world.classes));
    }
    return { ...call, allow: random.chance(50), event, values, owners };
  }

  private call(statements: readonly Statement[]) {
    const { random } = this;
    const rules = statements.flatMap((statement) =>
      statement.kind === "grant" ? [] : [statement],
    );
    if (rules.length === 0 || random.chance(15)) {
      const { target, interfaceName } = random.pick(this.served);
      const subject = random.pick(this.world.classes);
      return { subject, target, interfaceName, method: this.methodOf(interfaceName) };
    }
    const { subjects, target, interfaceName, methods } = random.pick(rules);
    return {
      subject: random.pick(subjects.members ?? this.world.classes),
      target,
      interfaceName,
      method: methods === "*" ? this.methodOf(interfaceName) : random.pick(methods),
    };
  }

  private statement(): Statement {
    const { random } = this;
    const subjects = this.subjects();
    if (random.chance(15))
      return {
        kind: "grant",
        subjects,
        target: random.pick(OBJECTS),
        permissions: random.chance(10) ? "*" : [random.pick(PERMISSIONS)],
      };
    const { target, interfaceName } = random.pick(this.served);
    const method = this.methodOf(interfaceName);
    const common = { subjects, target, interfaceName };
    const kind = random.chance(30) ? "require" : "allow";
    const event = random.pick(this.eventsOf(interfaceName));
    const events = random.chance(40) ? [] : [event];
    const scope = this.scopeOf(interfaceName, method, events[0] ?? "request");
    if (scope.length > 0 && (kind === "require" || random.chance(50))) {
      const rule: MessageRule = {
        ...common,
        kind,
        events,
        methods: [method],
        when: this.condition(scope, 2),
        audit: kind === "allow" && random.chance(25),
      };
      return kind === "require" && random.chance(40)
        ? { ...rule, boundIf: this.condition(scope, 1) }
        : rule;
    }
    const listed = EVENTS.filter(() => random.chance(50));
    return {
      ...common,
      kind: "allow",
      events: random.chance(50) ? [] : listed,
      methods: random.chance(15)
        ? "*"
        : [...new Set([method, ...(random.chance(30) ? [this.methodOf(interfaceName)] : [])])],
      audit: random.chance(20),
    };
  }

  private subjects(): Subjects {
    const { random } = this;
    const one = () => random.pick(this.world.classes);
    if (random.chance(20)) return { members: undefined, except: [] };
    if (random.chance(12)) return { members: undefined, except: [...new Set([one(), one()])] };
    return { members: random.chance(25) ? [...new Set([one(), one()])] : [one()], except: [] };
  }

  private methodOf(interfaceName: string): string {
    const known = this.world.interfaces.find(({ name }) => name === interfaceName)!;
    return this.random.pick(Object.keys(known.methods));
  }

  private eventsOf(interfaceName: string): readonly EventName[] {
    const known = this.world.interfaces.find(({ name }) => name === interfaceName)!;
    return known.errors === undefined ? ["request", "response"] : EVENTS;
  }

  private scopeOf(interfaceName: string, method: string, event: EventName) {
    return fieldsOf(this.world, interfaceName, method, event).filter(
      ([, { kind }]) => kind !== "handle",
    );
  }

  private condition(scope: readonly (readonly [Field, FieldType])[], depth: number): Condition {
    const { random } = this;
    if (depth > 0 && random.chance(45)) {
      if (random.chance(30)) return { kind: "not", inner: this.condition(scope, depth - 1) };
      return {
        kind: random.chance(50) ? "and" : "or",
        left: this.condition(scope, depth - 1),
        right: this.condition(scope, depth - 1),
      };
    }
    const [field, type] = random.pick(scope);
    if (type.kind === "enumeration") return this.onNames(field, type.names);
    if (type.kind === "scalar" && type.name === "bool")
      return random.chance(60)
        ? { kind: "truth", field }
        : {
            kind: "compare",
            left: { kind: "field", field },
            operator: random.pick(["==", "!="]),
            right: { kind: "name", name: random.pick(["true", "false"]) },
          };
    return this.onNumber(field, type, scope);
  }

  private onNames(field: Field, all: readonly string[]): Condition {
    const { random } = this;
    // Number 0 is no error.
    const names = all.filter((name) => name !== "");
    const left: Operand = { kind: "field", field };
    const name = (): Operand => ({ kind: "name", name: random.pick(names) });
    if (random.chance(30)) return { kind: "members", left, members: [name(), name()] };
    return { kind: "compare", left, operator: random.pick(["==", "!="]), right: name() };
  }

  private onNumber(
    field: Field,
    type: FieldType,
    scope: readonly (readonly [Field, FieldType])[],
  ): Condition {
    const { random } = this;
    const [low, high] = rangeOf(type);
    const left: Operand =
      type.kind === "scalar" ? { kind: "field", field } : { kind: "length", field };
    const others = scope.filter(
      ([name, other]) => name !== field && isNumber(other) && rangeOf(other)[0] < 0n === low < 0n,
    );
    if (others.length > 0 && random.chance(30)) {
      const [name, other] = random.pick(others);
      const right: Operand =
        other.kind === "scalar" ? { kind: "field", field: name } : { kind: "length", field: name };
      const operator = random.pick<Operator>(["==", "!=", "<", "<=", ">", ">="]);
      return { kind: "compare", left, operator, right };
    }
    if (random.chance(25)) {
      const mask = low < 0n ? this.within(1n, (1n << 64n) - 1n) : this.within(1n, high);
      // A length is read whole: its mask is that of its number.
      if (left.kind === "field" && (low < 0n || (mask & high) !== 0n))
        return this.against({ ...left, mask }, 0n, low < 0n ? mask : mask & allBits(high));
    }
    return this.against(left, low, high);
  }

  /** Neither always true nor always false. */
  private against(left: Operand, low: bigint, high: bigint): Condition {
    const { random } = this;
    if (random.chance(20) && high - low > 3n) {
      const first = this.within(low + 1n, high - 1n);
      return { kind: "range", left, low: first, high: this.within(first, high - 1n) };
    }
    if (random.chance(15))
      return {
        kind: "members",
        left,
        members: [0, 1, 2].map(() => ({ kind: "number", value: this.within(low, high) })),
      };
    const operator = random.pick<Operator>(["==", "!=", "<", "<=", ">", ">="]);
    const value =
      operator === "<" || operator === ">="
        ? this.within(low + 1n, high)
        : operator === "<=" || operator === ">"
          ? this.within(low, high - 1n)
          : this.within(low, high);
    return { kind: "compare", left, operator, right: { kind: "number", value } };
  }

  /** Small numbers mostly, so that messages meet conditions. */
  private within(low: bigint, high: bigint): bigint {
    const { random } = this;
    const span = high - low;
    const offset = (): bigint => (BigInt(random.next()) << 32n) | BigInt(random.next());
    switch (random.below(6)) {
      case 0:
        return low;
      case 1:
        return high;
      case 2:
        return low + (offset() % (span + 1n));
      default: {
        const value = BigInt(random.below(7)) - (low < 0n ? 3n : 0n);
        return value < low ? low : value > high ? high : value;
      }
    }
  }

  private valueOf(type: FieldType): bigint {
    const [low, high] = rangeOf(type);
    return this.within(low, high);
  }

  private errorOf(type: FieldType): bigint {
    return this.within(1n, rangeOf(type)[1]);
  }

  /** A handle to an object of that type, or to an endpoint of any class. */
  private objectOf(to: string): string {
    return this.world.servers.has(to) ? this.random.pick(this.world.classes) : `kernel.${to}`;
  }
}

function isNumber(type: FieldType): boolean {
  if (type.kind === "scalar") return type.name !== "bool";
  return type.kind === "bytes" || type.kind === "text";
}

export function rangeOf(type: FieldType): readonly [low: bigint, high: bigint] {
  switch (type.kind) {
    case "scalar":
      return BITS[type.name]!;
    case "enumeration":
      return [0n, BigInt(type.names.length - 1)];
    case "bytes":
    case "text":
      return [0n, BigInt(type.max)];
    case "handle":
      throw new Error("a handle has no value");
  }
}

function allBits(high: bigint): bigint {
  return (1n << BigInt(high.toString(2).length)) - 1n;
}
