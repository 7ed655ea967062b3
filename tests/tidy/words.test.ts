// Comments and pages are in plain words: phrases that a reader has to translate are refused.
import { expect, test } from "vitest";
import { commentsOf, read, sourceFiles } from "./source-tree.ts";

const REFUSED: readonly RegExp[] = [
  /\bwho(?:m)?ever\b/gi,
  /\bnobody who\b/gi,
  /\bsuch a one\b/gi,
  /\bfor ever\b/gi,
  /\bis to be\b/gi,
  /\bsees? to it\b/gi,
];

/** Pages that say which phrases are refused. */
const ABOUT_WORDS = ["CONTRIBUTING.md", "docs/style.md"];

/** How often a file's comments, or the whole of a page, have a refused phrase. */
function countIn(file: string): number {
  const text = file.endsWith(".md") ? read(file) : commentsOf(file).join(" ");
  // A phrase may be broken by a line's end and the mark of a comment's next line.
  const flat = text.replace(/\s+(?:\/\/|\*|;)?\s*/g, " ");
  return REFUSED.reduce((sum, phrase) => sum + (flat.match(phrase)?.length ?? 0), 0);
}

const counts = sourceFiles()
  .filter((file) => !ABOUT_WORDS.includes(file))
  .map((file) => ({ file, count: countIn(file) }));

test("comments and pages have no phrase that must be translated", () => {
  expect(counts.filter(({ count }) => count > 0)).toEqual([]);
});
