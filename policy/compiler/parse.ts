/** Text → syntax, by recursive descent: a method for each form that a statement has. */
import type { Diagnostic } from "../../toolchain/report/diagnostic.ts";
import { Mistakes } from "./mistakes.ts";
import { plainText } from "./plain-text.ts";
import { explain } from "./syntax-error.ts";
import type {
  Argument,
  Classes,
  Effect,
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
  Parameter,
  Path,
  Span,
  Statement,
  UseArgument,
  UseStatement,
} from "./syntax.ts";
import { type Token, tokensOf } from "./tokens.ts";
import { STATEMENT_WORDS, canBeField, canBeName } from "./words.ts";

export interface PolicyFile {
  /** Relative to the root of the tree. */
  readonly file: string;
  readonly text: string;
}

/**
 * Terms of one condition, joined by `and`, `or` or `&` or listed in `{ … }`: more would cost more
 * than a decision may.
 */
const TERMS_MAX = 150;
/** Parentheses and `not` together: the parser and what follows are recursive. */
const NESTING_MAX = 64;
const NUMBER = /^(0[xX][0-9a-fA-F_]+|0[bB][01_]+|[0-9][0-9_]*[KMG]?)$/;
const COMPARISONS: readonly string[] = ["==", "!=", "<=", "<", ">=", ">"];
const EVENTS: readonly EventName[] = ["request", "response", "error", "ended"];

/**
 * The modules of a system in the order of their files' names, whatever the order in which they were
 * found; of files with errors only the errors.
 */
export function parsePolicies(sources: readonly PolicyFile[]): {
  readonly modules: readonly Module[];
  readonly mistakes: Mistakes;
} {
  const mistakes = new Mistakes();
  const modules: Module[] = [];
  for (const source of [...sources].sort((a, b) => (a.file < b.file ? -1 : 1))) {
    const { module, diagnostics } = parsePolicy(source);
    mistakes.add(diagnostics);
    if (module !== undefined) modules.push(module);
  }
  return { modules, mistakes };
}

/** Answers the module, or undefined and at least one error. Never throws for what the text says. */
export function parsePolicy(source: PolicyFile): {
  readonly module: Module | undefined;
  readonly diagnostics: readonly Diagnostic[];
} {
  const plain = plainText(source);
  if ("mistake" in plain) return { module: undefined, diagnostics: [plain.mistake] };
  const read = tokensOf(source.file, plain.text);
  if ("mistake" in read) return { module: undefined, diagnostics: [read.mistake] };
  const parser = new Parser(source.file, plain.text, read.tokens);
  try {
    const module = parser.module();
    const diagnostics = parser.mistakes.diagnostics();
    return { module: parser.mistakes.count === 0 ? module : undefined, diagnostics };
  } catch (unexpected) {
    if (!(unexpected instanceof Unexpected)) throw unexpected;
    // One error a file: what follows is mostly its consequence.
    return { module: undefined, diagnostics: [unexpected.diagnostic] };
  }
}

/** Ends the work on one file. */
class Unexpected extends Error {
  readonly diagnostic: Diagnostic;
  constructor(diagnostic: Diagnostic) {
    super(diagnostic.message);
    this.diagnostic = diagnostic;
  }
}

class Parser {
  readonly mistakes = new Mistakes();
  private readonly file: string;
  private readonly text: string;
  private readonly tokens: readonly Token[];
  private next = 0;
  /** Of the condition that is being read. */
  private terms = 0;
  private nesting = 0;

  constructor(file: string, text: string, tokens: readonly Token[]) {
    this.file = file;
    this.text = text;
    this.tokens = tokens;
  }

  module(): Module {
    if (!this.take("module")) this.unexpected("module");
    const name = this.identifier();
    const statements: Statement[] = [];
    while (this.token.kind !== "end") statements.push(this.statement());
    return { file: this.file, name, statements };
  }

  private statement(): Statement {
    const { text } = this.token;
    if (this.token.kind !== "word" || !STATEMENT_WORDS.includes(text)) this.unexpected("statement");
    switch (text) {
      case "class":
        this.skip();
        return { kind: "class", names: this.list(() => this.identifier()) };
      case "const": {
        this.skip();
        const name = this.identifier();
        this.expect("=");
        return { kind: "const", name, value: this.operand() };
      }
      case "interface":
      case "open":
        return this.interface();
      case "never":
        return this.never();
      case "expect":
        return this.expectation();
      case "allow":
        return this.tokens[this.next + 1]?.text === "execute" ? this.execute() : this.inner();
      default:
        return this.inner();
    }
  }

