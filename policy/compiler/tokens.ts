/** Plain text → tokens. One pass, linear in the text. */
import type { Diagnostic } from "../../toolchain/report/diagnostic.ts";

/** A word has letters, digits and `_`; a number starts with a digit. */
type TokenKind = "word" | "number" | "sign" | "end";

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  /** In characters from the start of the text. */
  readonly offset: number;
  /** Both counted from 1. */
  readonly line: number;
  readonly column: number;
}

/** Signs of two characters, as a part of a regular expression. */
export const LONG_SIGNS = String.raw`->|==|!=|<=|>=|\.\.`;
const TOKEN = new RegExp(
  String.raw`([A-Za-z_]\w*)|(\d\w*)|(${LONG_SIGNS}|[<>&(){},.*=:-])|(\n)|[\t\r ]+|(.)`,
  "gy",
);

/** Answers the tokens, the last of which is the end, or the character that is none. */
export function tokensOf(
  file: string,
  text: string,
): { readonly tokens: readonly Token[] } | { readonly mistake: Diagnostic } {
  const tokens: Token[] = [];
  let line = 1;
  let lineStart = 0;
  for (const match of text.matchAll(TOKEN)) {
    const [whole, word, number, sign, lineEnd, unknown] = match;
    const offset = match.index;
    if (lineEnd !== undefined) {
      line += 1;
      lineStart = offset + 1;
      continue;
    }
    const place = { line, column: offset - lineStart + 1 };
    if (unknown !== undefined)
      return {
        mistake: {
          severity: "error",
          file,
          ...place,
          message: `the character ${JSON.stringify(unknown)} has no meaning here`,
        },
      };
    const kind =
      word !== undefined
        ? "word"
        : number !== undefined
          ? "number"
          : sign !== undefined
            ? "sign"
            : undefined;
    if (kind !== undefined) tokens.push({ kind, text: whole, offset, ...place });
  }
  // A file that ends too early is told where its last word ends.
  const last = tokens.at(-1) ?? { text: "", offset: 0, line: 1, column: 1 };
  tokens.push({
    kind: "end",
    text: "",
    offset: last.offset + last.text.length,
    line: last.line,
    column: last.column + last.text.length,
  });
  return { tokens };
}
