// Lines of at most 100 columns. The formatter holds code of TypeScript and JSON; a string that is
// longer stays whole.
import { expect, test } from "vitest";
import { read, sourceFiles } from "./source-tree.ts";

const COLUMNS_MAX = 100;
const KINDS = /\.(ts|js|cjs|jsonc?|md|asm|inc|policy|ld)$/;
/** Comments start with `#`. */
const SCRIPTS = /\.(sh|yml)$|(^|\/)(Makefile|trine|run)$/;

/** Lines of a text that are too long, counted from 1. */
function longLines(file: string, text: string): number[] {
  const isCode = isCodeOf(file);
  return text
    .split("\n")
    .flatMap((line, at) => (!isCode(line) && [...line].length > COLUMNS_MAX ? [at + 1] : []));
}

/** What may be longer: a table, what a machine prints, code that holds a long string. */
function isCodeOf(file: string): (line: string) => boolean {
  if (/\.(ts|js|cjs|jsonc?)$/.test(file)) return (line) => !/^\s*(\/\/|\/?\*)/.test(line);
  if (SCRIPTS.test(file)) return (line) => !/^\s*#/.test(line);
  if (!file.endsWith(".md")) return () => false;
  let isFenced = false;
  return (line) => {
    if (/^\s*```/.test(line)) isFenced = !isFenced;
    return isFenced || line.startsWith("|") || line.startsWith("    ");
  };
}

test("comments, pages, assembly and policies have at most 100 columns", () => {
  const files = sourceFiles().filter(
    (file) => (KINDS.test(file) || SCRIPTS.test(file)) && !file.includes("/templates/"),
  );
  const long = files.flatMap((file) => longLines(file, read(file)).map((at) => `${file}:${at}`));
  expect(long).toEqual([]);
});

test.each([
  ["a.ts", `// ${"x".repeat(97)}`, []],
  ["a.ts", `// ${"x".repeat(98)}`, [1]],
  ["a.ts", `const a = "${"x".repeat(98)}";`, []],
  ["tsconfig.json", `  // ${"x".repeat(98)}\n  "a": "${"x".repeat(98)}"`, [1]],
  [".ci/run", `# ${"x".repeat(99)}\necho ${"x".repeat(99)}`, [1]],
  ["a.asm", `\n  mov rax, rbx ; ${"x".repeat(98)}`, [2]],
  ["a.md", `| ${"x".repeat(98)} |\n${"x".repeat(101)}\n\`\`\`\n${"x".repeat(101)}\n\`\`\``, [2]],
  ["a.md", `${"─".repeat(100)}`, []],
])("in %s: %s", (file, text, lines) => {
  expect(longLines(file, text)).toEqual(lines);
});
