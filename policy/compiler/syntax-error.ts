/** A token that does not fit → a message that says what would. */
import type { Diagnostic } from "../../toolchain/report/diagnostic.ts";
import { nearest } from "../../toolchain/report/suggest.ts";
import type { Token } from "./tokens.ts";
import { STATEMENT_WORDS, WORDS } from "./words.ts";

/** Longer words are no slips of words of the language. */
const SLIP_CHARACTERS_MAX = 100;

/** The token that does not fit, and the one before it. */
interface Found {
  readonly token: Token;
  readonly before: Token | undefined;
}

/**
 * `expected`: words and signs that could have stood there, or `name`, `number`, `statement`; not
 * empty.
 */
export function explain(file: string, found: Found, expected: readonly string[]): Diagnostic {
  const { token } = found;
  const isBetweenStatements = expected.includes("statement");
  const what =
    token.kind === "end"
      ? "the file ends here"
      : `\`${token.text}\` ${isBetweenStatements ? "starts no statement" : "is not expected here"}`;
  const at = { severity: "error", file, line: token.line, column: token.column } as const;

  const slip = slipOf(found, isBetweenStatements ? STATEMENT_WORDS : expected);
  if (slip !== undefined) {
    const { line, column } = slip.token;
    const message = slip.token === token ? what : `\`${slip.token.text}\` is not expected here`;
    return { ...at, line, column, message, help: `did you mean \`${slip.meant}\`?` };
  }
  if (isBetweenStatements)
    return { ...at, message: what, help: `a statement starts with ${list(STATEMENT_WORDS)}` };
  if (expected[0] === "module")
    return {
      ...at,
      message: token.kind === "end" ? "the file is empty" : what,
      help: "a policy file starts with `module` and its name",
    };
  return { ...at, message: what, help: `expected: ${expected.map(describe).join(", ")}` };
}

interface Slip {
  readonly token: Token;
  readonly meant: string;
}

/**
 * A mistyped word of the language: the token that does not fit, or the one before it, which the
 * parser took for a name.
 */
function slipOf({ token, before }: Found, expected: readonly string[]): Slip | undefined {
  if (isUnknown(token)) {
    const wanted = expected.filter((word) => WORDS.includes(word));
    const meant = nearest(token.text, wanted) ?? nearest(token.text, WORDS);
    if (meant !== undefined) return { token, meant };
  }
  // Classes start with a capital: what does may be called like a word.
  if (before === undefined || !isUnknown(before) || !/^[a-z]/.test(before.text)) return undefined;
  const meant = nearest(before.text, WORDS);
  return meant === undefined ? undefined : { token: before, meant };
}

function isUnknown({ kind, text }: Token): boolean {
  return kind === "word" && text.length <= SLIP_CHARACTERS_MAX && !WORDS.includes(text);
}

function describe(expected: string): string {
  if (expected === "name" || expected === "number") return `a ${expected}`;
  return `\`${expected}\``;
}

function list(words: readonly string[]): string {
  return words.map((word) => `\`${word}\``).join(", ");
}
