// docs/first-service.md, done literally: its commands, its changes, its transcript.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ShellSession } from "../support/shell-session.ts";
import { TreeCopy } from "../support/tree-copy.ts";

const PROMPT = "trine> ";

interface Block {
  readonly kind: string;
  readonly file: string;
  readonly lines: readonly string[];
}

let tree: TreeCopy;
beforeAll(() => (tree = new TreeCopy()));
afterAll(() => tree.remove());

function blocksOf(page: string): Block[] {
  return [...page.matchAll(/```(\w+)(?: ([\w./-]+))?\n([^]*?)```/g)].map(
    ([, kind, file, text]) => ({
      kind: kind!,
      file: file ?? "",
      lines: text!.trimEnd().split("\n"),
    }),
  );
}

/** Replaces the block's old lines, which must stand in the file exactly once, by its new ones. */
function applyDiff(path: string, lines: readonly string[]): void {
  const side = (sign: "-" | "+"): string =>
    lines
      .filter((line) => line[0] === " " || line[0] === sign)
      .map((line) => line.slice(1))
      .join("\n");
  const text = readFileSync(path, "utf8");
  expect(text.split(`${side("-")}\n`).length, `${path} has the lines\n${side("-")}`).toBe(2);
  writeFileSync(
    path,
    text.replace(side("-"), () => side("+")),
  );
}

test("the page leads from nothing to a shell command that answers", async () => {
  const blocks = blocksOf(readFileSync(join(tree.root, "docs/first-service.md"), "utf8"));
  const written = blocks
    .filter(({ kind }) => kind === "ts" || kind === "diff")
    .flatMap(({ lines }) => lines);
  expect(written.length, "lines that a reader types").toBeLessThanOrEqual(60);

  for (const { kind, file, lines } of blocks) {
    if (kind === "sh") for (const line of lines) tree.shell(line);
    if (kind === "diff") applyDiff(join(tree.root, file), lines);
    if (kind === "ts") {
      mkdirSync(dirname(join(tree.root, file)), { recursive: true });
      writeFileSync(join(tree.root, file), `${lines.join("\n")}\n`);
    }
    if (kind === "console") await followTranscript(lines);
  }
});

/** Types the commands; what comes must be what the page shows. */
async function followTranscript(lines: readonly string[]): Promise<void> {
  const { bootPath } = JSON.parse(tree.shell("./trine --json build")) as { bootPath: string };
  await using shell = await ShellSession.start({ kind: "iso", path: join(tree.root, bootPath) });
  const commands = lines.join("\n").split(PROMPT).slice(1);
  for (const [command, ...expected] of commands.map((text) => text.trimEnd().split("\n"))) {
    const answer = await shell.run(command!);
    expect(answer.map((line) => line.trimEnd()).filter((line) => line !== "")).toEqual(expected);
  }
}