  /** A statement that can also stand in an interface. */
  private inner(): UseStatement | MessageRule | GrantRule {
    if (this.at("use")) return this.use();
    if (this.at("grant")) return this.grant();
    if (this.at("allow") || this.at("require")) return this.rule();
    return this.unexpected("}");
  }

  private interface(): InterfaceStatement {
    const isOpen = this.take("open");
    this.expect("interface");
    const name = this.identifier();
    this.expect("(");
    const parameters = this.at(")") ? [] : this.list(() => this.parameter());
    this.expect(")");
    this.expect("{");
    const statements: (UseStatement | MessageRule | GrantRule)[] = [];
    while (!this.take("}")) statements.push(this.inner());
    return { kind: "interface", name, isOpen, parameters, statements };
  }

  private parameter(): Parameter {
    const name = this.identifier();
    if (!this.take(":")) return { ...name, range: undefined };
    const low = this.operand();
    this.expect("..");
    return { ...name, range: { low, high: this.operand() } };
  }

  private use(): UseStatement {
    const span = this.span();
    this.skip();
    const target = this.path();
    this.expect("(");
    const given = this.at(")") ? [] : this.list(() => this.useArgument());
    this.expect(")");
    return { kind: "use", target, arguments: given, span };
  }

  private useArgument(): UseArgument {
    const path = this.path();
    const [name] = path.segments;
    if (name === undefined || path.segments.length > 1 || !this.take("="))
      return { kind: "class", path };
    return { kind: "value", name, value: this.operand() };
  }

  private execute(): Statement {
    const start = this.next;
    this.skip();
    this.skip();
    const subject = this.path();
    this.expect("program");
    const program = this.programName();
    return { kind: "execute", subject, program, ...this.source(start) };
  }

  private rule(): MessageRule {
    const start = this.next;
    const isRequire = this.at("require");
    this.skip();
    const events = this.isEvent() ? this.list(() => this.event()) : [];
    const subjects = this.classes();
    this.expect("->");
    const targets = this.classes();
    const methods = this.methods();
    this.terms = 0;
    const boundIf = this.take("if") ? this.expression() : undefined;
    const condition = this.take("when") ? this.expression() : undefined;
    const effects = this.take("then") ? this.list(() => this.effect()) : [];
    const audit = this.take("audit");
    return {
      kind: "message",
      isRequire,
      events,
      subjects,
      targets,
      methods,
      boundIf,
      condition,
      effects,
      audit,
      ...this.source(start),
    };
  }

  private grant(): GrantRule {
    const start = this.next;
    this.skip();
    const subjects = this.classes();
    this.expect("->");
    const targets = this.classes();
    const methods = this.methods();
    return { kind: "grant", subjects, targets, methods, ...this.source(start) };
  }

  /** `turn: ping -> pong`, or words as `take tries`. What they mean is not read. */
  private effect(): Effect {
    const start = this.next;
    this.identifier();
    if (this.take(":")) {
      this.word();
      this.expect("->");
      this.word();
    } else {
      while (this.isName() && !(this.at("open") && this.isNext("interface"))) this.skip();
    }
    return this.source(start);
  }

  private never(): NeverStatement {
    const start = this.next;
    this.skip();
    const isFlow = this.take("flow");
    const isGrant = !isFlow && this.take("grant");
    const isExecute = !isFlow && !isGrant && this.take("execute");
    const subjects = this.classes();
    const kind = "never";
    if (isExecute) {
      this.expect("program");
      const program = this.programName();
      return { kind, form: "execute", subjects, program, ...this.source(start) };
    }
    this.expect("->");
    const targets = this.classes();
    if (isFlow) {
      let through: readonly Path[] = [];
      if (this.take("except")) {
        this.expect("through");
        through = this.members();
      }
      return { kind, form: "flow", subjects, targets, through, ...this.source(start) };
    }
    if (isGrant) {
      const methods = this.methods();
      return { kind, form: "grant", subjects, targets, methods, ...this.source(start) };
    }
    const methods = this.at("{") ? this.methods() : undefined;
    return { kind, form: "message", subjects, targets, methods, ...this.source(start) };
  }

