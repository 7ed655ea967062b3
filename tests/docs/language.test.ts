// docs/language.md is true: its examples compile, and those that it calls refused are refused with
// the message that it shows.
import { expect, test } from "vitest";
import { readProgram } from "../../toolchain/compiler/read-program.ts";
import { explain } from "../../toolchain/language/explain.ts";
import { DiagnosticError, formatDiagnostics } from "../../toolchain/report/diagnostic.ts";
import { read, ROOT } from "../tidy/source-tree.ts";

const BLOCK = /```ts\n([^]*?)```\n(?:```text\n([^]*?)```\n)?/g;
const page = read("docs/language.md");
const examples = [...page.matchAll(BLOCK)].map((match) => ({
  line: page.slice(0, match.index).split("\n").length,
  source: match[1]!,
  message: match[2]?.trim() ?? null,
}));

/** All that the compiler says against `source`, warnings too, or null. */
async function refusal(source: string): Promise<string | null> {
  try {
    const { source: compiled } = await readProgram({
      root: ROOT,
      entry: "example.ts",
      target: "domain",
      name: "example",
      virtualFiles: { "example.ts": source },
    });
    return compiled.diagnostics.length === 0 ? null : formatDiagnostics(compiled.diagnostics);
  } catch (error) {
    if (error instanceof DiagnosticError)
      return formatDiagnostics(
        explain(error.diagnostics, (file) => (file === "example.ts" ? source : undefined)),
      );
    throw error;
  }
}

test("the page has examples of both kinds", () => {
  expect(examples.filter(({ message }) => message === null).length).toBeGreaterThanOrEqual(6);
  expect(examples.filter(({ message }) => message !== null).length).toBeGreaterThanOrEqual(8);
});

test.each(examples.filter(({ message }) => message === null))(
  "the example in line $line compiles",
  async ({ source }) => {
    expect(await refusal(source)).toBeNull();
  },
);

test.each(examples.filter(({ message }) => message !== null))(
  "the example in line $line is refused or warned of as shown",
  async ({ source, message }) => {
    expect(`${await refusal(source)}\n`).toContain(`${message}\n`);
  },
);
