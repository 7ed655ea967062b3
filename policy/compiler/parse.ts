/** Text → syntax: Langium reads by the grammar; its errors become ones that help. */
import type { LangiumParser, ParseResult } from "langium";
import { createServicesForGrammar } from "langium/grammar";
import type { Diagnostic } from "../../toolchain/report/diagnostic.ts";
import { nearest } from "../../toolchain/report/suggest.ts";
import { GRAMMAR, STATEMENT_KEYWORDS, WORDS } from "./grammar.ts";
import { placeOf, plainText } from "./plain-text.ts";
import { type RawNode, SyntaxReader } from "./read-syntax.ts";
import type { Module } from "./syntax.ts";

export interface PolicyFile {
  /** Relative to the root of the tree. */
  readonly file: string;
  readonly text: string;
}

/** Longer words are no slips of words of the language. */
const WORD_LOOK_BACK = 100;

let parser: LangiumParser | undefined;

/** Answers the module, or undefined and at least one error. Never throws for what the text says. */
export async function parsePolicy(
  source: PolicyFile,
): Promise<{ readonly module: Module | undefined; readonly diagnostics: readonly Diagnostic[] }> {
  const plain = plainText(source);
  if ("mistake" in plain) return { module: undefined, diagnostics: [plain.mistake] };
  parser ??= await createParser();
  let result: ParseResult<RawNode>;
  try {
    result = parser.parse<RawNode>(plain.text);
  } catch (error) {
    // Its stacks are in no state for another file.
    parser = undefined;
    throw error;
  }

  const lexical = result.lexerErrors[0];
  if (lexical !== undefined) {
    const character = plain.text[lexical.offset] ?? "";
    const message = `the character ${JSON.stringify(character)} has no meaning here`;
    return {
      module: undefined,
      diagnostics: [
        {
          severity: "error",
          file: source.file,
          line: lexical.line ?? 1,
          column: lexical.column ?? 1,
          message,
        },
      ],
    };
  }
  // One error a file: what follows is mostly its consequence.
  const syntactic = result.parserErrors[0];
  if (syntactic !== undefined)
    return { module: undefined, diagnostics: [explain(source.file, plain.text, syntactic)] };
  return new SyntaxReader(source.file).module(result.value);
}

async function createParser(): Promise<LangiumParser> {
  const made = (await createServicesForGrammar({ grammar: GRAMMAR })).parser.LangiumParser;
  // It would look for the place of hidden tokens, of which there are none, by the whole list before
  // each item: quadratic.
  made["nodeBuilder"].addHiddenNodes = () => undefined;
  return made;
}

interface RawError {
  readonly name: string;
  readonly message: string;
  readonly token: {
    readonly image: string;
    readonly startOffset: number;
    readonly startLine?: number;
    readonly startColumn?: number;
  };
}

function explain(file: string, text: string, error: RawError): Diagnostic {
  const { token } = error;
  const isEnd = !Number.isFinite(token.startOffset) || token.startOffset < 0 || token.image === "";
  const offset = isEnd ? text.trimEnd().length : token.startOffset;
  const at = { severity: "error", file, ...placeOf(text, offset) } as const;
  const expected = expectedBy(error);
  const isBetweenStatements = expected.length === 1 && expected[0] === "EOF";
  const found = isEnd
    ? "the file ends here"
    : `\`${token.image}\` ${isBetweenStatements ? "starts no statement" : "is not expected here"}`;

  const slip = slipOf(isEnd ? "" : token.image, text, offset, expected);
  if (slip !== undefined) {
    const message = slip.offset === offset ? found : `\`${slip.word}\` is not expected here`;
    return {
      ...at,
      ...placeOf(text, slip.offset),
      message,
      help: `did you mean \`${slip.meant}\`?`,
    };
  }
  if (isBetweenStatements)
    return { ...at, message: found, help: `a statement starts with ${list(STATEMENT_KEYWORDS)}` };
  if (expected.length === 1 && expected[0] === "module") {
    return {
      ...at,
      message: isEnd ? "the file is empty" : found,
      help: "a policy file starts with `module` and its name",
    };
  }
  const wanted = [...new Set(expected.map(describe))].slice(0, 9);
  return {
    ...at,
    message: found,
    ...(wanted.length > 0 ? { help: `expected: ${wanted.join(", ")}` } : {}),
  };
}

interface Slip {
  readonly word: string;
  readonly offset: number;
  readonly meant: string;
}

/**
 * A mistyped word of the language: the token at `offset`, which does not fit, or the one before it,
 * which the parser took for a name.
 */
function slipOf(
  token: string,
  text: string,
  offset: number,
  expected: readonly string[],
): Slip | undefined {
  const isName = (word: string): boolean => /^[a-z_]\w*$/i.test(word) && !WORDS.includes(word);
  if (isName(token)) {
    const wanted =
      expected[0] === "EOF" ? STATEMENT_KEYWORDS : expected.filter((word) => /^[a-z]+$/.test(word));
    const meant = nearest(token, wanted) ?? nearest(token, WORDS);
    if (meant !== undefined) return { word: token, offset, meant };
  }
  const before = text.slice(Math.max(0, offset - WORD_LOOK_BACK), offset).trimEnd();
  const previous = /\w+$/.exec(before)?.[0] ?? "";
  // Classes start with a capital: what does may be called like a word.
  const meant = isName(previous) && /^[a-z]/.test(previous) ? nearest(previous, WORDS) : undefined;
  return meant === undefined
    ? undefined
    : { word: previous, offset: text.lastIndexOf(previous, offset - 1), meant };
}

/** Token types that could have stood there, out of the parser's message. */
function expectedBy(error: RawError): readonly string[] {
  const single = /token of type '([^']*)'/.exec(error.message);
  if (single?.[1] !== undefined) return [single[1]];
  if (error.name === "NotAllInputParsedException") return ["EOF"];
  const firsts = [...error.message.matchAll(/^\s*(?:\d+\.\s*)?\[([^,\]]*)/gm)].map(
    (match) => match[1] ?? "",
  );
  // A name may be any word of the language: listing them all would say nothing.
  return firsts.includes("ID")
    ? ["ID", ...firsts.filter((first) => !/^\w+$/.test(first) || first === "NUMBER")]
    : firsts;
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