  private expectation(): ExpectStatement {
    const start = this.next;
    this.skip();
    const allow = this.take("allow");
    if (!allow && !this.take("deny")) this.unexpected("allow", "deny");
    const kind = "expect";
    if (this.take("execute")) {
      const subject = this.path();
      this.expect("program");
      const program = this.programName();
      return { kind, form: "execute", allow, subject, program, ...this.source(start) };
    }
    const isGrant = this.take("grant");
    const event = !isGrant && this.isEvent() ? this.event().name : undefined;
    const subject = this.path();
    this.expect("->");
    const target = this.path();
    if (isGrant) {
      const methods = this.methods();
      return { kind, form: "grant", allow, subject, target, methods, ...this.source(start) };
    }
    let given: readonly Argument[] = [];
    if (this.take("(")) {
      given = this.at(")") ? [] : this.list(() => this.argument());
      this.expect(")");
    }
    return {
      kind,
      form: "message",
      allow,
      event,
      subject,
      target,
      arguments: given,
      ...this.source(start),
    };
  }

  private argument(): Argument {
    const isLength = this.takeLength();
    const field = this.word();
    if (isLength) this.expect(")");
    this.expect("=");
    return { field, isLength, value: this.operand() };
  }

  /** `length(`: without the parenthesis it is a name. */
  private takeLength(): boolean {
    if (!this.at("length") || !this.isNext("(")) return false;
    this.skip();
    this.skip();
    return true;
  }

  /** `ended` can be the name of a class, which `->` or `.` follows. */
  private isEvent(): boolean {
    if (!EVENTS.some((event) => this.at(event))) return false;
    return !this.isName() || (!this.isNext("->") && !this.isNext("."));
  }

  private event(): { readonly name: EventName; readonly span: Span } {
    const span = this.span();
    const name = EVENTS.find((event) => this.at(event));
    if (name === undefined) return this.unexpected(...EVENTS);
    this.skip();
    return { name, span };
  }

  private classes(): Classes {
    const span = this.span();
    if (!this.take("any")) return { kind: "members", paths: this.members(), span };
    return { kind: "any", except: this.take("except") ? this.members() : [], span };
  }

  private members(): readonly Path[] {
    if (!this.take("{")) {
      if (!this.isName()) this.unexpected("name", "{");
      return [this.path()];
    }
    const paths = this.list(() => this.path());
    this.expect("}");
    return paths;
  }

  private methods(): Methods {
    const span = this.span();
    this.expect("{");
    const all = this.take("*");
    if (!all && this.token.kind !== "word") this.unexpected("name", "*");
    const names = all ? [] : this.list(() => this.word());
    this.expect("}");
    return { all, names, span };
  }

  private path(): Path {
    const span = this.span();
    const segments = [this.identifier()];
    while (this.take(".")) segments.push(this.word());
    return { segments, span };
  }

  private programName(): Name {
    const span = this.span();
    const parts = [this.word().text];
    while (this.take("-")) {
      if (this.token.kind !== "number") parts.push(this.word().text);
      else parts.push(this.skip());
    }
    return { text: parts.join("-"), span };
  }

  private expression(): Expression {
    return this.chain("or", () => this.chain("and", () => this.negation()));
  }

  private negation(): Expression {
    const span = this.span();
    if (!this.take("not")) return this.comparison();
    const operand = this.nested(span, () => this.negation());
    return { kind: "not", operand, span };
  }

  private comparison(): Expression {
    const span = this.span();
    const left = this.operand();
    const operator = COMPARISONS.find((sign) => this.at(sign));
    if (operator !== undefined) {
      this.skip();
      return { kind: "binary", operator, left, right: this.operand(), span };
    }
    if (!this.take("in")) return left;
    if (this.take("{")) {
      const members = this.bounded(
        span,
        this.list(() => this.operand()),
      );
      this.expect("}");
      return { kind: "members", left, members, span };
    }
    const low = this.operand();
    this.expect("..");
    return { kind: "range", left, low, high: this.operand(), span };
  }

  private operand(): Expression {
    return this.chain("&", () => this.primary());
  }

  private primary(): Expression {
    const span = this.span();
    if (this.take("(")) {
      const inner = this.nested(span, () => this.expression());
      this.expect(")");
      return inner;
    }
    if (this.takeLength()) {
      const field = this.word();
      this.expect(")");
      return { kind: "length", field, span };
    }
    if (this.at("-") || this.token.kind === "number") return this.number();
    if (this.take("true")) return { kind: "boolean", value: true, span };
    if (this.take("false")) return { kind: "boolean", value: false, span };
    if (this.token.kind !== "word" || !canBeField(this.token.text))
      this.unexpected("name", "number", "(");
    return { kind: "reference", name: this.skip(), span };
  }

