/** Langium's tree → ours. What the grammar guarantees is not checked again. */
import type { AstNode, CstNode } from "langium";
import type { Diagnostic } from "../../toolchain/report/diagnostic.ts";
import { Mistakes } from "./mistakes.ts";
import type {
  Argument,
  Classes,
  EventName,
  ExpectStatement,
  Expression,
  GrantRule,
  InterfaceStatement,
  MessageRule,
  Methods,
  Module,
  Name,
  NeverStatement,
  Path,
  Span,
  Statement,
  UseStatement,
} from "./syntax.ts";

/**
 * Terms of one condition, joined by `and`, `or` or `&` or listed in `{ … }`: more would cost more
 * than a decision may.
 */
const TERMS_MAX = 150;

export interface RawNode extends AstNode {
  readonly [property: string]: unknown;
}

export class SyntaxReader {
  private readonly mistakes = new Mistakes();
  private readonly file: string;
  /** Of the condition that is being read. */
  private terms = 0;

  constructor(file: string) {
    this.file = file;
  }

  module(raw: RawNode): {
    readonly module: Module | undefined;
    readonly diagnostics: readonly Diagnostic[];
  } {
    const span = { file: this.file, line: 1, column: 1 };
    const module = {
      file: this.file,
      name: { text: this.text(raw, "name"), span },
      statements: this.nodes(raw, "statements").map((statement) => this.statement(statement)),
    };
    return {
      module: this.mistakes.count === 0 ? module : undefined,
      diagnostics: this.mistakes.diagnostics(),
    };
  }

  private statement(raw: RawNode): Statement {
    switch (raw.$type) {
      case "ClassStatement":
        return { kind: "class", names: this.names(raw, "names") };
      case "ConstStatement":
        return {
          kind: "const",
          name: { text: this.text(raw, "name"), span: this.span(raw) },
          value: this.expression(this.node(raw, "value")),
        };
      case "InterfaceStatement":
        return this.interface(raw);
      case "ExecuteRule":
        return {
          kind: "execute",
          subject: this.path(this.node(raw, "subject")),
          program: this.name(this.node(raw, "program")),
          span: this.span(raw),
          text: this.source(raw),
        };
      case "NeverStatement":
        return this.never(raw);
      case "ExpectStatement":
        return this.expect(raw);
      default:
        return this.inner(raw);
    }
  }

  private inner(raw: RawNode): UseStatement | MessageRule | GrantRule {
    const span = this.span(raw);
    if (raw.$type === "UseStatement")
      return {
        kind: "use",
        target: this.path(this.node(raw, "target")),
        arguments: this.nodes(raw, "arguments").map((argument) => this.path(argument)),
        span,
      };
    const common = {
      subjects: this.classes(this.node(raw, "subjects")),
      targets: this.classes(this.node(raw, "targets")),
      methods: this.methods(this.node(raw, "methods")),
      span,
      text: this.source(raw),
    };
    if (raw.$type === "GrantRule") return { kind: "grant", ...common };
    const condition = raw["condition"] as RawNode | undefined;
    this.terms = 0;
    return {
      kind: "message",
      isRequire: raw["kind"] === "require",
      audit: raw["audit"] === true,
      condition: condition === undefined ? undefined : this.expression(condition),
      events: this.nodes(raw, "events").map((event) => ({
        name: this.text(event, "name") as EventName,
        span: this.span(event),
      })),
      ...common,
    };
  }

  private interface(raw: RawNode): InterfaceStatement {
    const name = { text: this.text(raw, "name"), span: this.span(raw) };
    return {
      kind: "interface",
      name,
      parameters: this.names(raw, "parameters"),
      statements: this.nodes(raw, "statements").map((statement) => this.inner(statement)),
    };
  }

  private never(raw: RawNode): NeverStatement {
    const common = {
      kind: "never",
      subjects: this.classes(this.node(raw, "subjects")),
      span: this.span(raw),
      text: this.source(raw),
    } as const;
    if (raw["execute"] === true)
      return { ...common, form: "execute", program: this.name(this.node(raw, "program")) };
    const targets = this.classes(this.node(raw, "targets"));
    const through = raw["through"] as RawNode | undefined;
    if (raw["flow"] === true)
      return {
        ...common,
        form: "flow",
        targets,
        through: through === undefined ? [] : this.members(through),
      };
    const methods = raw["methods"] as RawNode | undefined;
    if (raw["grant"] === true)
      return {
        ...common,
        form: "grant",
        targets,
        methods: this.methods(this.node(raw, "methods")),
      };
    return {
      ...common,
      form: "message",
      targets,
      methods: methods === undefined ? undefined : this.methods(methods),
    };
  }

  private expect(raw: RawNode): ExpectStatement {
    const common = {
      kind: "expect",
      allow: raw["verdict"] === "allow",
      subject: this.path(this.node(raw, "subject")),
      span: this.span(raw),
      text: this.source(raw),
    } as const;
    if (raw["execute"] === true)
      return { ...common, form: "execute", program: this.name(this.node(raw, "program")) };
    const target = this.path(this.node(raw, "target"));
    if (raw["grant"] === true)
      return { ...common, form: "grant", target, methods: this.methods(this.node(raw, "methods")) };
    const event = raw["event"] as RawNode | undefined;
    return {
      ...common,
      form: "message",
      target,
      event: event === undefined ? undefined : (this.text(event, "name") as EventName),
      arguments: this.nodes(raw, "arguments").map((argument) => this.argument(argument)),
    };
  }

