/** Policies as data, for the generator and the reference; `printPolicy` writes their text. */

export type Field = string;

export type Condition =
  | { readonly kind: "and" | "or"; readonly left: Condition; readonly right: Condition }
  | { readonly kind: "not"; readonly inner: Condition }
  | {
      readonly kind: "compare";
      readonly left: Operand;
      readonly operator: Operator;
      readonly right: Operand;
    }
  | {
      readonly kind: "range";
      readonly left: Operand;
      readonly low: bigint;
      readonly high: bigint;
    }
  | { readonly kind: "members"; readonly left: Operand; readonly members: readonly Operand[] }
  | { readonly kind: "truth"; readonly field: Field };

export type Operator = "==" | "!=" | "<" | "<=" | ">" | ">=";

export type Operand =
  | { readonly kind: "field"; readonly field: Field; readonly mask?: bigint }
  | { readonly kind: "length"; readonly field: Field }
  | { readonly kind: "number"; readonly value: bigint }
  | { readonly kind: "name"; readonly name: string };

export type EventName = "request" | "response" | "error";

export interface MessageRule {
  readonly kind: "allow" | "require";
  readonly events: readonly EventName[];
  readonly subjects: Subjects;
  readonly target: string;
  readonly interfaceName: string;
  readonly methods: readonly string[] | "*";
  readonly boundIf?: Condition;
  readonly when?: Condition;
  readonly audit: boolean;
}

export interface GrantRule {
  readonly kind: "grant";
  readonly subjects: Subjects;
  /** `Console`, `kernel.Memory` */
  readonly target: string;
  readonly permissions: readonly string[] | "*";
}

/** Classes by name; undefined for all, less those excepted. */
export interface Subjects {
  readonly members: readonly string[] | undefined;
  readonly except: readonly string[];
}

export interface Expectation {
  readonly allow: boolean;
  readonly event: EventName | undefined;
  readonly subject: string;
  readonly target: string;
  readonly interfaceName: string;
  readonly method: string;
  /** Numbers of fields, lengths of texts. */
  readonly values: ReadonlyMap<Field, bigint>;
  /** Whose endpoints the handles are to. */
  readonly owners: ReadonlyMap<Field, string>;
}

export type Statement = MessageRule | GrantRule;

/** A statement a line, in their order. */
export function printPolicy(statements: readonly Statement[]): string {
  return statements.map(print).join("\n");
}

function print(statement: Statement): string {
  const { subjects } = statement;
  const who =
    subjects.members === undefined
      ? `any${subjects.except.length === 0 ? "" : ` except ${list(subjects.except)}`}`
      : list(subjects.members);
  if (statement.kind === "grant")
    return `grant ${who} -> ${statement.target} ${block(statement.permissions)}`;
  const parts = [
    statement.kind,
    ...(statement.events.length === 0 ? [] : [statement.events.join(", ")]),
    `${who} -> ${statement.target}.${statement.interfaceName} ${block(statement.methods)}`,
    ...(statement.boundIf === undefined ? [] : [`if ${printCondition(statement.boundIf)}`]),
    ...(statement.when === undefined ? [] : [`when ${printCondition(statement.when)}`]),
    ...(statement.audit ? ["audit"] : []),
  ];
  return parts.join(" ");
}

function list(names: readonly string[]): string {
  return names.length === 1 ? names[0]! : `{ ${names.join(", ")} }`;
}

function block(names: readonly string[] | "*"): string {
  return names === "*" ? "{ * }" : `{ ${names.join(", ")} }`;
}

function printCondition(condition: Condition): string {
  switch (condition.kind) {
    case "and":
    case "or":
      return `(${printCondition(condition.left)} ${condition.kind} ${printCondition(condition.right)})`;
    case "not":
      return `not (${printCondition(condition.inner)})`;
    case "compare":
      return `${printOperand(condition.left)} ${condition.operator} ${printOperand(condition.right)}`;
    case "range":
      return `${printOperand(condition.left)} in ${condition.low}..${condition.high}`;
    case "members":
      return `${printOperand(condition.left)} in { ${condition.members.map(printOperand).join(", ")} }`;
    case "truth":
      return condition.field;
  }
}

function printOperand(operand: Operand): string {
  switch (operand.kind) {
    case "field":
      return operand.mask === undefined ? operand.field : `${operand.field} & ${operand.mask}`;
    case "length":
      return `length(${operand.field})`;
    case "number":
      return String(operand.value);
    case "name":
      return operand.name;
  }
}

/** `lengths`: fields that are texts; `names`: of fields whose values have names. */
export function printExpectation(
  { allow, event, subject, target, interfaceName, method, values, owners }: Expectation,
  lengths: ReadonlySet<Field>,
  names: ReadonlyMap<Field, readonly string[]>,
): string {
  const given = [
    ...[...values].map(([field, value]) =>
      lengths.has(field)
        ? `length(${field}) = ${value}`
        : `${field} = ${names.get(field)?.[Number(value)] ?? value}`,
    ),
    ...[...owners].map(([field, owner]) => `${field} = ${owner}`),
  ];
  const what = event === undefined ? "" : `${event} `;
  return `expect ${allow ? "allow" : "deny"} ${what}${subject} -> ${target}.${interfaceName}.${method}(${given.join(", ")})`;
}
