// Comments, pages, messages and titles are in plain words: phrases that a reader has to translate
// are refused.
import { expect, test } from "vitest";
import { read, sourceFiles } from "./source-tree.ts";

const REFUSED: readonly RegExp[] = [
  /\bwho(?:m)?ever\b/gi,
  /\bnobody who\b/gi,
  /\bsuch a one\b/gi,
  /\bfor ever\b/gi,
  /\b(?:is|are|was|were) to be\b/gi,
  /\bsees? to it\b/gi,
];

/** What says which phrases are refused. */
const ABOUT_WORDS = ["CONTRIBUTING.md", "docs/style.md", "tests/tidy/words.test.ts"];

/** The refused phrases of a text, also those that a line's end breaks. */
function refusedPhrases(text: string): string[] {
  // The next line of a comment starts with a mark.
  const flat = text.replace(/\s+(?:\/\/|\*|;|#|>)?\s*/g, " ");
  return REFUSED.flatMap((phrase) => flat.match(phrase) ?? []);
}

test("no file has a phrase that must be translated", () => {
  const found = sourceFiles()
    .filter((file) => !ABOUT_WORDS.includes(file))
    .flatMap((file) => refusedPhrases(read(file)).map((phrase) => `${file}: ${phrase}`));
  expect(found).toEqual([]);
});

test.each([
  ["/** Whoever calls this holds the lock. */", ["Whoever"]],
  ["// It is lost for\n  // ever.", ["for ever"]],
  [" * There is nobody\n * who looks.", ["nobody who"]],
  ["; the stack is\n; to be aligned", ["is to be"]],
  ["# files are to\n# be there", ["are to be"]],
  ['fail("the caller sees to it");', ["sees to it"]],
  ["such a one, whomever it serves", ["whomever", "such a one"]],
  ["isToBe, forever, nobody", []],
])("of %j the phrases %j are refused", (text, expected) => {
  expect(refusedPhrases(text)).toEqual(expected);
});
