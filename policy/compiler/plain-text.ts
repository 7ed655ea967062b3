/**
 * What a policy file says, before any grammar: the same text with blanks for comments, so that
 * offsets stay. One pass, linear in the text, and nothing that a reader cannot see gets past it.
 */
import type { Diagnostic } from "../../toolchain/report/diagnostic.ts";
import type { PolicyFile } from "./parse.ts";

/** A file larger than this is not a policy. */
const FILE_CHARACTERS_MAX = 1 << 20;

/**
 * What does not show, or shows as something else: controls but tab and line feed, formatting
 * characters (the bidirectional ones are among them), lone surrogates, private use, all that
 * Unicode lets be drawn as nothing, and spaces other than the space.
 */
const HIDDEN =
  /\r(?!\n)|[^\P{Cc}\t\n\r]|[\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]|[^\P{Zs} ]/u;
const BIDIRECTIONAL = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

/** Answers the text with blanks for comments, or what is wrong with it. */
export function plainText(
  source: PolicyFile,
): { readonly text: string } | { readonly mistake: Diagnostic } {
  const { file, text } = source;
  const refuse = (at: number, message: string, help: string) => ({
    mistake: { severity: "error" as const, file, ...placeOf(text, at), message, help },
  });
  if (text.length > FILE_CHARACTERS_MAX) {
    const message = `the file has ${text.length} characters`;
    return {
      mistake: {
        severity: "error",
        file,
        message,
        help: `a policy file has at most ${FILE_CHARACTERS_MAX}`,
      },
    };
  }
  const hidden = HIDDEN.exec(text);
  if (hidden !== null) return refuse(hidden.index, ...describeHidden(hidden[0], hidden.index));

  const plain = blankComments(text);
  if (plain.unclosedAt !== undefined)
    return refuse(
      plain.unclosedAt,
      "the comment that starts here does not end",
      "end it with `*/`",
    );
  const foreign = /[^\t\n\r -~]/u.exec(plain.text);
  if (foreign !== null) {
    return refuse(
      foreign.index,
      `the character ${JSON.stringify(foreign[0])} has no meaning here`,
      "names and words are ASCII; other letters can be used in comments",
    );
  }
  return { text: plain.text };
}

function describeHidden(character: string, at: number): readonly [message: string, help: string] {
  const code = `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
  if (character === "\r")
    return [
      "a carriage return (U+000D) stands here without a line feed",
      "end lines with a line feed, or with both",
    ];
  if (character === "\ufeff" && at === 0)
    return [`the file starts with a byte order mark (${code})`, "save it as UTF-8 without one"];
  if (BIDIRECTIONAL.test(character)) {
    return [
      `the character ${code} changes the direction of the text around it`,
      "delete it: a reader must see the rule that is compiled",
    ];
  }
  return [
    `the character ${code} cannot be seen, or not be told from a space`,
    "delete it, or write a space",
  ];
}

/** Blanks of the same length, line ends kept. */
function blankComments(text: string): { readonly text: string; readonly unclosedAt?: number } {
  const parts: string[] = [];
  const starts = /\/[/*]/g;
  let from = 0;
  for (let start = starts.exec(text); start !== null; start = starts.exec(text)) {
    const isBlock = start[0] === "/*";
    const end = text.indexOf(isBlock ? "*/" : "\n", start.index + 2);
    if (isBlock && end < 0) return { text, unclosedAt: start.index };
    const after = end < 0 ? text.length : isBlock ? end + 2 : end;
    parts.push(
      text.slice(from, start.index),
      text.slice(start.index, after).replace(/[^\n]/g, " "),
    );
    from = after;
    starts.lastIndex = after;
  }
  return { text: parts.join("") + text.slice(from) };
}

/** Both counted from 1. */
function placeOf(text: string, offset: number): { readonly line: number; readonly column: number } {
  const before = text.slice(0, offset).split("\n");
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}
