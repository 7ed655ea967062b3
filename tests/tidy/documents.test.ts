// What the pages say of the tree is there.
import { existsSync } from "node:fs";
import { join, posix } from "node:path";
import { expect, test } from "vitest";
import { read, ROOT, sourceFiles } from "./source-tree.ts";

const pages = sourceFiles().filter((file) => file.endsWith(".md"));
/**
 * Links, and words in backticks that look like a path of the tree: `docs/figures.md`,
 * `kernel/x64/`.
 */
function pathsOf(page: string): string[] {
  const text = read(page).replace(/```[^]*?```/g, "");
  const links = [...text.matchAll(/\]\(([^)#\s]+)\)/g)]
    .map((match) => match[1]!)
    .filter((target) => !target.includes("://"));
  const quoted = [...text.matchAll(/`([\w.-]+(?:\/[\w.-]+)+\/?|[\w-]+\/)`/g)].map(
    (match) => match[1]!,
  );
  return [...links, ...quoted];
}

/**
 * Paths are given from the root, or from the page's own folder. What a build writes is not there
 * before it.
 */
function exists(page: string, path: string): boolean {
  return (
    path.startsWith("build/") ||
    path.startsWith(".github/") ||
    existsSync(join(ROOT, path)) ||
    existsSync(join(ROOT, posix.dirname(page), path))
  );
}

test("every path that a page names exists", () => {
  // The files of docs/first-service.md are there when its reader has made them;
  // tests/system/first-service.test.ts does.
  const missing = pages.flatMap((page) =>
    pathsOf(page)
      .filter((path) => !exists(page, path) && !path.includes("greeter"))
      .map((path) => `${page}: ${path}`),
  );
  expect(missing).toEqual([]);
});

test("docs/README.md lists every page beside it", () => {
  const listed = pathsOf("docs/README.md");
  expect(
    pages
      .filter((page) => /^docs\/[^/]+$/.test(page) && page !== "docs/README.md")
      .filter((page) => !listed.includes(page.slice("docs/".length))),
  ).toEqual([]);
});

/** Commands in code: `./trine fuzz --seed 1`, `make test`; in a block, at the start of a line. */
function commandsOf(page: string): string[] {
  const code = [
    ...read(page).matchAll(/```(?:sh|console)?\n([^]*?)```|`([^`\n]+)`|^ {4}(\S.*)$/gm),
  ].flatMap(([, block, span, line]) => (block ?? span ?? line ?? "").split("\n"));
  return code.flatMap(
    (text) =>
      /^\s*(?:\$ )?((?:\.\/)?trine|make|node)( [^#\s]\S*)/.exec(text)?.slice(1).join("") ?? [],
  );
}

test("every command that a page names exists, and none starts a source of the tools by itself", () => {
  const tools = [...read("toolchain/cli/main.ts").matchAll(/\.command\("([\w-]+)"\)/g)].map(
    (match) => match[1]!,
  );
  const tasks = [...read("Makefile").matchAll(/^TASKS = (.*)$/gm)]
    .flatMap((match) => match[1]!.split(" "))
    .concat("help", "clean");
  const isKnown = (command: string): boolean => {
    const [program, word] = command.replace(/^\.\//, "").split(" ") as [string, string];
    if (program === "node") return !/^(toolchain|tests|policy)\//.test(word);
    return word.startsWith("-") || (program === "make" ? tasks : tools).includes(word);
  };
  expect(
    pages.flatMap((page) => commandsOf(page).map((command) => `${page}: ${command}`)).length,
  ).toBeGreaterThan(20);
  expect(
    pages.flatMap((page) =>
      commandsOf(page)
        .filter((command) => !isKnown(command))
        .map((command) => `${page}: ${command}`),
    ),
  ).toEqual([]);
});