  private argument(raw: RawNode): Argument {
    return {
      field: this.name(this.node(raw, "field")),
      isLength: raw["length"] === true,
      value: this.expression(this.node(raw, "value")),
    };
  }

  private classes(raw: RawNode): Classes {
    const span = this.span(raw);
    const without = raw["without"] as RawNode | undefined;
    if (raw["any"] === true)
      return { kind: "any", except: without === undefined ? [] : this.members(without), span };
    return { kind: "members", paths: this.members(this.node(raw, "members")), span };
  }

  private members(raw: RawNode): readonly Path[] {
    return this.nodes(raw, "paths").map((path) => this.path(path));
  }

  private methods(raw: RawNode): Methods {
    return { all: raw["all"] === true, names: this.names(raw, "names"), span: this.span(raw) };
  }

  private path(raw: RawNode): Path {
    return { segments: this.names(raw, "segments"), span: this.span(raw) };
  }

  private expression(raw: RawNode): Expression {
    const span = this.span(raw);
    switch (raw.$type) {
      case "Or":
        return this.chain("or", raw, span);
      case "And":
        return this.chain("and", raw, span);
      case "Mask":
        return this.chain("&", raw, span);
      case "Binary":
        return {
          kind: "binary",
          operator: this.text(raw, "operator"),
          left: this.expression(this.node(raw, "left")),
          right: this.expression(this.node(raw, "right")),
          span,
        };
      case "Membership": {
        const left = this.expression(this.node(raw, "left"));
        const low = raw["low"] as RawNode | undefined;
        if (low !== undefined)
          return {
            kind: "range",
            left,
            low: this.expression(low),
            high: this.expression(this.node(raw, "high")),
            span,
          };
        return {
          kind: "members",
          left,
          members: this.bounded(raw, "members").map((member) => this.expression(member)),
          span,
        };
      }
      case "Not":
        return { kind: "not", operand: this.expression(this.node(raw, "operand")), span };
      case "Group":
        return this.expression(this.node(raw, "inner"));
      case "Length":
        return { kind: "length", field: this.name(this.node(raw, "field")), span };
      case "NumberLiteral":
        return { kind: "number", value: this.number(raw), span };
      case "BooleanLiteral":
        return { kind: "boolean", value: raw["word"] === "true", span };
      default:
        return { kind: "reference", name: this.text(raw, "name"), span };
    }
  }

  /** Two at a time, from the left. */
  private chain(operator: string, raw: RawNode, span: Span): Expression {
    return this.bounded(raw, "terms")
      .map((term) => this.expression(term))
      .reduce((left, right) => ({ kind: "binary", operator, left, right, span }));
  }

  /** What follows is recursive. */
  private bounded(raw: RawNode, property: string): readonly RawNode[] {
    const nodes = this.nodes(raw, property);
    const isFirst = this.terms <= TERMS_MAX;
    this.terms += nodes.length;
    if (this.terms <= TERMS_MAX) return nodes;
    if (isFirst)
      this.refuse(
        raw,
        `the condition has more than ${TERMS_MAX} terms`,
        "use ranges and masks, or several rules",
      );
    return nodes.slice(0, 1);
  }

  private number(raw: RawNode): bigint {
    const written = this.text(raw, "digits");
    const unit =
      /^[0-9].*[KMG]$/.test(written) && !/^0[xX]/.test(written)
        ? { K: 1024n, M: 1024n ** 2n, G: 1024n ** 3n }[written.at(-1) as "K" | "M" | "G"]
        : 1n;
    const digits = (unit === 1n ? written : written.slice(0, -1)).replaceAll("_", "");
    let value: bigint;
    try {
      value = BigInt(digits) * unit;
    } catch {
      this.refuse(raw, `\`${written}\` is not a number`, "write `4096`, `4_096`, `0x1000` or `4K`");
      return 0n;
    }
    if (value >= 1n << 64n) this.refuse(raw, `\`${written}\` does not fit into 64 bits`);
    return raw["negative"] === true ? -value : value;
  }

  private refuse(raw: RawNode, message: string, help?: string): void {
    this.mistakes.refuse(this.span(raw), message, help);
  }

  private span(raw: RawNode): Span {
    const start = (raw.$cstNode as CstNode).range.start;
    return { file: this.file, line: start.line + 1, column: start.character + 1 };
  }

  /** The statement's own text: printable, on one line, for the audit log. */
  private source(raw: RawNode): string {
    return (raw.$cstNode as CstNode).text.replace(/\s+/g, " ").trim();
  }

  private text(raw: RawNode, property: string): string {
    return raw[property] as string;
  }
  private node(raw: RawNode, property: string): RawNode {
    return raw[property] as RawNode;
  }
  private nodes(raw: RawNode, property: string): readonly RawNode[] {
    return (raw[property] ?? []) as readonly RawNode[];
  }
  private name(raw: RawNode): Name {
    return { text: this.text(raw, "name"), span: this.span(raw) };
  }
  private names(raw: RawNode, property: string): readonly Name[] {
    return this.nodes(raw, property).map((name) => this.name(name));
  }
}
