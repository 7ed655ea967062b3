/** Text → syntax: Langium reads by the grammar; its errors become ones that help. */
import type { LangiumParser } from "langium";
import { createServicesForGrammar } from "langium/grammar";
import type { Diagnostic } from "../../toolchain/report/diagnostic.ts";
import { nearest } from "../../toolchain/report/suggest.ts";
import { GRAMMAR, STATEMENT_KEYWORDS } from "./grammar.ts";
import { type RawNode, SyntaxReader } from "./read-syntax.ts";
import type { Module } from "./syntax.ts";

export interface PolicyFile {
  /** Relative to the root of the tree. */
  readonly file: string;
  readonly text: string;
}

/** A file larger than this is not a policy. */
const FILE_CHARACTERS_MAX = 1 << 20;
/** Parentheses and `not` nest this deep at most: the parser and what follows are recursive. */
const NESTING_MAX = 64;

let parser: LangiumParser | undefined;

/** Answers the module, or undefined and at least one error. */
export async function parsePolicy(source: PolicyFile): Promise<{ readonly module: Module | undefined; readonly diagnostics: readonly Diagnostic[] }> {
  const refusal = refuseBeforehand(source);
  if (refusal !== undefined) return { module: undefined, diagnostics: [refusal] };
  parser ??= (await createServicesForGrammar({ grammar: GRAMMAR })).parser.LangiumParser;
  const result = parser.parse<RawNode>(source.text);

  const lexical = result.lexerErrors[0];
  if (lexical !== undefined) {
    const character = source.text[lexical.offset] ?? "";
    return { module: undefined, diagnostics: [{ severity: "error", file: source.file, line: lexical.line ?? 1, column: lexical.column ?? 1, message: `the character ${JSON.stringify(character)} has no meaning here` }] };
  }
  // One error a file: what follows is mostly its consequence.
  const syntactic = result.parserErrors[0];
  if (syntactic !== undefined) return { module: undefined, diagnostics: [explain(source, syntactic)] };
  return new SyntaxReader(source.file).module(result.value);
}

/** What would take the parser too far: size and depth. Counts brackets without reading the text, so a comment counts too. */
function refuseBeforehand(source: PolicyFile): Diagnostic | undefined {
  if (source.text.length > FILE_CHARACTERS_MAX) {
    return { severity: "error", file: source.file, message: `the file has ${source.text.length} characters`, help: `a policy file has at most ${FILE_CHARACTERS_MAX}` };
  }
  let depth = 0;
  let line = 1;
  let lineStart = 0;
  let nots = 0;
  for (let i = 0; i < source.text.length; i++) {
    const character = source.text[i];
    if (character === "\n") {
      line += 1;
      lineStart = i + 1;
    } else if (character === "(") {
      depth += 1;
    } else if (character === ")") {
      depth -= 1;
    } else if (character === "n" && source.text.startsWith("not", i)) {
      nots += 1;
      if (/[^\s]/.test(source.text[i + 3] ?? "x")) nots = 0;
      i += 2;
    } else if (character !== " " && character !== "\t" && character !== "\r") {
      nots = 0;
    }
    if (depth > NESTING_MAX || nots > NESTING_MAX) {
      return { severity: "error", file: source.file, line, column: i - lineStart + 1, message: `the condition nests deeper than ${NESTING_MAX}`, help: "write it flat, with `and`, `or` and constants" };
    }
  }
  return undefined;
}

interface RawError {
  readonly name: string;
  readonly message: string;
  readonly token: { readonly image: string; readonly startOffset: number; readonly startLine?: number; readonly startColumn?: number };
}

function explain(source: PolicyFile, error: RawError): Diagnostic {
  const { token } = error;
  const isEnd = !Number.isFinite(token.startOffset) || token.startOffset < 0 || token.image === "";
  const place = isEnd ? endOf(source.text) : { line: token.startLine ?? 1, column: token.startColumn ?? 1 };
  const found = isEnd ? "the file ends here" : `\`${token.image}\` is not expected here`;
  const at = { severity: "error", file: source.file, ...place } as const;

  const expected = expectedBy(error);
  if (expected.length === 1 && expected[0] === "EOF") {
    const near = nearest(token.image, STATEMENT_KEYWORDS);
    return { ...at, message: `\`${token.image}\` starts no statement`, help: near === undefined ? `a statement starts with ${list(STATEMENT_KEYWORDS)}` : `did you mean \`${near}\`?` };
  }
  if (expected.length === 1 && expected[0] === "module") return { ...at, message: isEnd ? "the file is empty" : found, help: "a policy file starts with `module` and its name" };
  const wanted = [...new Set(expected.map(describe))].slice(0, 9);
  const near = isEnd ? undefined : nearest(token.image, expected.filter((word) => /^[a-z]+$/.test(word)));
  return { ...at, message: found, ...(near !== undefined && near !== token.image ? { help: `did you mean \`${near}\`?` } : wanted.length > 0 ? { help: `expected: ${wanted.join(", ")}` } : {}) };
}

/** Token types that could have stood there, out of the parser's message. */
function expectedBy(error: RawError): readonly string[] {
  const single = /token of type '([^']*)'/.exec(error.message);
  if (single?.[1] !== undefined) return [single[1]];
  if (error.name === "NotAllInputParsedException") return ["EOF"];
  const firsts = [...error.message.matchAll(/^\s*(?:\d+\.\s*)?\[([^,\]]*)/gm)].map((match) => match[1] ?? "");
  // A name may be any word of the language: listing them all would say nothing.
  return firsts.includes("ID") ? ["ID", ...firsts.filter((first) => !/^\w+$/.test(first) || first === "NUMBER")] : firsts;
}

function describe(token: string): string {
  if (token === "ID") return "a name";
  if (token === "NUMBER") return "a number";
  if (token === "EOF") return "the end of the file";
  return `\`${token}\``;
}

function list(words: readonly string[]): string {
  return words.map((word) => `\`${word}\``).join(", ");
}

function endOf(text: string): { readonly line: number; readonly column: number } {
  const lines = text.trimEnd().split("\n");
  return { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 };
}
