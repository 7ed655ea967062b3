/** What a policy file says, before any name in it means something. */

export interface Span {
  readonly file: string;
  /** Both counted from 1. */
  readonly line: number;
  readonly column: number;
}

export interface Name {
  readonly text: string;
  readonly span: Span;
}

/** `Console.Console.write`, `kernel.Clock`, `Shell`. Never empty. */
export interface Path {
  readonly segments: readonly Name[];
  readonly span: Span;
}

export type Classes =
  | { readonly kind: "any"; readonly except: readonly Path[]; readonly span: Span }
  | { readonly kind: "members"; readonly paths: readonly Path[]; readonly span: Span };

export interface Methods {
  /** `*` */
  readonly all: boolean;
  readonly names: readonly Name[];
  readonly span: Span;
}

/** Events of a call that a policy grants or denies. */
export type JudgedEventName = "request" | "response" | "error";
/** `ended` is not judged. */
export type EventName = JudgedEventName | "ended";

export type Expression =
  | {
      readonly kind: "binary";
      readonly operator: string;
      readonly left: Expression;
      readonly right: Expression;
      readonly span: Span;
    }
  | {
      readonly kind: "range";
      readonly left: Expression;
      readonly low: Expression;
      readonly high: Expression;
      readonly span: Span;
    }
  | {
      readonly kind: "members";
      readonly left: Expression;
      readonly members: readonly Expression[];
      readonly span: Span;
    }
  | { readonly kind: "not"; readonly operand: Expression; readonly span: Span }
  | { readonly kind: "length"; readonly field: Name; readonly span: Span }
  | { readonly kind: "number"; readonly value: bigint; readonly span: Span }
  | { readonly kind: "boolean"; readonly value: boolean; readonly span: Span }
  | { readonly kind: "reference"; readonly name: string; readonly span: Span };

interface ClassStatement {
  readonly kind: "class";
  readonly names: readonly Name[];
}

interface ConstStatement {
  readonly kind: "const";
  readonly name: Name;
  readonly value: Expression;
}

/** A class that the user of an interface names, or a number in a range. */
export interface Parameter extends Name {
  /** Undefined for a class. */
  readonly range: { readonly low: Expression; readonly high: Expression } | undefined;
}

export interface InterfaceStatement {
  readonly kind: "interface";
  readonly name: Name;
  /** Other modules may use it. */
  readonly isOpen: boolean;
  readonly parameters: readonly Parameter[];
  readonly statements: readonly (UseStatement | MessageRule | GrantRule)[];
}

export type UseArgument =
  | { readonly kind: "class"; readonly path: Path }
  | { readonly kind: "value"; readonly name: Name; readonly value: Expression };

export interface UseStatement {
  readonly kind: "use";
  readonly target: Path;
  readonly arguments: readonly UseArgument[];
  readonly span: Span;
}

export interface ExecuteRule {
  readonly kind: "execute";
  readonly subject: Path;
  readonly program: Name;
  readonly span: Span;
  readonly text: string;
}

/** A change of state, as it is written. */
export interface Effect {
  readonly text: string;
  readonly span: Span;
}

export interface MessageRule {
  readonly kind: "message";
  readonly isRequire: boolean;
  readonly events: readonly { readonly name: EventName; readonly span: Span }[];
  readonly subjects: Classes;
  readonly targets: Classes;
  readonly methods: Methods;
  /** `if`: the rule is bound only where this holds. */
  readonly boundIf: Expression | undefined;
  /** `when` */
  readonly condition: Expression | undefined;
  /** `then` */
  readonly effects: readonly Effect[];
  readonly audit: boolean;
  readonly span: Span;
  /** The rule as it stands in the file, on one line. */
  readonly text: string;
}

export interface GrantRule {
  readonly kind: "grant";
  readonly subjects: Classes;
  readonly targets: Classes;
  readonly methods: Methods;
  readonly span: Span;
  readonly text: string;
}

export type NeverStatement =
  | {
      readonly kind: "never";
      readonly form: "message";
      readonly subjects: Classes;
      readonly targets: Classes;
      readonly methods: Methods | undefined;
      readonly span: Span;
      readonly text: string;
    }
  | {
      readonly kind: "never";
      readonly form: "grant";
      readonly subjects: Classes;
      readonly targets: Classes;
      readonly methods: Methods;
      readonly span: Span;
      readonly text: string;
    }
  | {
      readonly kind: "never";
      readonly form: "execute";
      readonly subjects: Classes;
      readonly program: Name;
      readonly span: Span;
      readonly text: string;
    }
  | {
      readonly kind: "never";
      readonly form: "flow";
      readonly subjects: Classes;
      readonly targets: Classes;
      readonly through: readonly Path[];
      readonly span: Span;
      readonly text: string;
    };

export interface Argument {
  readonly field: Name;
  readonly isLength: boolean;
  readonly value: Expression;
}

export type ExpectStatement =
  | {
      readonly kind: "expect";
      readonly form: "message";
      readonly allow: boolean;
      readonly event: EventName | undefined;
      readonly subject: Path;
      readonly target: Path;
      readonly arguments: readonly Argument[];
      readonly span: Span;
      readonly text: string;
    }
  | {
      readonly kind: "expect";
      readonly form: "grant";
      readonly allow: boolean;
      readonly subject: Path;
      readonly target: Path;
      readonly methods: Methods;
      readonly span: Span;
      readonly text: string;
    }
  | {
      readonly kind: "expect";
      readonly form: "execute";
      readonly allow: boolean;
      readonly subject: Path;
      readonly program: Name;
      readonly span: Span;
      readonly text: string;
    };

export type Statement =
  | ClassStatement
  | ConstStatement
  | InterfaceStatement
  | UseStatement
  | ExecuteRule
  | MessageRule
  | GrantRule
  | NeverStatement
  | ExpectStatement;

export interface Module {
  readonly file: string;
  readonly name: Name;
  readonly statements: readonly Statement[];
}