  private number(): Expression {
    const span = this.span();
    const isNegative = this.take("-");
    if (this.token.kind !== "number") this.unexpected("number");
    const value = this.value(this.skip(), span);
    return { kind: "number", value: isNegative ? -value : value, span };
  }

  private value(written: string, span: Span): bigint {
    const unit = { K: 1024n, M: 1024n ** 2n, G: 1024n ** 3n }[written.at(-1) ?? ""];
    const digits = (unit === undefined ? written : written.slice(0, -1)).replaceAll("_", "");
    // `0x_` has the form of a number and no digits.
    if (!NUMBER.test(written) || /^0[xXbB]$/.test(digits)) {
      this.mistakes.refuse(
        span,
        `\`${written}\` is not a number`,
        "write `4096`, `4_096`, `0x1000` or `4K`",
      );
      return 0n;
    }
    // 64 bits have 20 digits in decimal and 64 in binary; a longer number takes long to convert.
    const value = digits.length > 80 ? 1n << 64n : BigInt(digits) * (unit ?? 1n);
    if (value >= 1n << 64n) this.mistakes.refuse(span, `\`${written}\` does not fit into 64 bits`);
    return value;
  }

  /** Reads what stands inside a parenthesis or behind a `not`. */
  private nested(span: Span, read: () => Expression): Expression {
    this.nesting += 1;
    if (this.nesting > NESTING_MAX)
      throw new Unexpected({
        severity: "error",
        ...span,
        message: `the condition nests deeper than ${NESTING_MAX}`,
        help: "write it flat, with `and`, `or` and constants",
      });
    const inner = read();
    this.nesting -= 1;
    return inner;
  }

  /** Two at a time, from the left. */
  private chain(operator: string, term: () => Expression): Expression {
    const span = this.span();
    const first = term();
    if (!this.at(operator)) return first;
    const terms = [first];
    while (this.take(operator)) terms.push(term());
    return this.bounded(span, terms).reduce((left, right) => ({
      kind: "binary",
      operator,
      left,
      right,
      span,
    }));
  }

  /** What follows is recursive. */
  private bounded(span: Span, terms: readonly Expression[]): readonly Expression[] {
    const isFirst = this.terms <= TERMS_MAX;
    this.terms += terms.length;
    if (this.terms <= TERMS_MAX) return terms;
    if (isFirst)
      this.mistakes.refuse(
        span,
        `the condition has more than ${TERMS_MAX} terms`,
        "use ranges and masks, or several rules",
      );
    return terms.slice(0, 1);
  }

  private list<T>(read: () => T): readonly T[] {
    const items = [read()];
    while (this.take(",")) items.push(read());
    return items;
  }

  /** A name that is not reserved. */
  private identifier(): Name {
    if (!this.isName()) this.unexpected("name");
    return this.word();
  }

  /** Any word: a method or a field may be called as the language calls something. */
  private word(): Name {
    if (this.token.kind !== "word" || !canBeField(this.token.text)) this.unexpected("name");
    const span = this.span();
    return { text: this.skip(), span };
  }

  private isName(): boolean {
    return this.token.kind === "word" && canBeName(this.token.text);
  }

  private get token(): Token {
    return this.tokens[this.next]!;
  }

  private at(text: string): boolean {
    return this.token.text === text;
  }

  private isNext(text: string): boolean {
    return this.tokens[this.next + 1]?.text === text;
  }

  private skip(): string {
    const { text } = this.token;
    this.next += 1;
    return text;
  }

  private take(text: string): boolean {
    if (!this.at(text)) return false;
    this.next += 1;
    return true;
  }

  private expect(text: string): void {
    if (!this.take(text)) this.unexpected(text);
  }

  private unexpected(...expected: readonly string[]): never {
    const found = { token: this.token, before: this.tokens[this.next - 1] };
    throw new Unexpected(explain(this.file, found, expected));
  }

  private span(): Span {
    const { line, column } = this.token;
    return { file: this.file, line, column };
  }

  /** Place and text of what was read from token `start` on: one line, for the audit log. */
  private source(start: number): { readonly span: Span; readonly text: string } {
    const first = this.tokens[start]!;
    const last = this.tokens[this.next - 1]!;
    return {
      span: { file: this.file, line: first.line, column: first.column },
      text: this.text.slice(first.offset, last.offset + last.text.length).replace(/\s+/g, " "),
    };
  }
}
