/**
 * Policy text → the same text as this tree lays it out: one space between words, two for each open
 * bracket and for what continues a statement, at most one empty line. Lines stay where the author
 * ended them, and so do comments.
 */
import { LONG_SIGNS } from "./tokens.ts";
import { STATEMENT_WORDS } from "./words.ts";

const INDENT = 2;
const PIECE = new RegExp(String.raw`//[^\n]*|/\*[\s\S]*?\*/|\w+|${LONG_SIGNS}|[^\s\w]`, "g");
/** Before and behind these stands no space. */
const CLOSE = new Set([",", ")", ".", "..", ":"]);
const OPEN = new Set(["(", ".", ".."]);
/** Behind another word, a parenthesis belongs to that word: `length(`, `use m.i(`. */
const BEFORE_GROUP = new Set(["if", "when", "and", "or", "not", "in"]);

/** `text` is one that `parsePolicy` takes. */
export function formatPolicy(text: string): string {
  const brackets: ("body" | "list")[] = [];
  const lines: string[] = [];
  let empty = 0;
  let before = "";
  for (const source of linesOf(text)) {
    if (source.length === 0) {
      empty += 1;
      continue;
    }
    if (lines.length > 0 && empty > 0) lines.push("");
    empty = 0;
    let line = "";
    let last: Piece | undefined;
    const indent = indentOf(source[0]!.text, brackets);
    for (const piece of source) {
      const { text: word } = piece;
      line += last === undefined ? word : `${isApart(last, piece, before) ? " " : ""}${word}`;
      // The parameters of an interface end right before its body.
      if (word === "(") brackets.push("list");
      else if (word === "{") brackets.push(last?.text === ")" ? "body" : "list");
      else if (word === ")" || word === "}") brackets.pop();
      before = last?.text ?? "";
      last = piece;
    }
    lines.push(" ".repeat(indent) + line);
  }
  return `${lines.join("\n")}\n`;
}

interface Piece {
  readonly text: string;
  /** White space stands before it in its line. */
  readonly isSpaced: boolean;
}

/** Words, signs and comments of each line. A comment over several lines is one piece. */
function linesOf(text: string): readonly (readonly Piece[])[] {
  const lines: Piece[][] = [[]];
  let end = 0;
  for (const match of text.matchAll(PIECE)) {
    const gap = text.slice(end, match.index);
    for (let breaks = gap.split("\n").length - 1; breaks > 0; breaks--) lines.push([]);
    lines.at(-1)!.push({ text: match[0].trimEnd(), isSpaced: gap !== "" });
    end = match.index + match[0].length;
  }
  return lines;
}

function indentOf(first: string, brackets: readonly ("body" | "list")[]): number {
  const isEnd = first === "}" || first === ")";
  const depth = (brackets.length - (isEnd ? 1 : 0)) * INDENT;
  const inner = brackets.at(-1);
  const startsStatement =
    isEnd ||
    inner === "list" ||
    first.startsWith("/") ||
    first === "module" ||
    STATEMENT_WORDS.includes(first);
  return startsStatement ? depth : depth + INDENT;
}

/** `before`: what stands before `left`. */
function isApart(left: Piece, right: Piece, before: string): boolean {
  if (left.text.startsWith("/") || right.text.startsWith("/")) return true;
  if (CLOSE.has(right.text) || OPEN.has(left.text)) return false;
  if (right.text === "(") return !/^\w+$/.test(left.text) || BEFORE_GROUP.has(left.text);
  // Part of a program's name, or a number's sign.
  if (right.text === "-") return right.isSpaced;
  if (left.text === "-") return right.isSpaced && /^\w+$/.test(before);
  return true;
}
