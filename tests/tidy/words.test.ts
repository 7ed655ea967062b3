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

/**
 * Files that still have such phrases, and how many. The list only shrinks: take a number down when
 * you rewrite a comment.
 */
const LEFT: Readonly<Record<string, number>> = {
  "kernel/abi/system-call.ts": 2,
  "kernel/domain/domain.test.ts": 1,
  "kernel/domain/elf.ts": 1,
  "kernel/domain/reclaim.ts": 1,
  "kernel/ipc/lending.ts": 3,
  "kernel/ipc/rendezvous.ts": 1,
  "kernel/ipc/trace.ts": 1,
  "kernel/ipc/transfer.ts": 1,
  "kernel/monitor/blob/distinct.ts": 1,
  "kernel/monitor/blob/sections.ts": 1,
  "kernel/monitor/monitor.ts": 1,
  "kernel/x64/README.md": 2,
  "kernel/x64/assembly.ts": 1,
  "kernel/x64/power.ts": 1,
  "kernel/x64/restart.ts": 1,
  "kernel/x64/resume.asm": 2,
  "kernel/x64/serial-log.ts": 3,
  "kernel/x64/timer.ts": 1,
  "kernel/x64/trap-entry.asm": 1,
  "policy/compiler/assertions.test.ts": 1,
  "policy/compiler/expect.ts": 1,
  "policy/compiler/flow.test.ts": 1,
  "policy/compiler/flow.ts": 5,
  "policy/compiler/machine-ports.ts": 1,
  "policy/compiler/resolve.ts": 1,
  "policy/language.md": 2,
  "policy/modules/attacker.policy": 1,
  "policy/modules/console.policy": 1,
  "policy/modules/shell.policy": 2,
};

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
  expect(counts.filter(({ file, count }) => count > (LEFT[file] ?? 0))).toEqual([]);
});
