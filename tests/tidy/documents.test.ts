// What the pages and comments say of the tree is there.
import { existsSync } from "node:fs";
import { join, posix } from "node:path";
import { expect, test } from "vitest";
import { commentsOf, read, ROOT, sourceFiles } from "./source-tree.ts";

const files = sourceFiles();
const pages = files.filter((file) => file.endsWith(".md"));

/** A page's text without its code blocks. */
function prose(page: string): string {
  return read(page).replace(/```[^]*?```/g, "");
}

/** Targets of links that lead into the tree: `speculation.md`, `language.md#memory`. */
function linksOf(page: string): string[] {
  return [...prose(page).matchAll(/\]\(([^)\s]+)\)/g)]
    .map((match) => match[1]!)
    .filter((target) => !target.includes("://"));
}

/**
 * Links, and words in backticks that look like a path of the tree: `docs/figures.md`,
 * `kernel/x64/`.
 */
function pathsOf(page: string): string[] {
  const links = linksOf(page)
    .map((target) => target.replace(/#.*$/, ""))
    .filter((target) => target !== "");
  const quoted = [...prose(page).matchAll(/`([\w.-]+(?:\/[\w.-]+)+\/?|[\w-]+\/)`/g)].map(
    (match) => match[1]!,
  );
  return [...links, ...quoted];
}

/**
 * Paths are given from the root, or from the page's own folder. What a build writes is not there
 * before the build.
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
  // The files of docs/first-service.md exist when its reader has made them;
  // tests/system/first-service.test.ts does.
  const missing = pages.flatMap((page) =>
    pathsOf(page)
      .filter((path) => !exists(page, path) && !path.includes("greeter"))
      .map((path) => `${page}: ${path}`),
  );
  expect(missing).toEqual([]);
});

/** The anchor that a heading gets: lower case, without punctuation, with hyphens for spaces. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .replace(/\s/g, "-");
}

function anchorsOf(page: string): string[] {
  return [...prose(page).matchAll(/^#+ (.*)$/gm)].map((match) => anchorOf(match[1]!));
}

test("every heading that a link names exists", () => {
  const links = pages.flatMap((page) =>
    linksOf(page)
      .filter((target) => target.includes("#"))
      .map((target) => {
        const [path, anchor] = target.split("#") as [string, string];
        const file = path === "" ? page : posix.join(posix.dirname(page), path);
        return { page, target, file, anchor };
      }),
  );
  expect(
    links
      .filter(({ file, anchor }) => !file.endsWith(".md") || !anchorsOf(file).includes(anchor))
      .map(({ page, target }) => `${page}: ${target}`),
  ).toEqual([]);
});

const TOP_FOLDERS = "boot|docs|drivers|images|kernel|policy|services|tests|toolchain";
const PATH_IN_COMMENT = new RegExp(
  `(?<![\\w./-])(?:${TOP_FOLDERS})/[\\w./-]+\\.(?:asm|inc|json|ld|md|policy|sh|ts|txt)\\b`,
  "g",
);
test("every path that a comment names exists", () => {
  const named = files.flatMap((file) =>
    commentsOf(file)
      .flatMap((comment) => comment.match(PATH_IN_COMMENT) ?? [])
      .map((path) => ({ file, path })),
  );
  expect(named.length).toBeGreaterThan(50);
  expect(
    named
      .filter(({ path }) => !path.includes("NAME") && !existsSync(join(ROOT, path)))
      .map(({ file, path }) => `${file}: ${path}`),
  ).toEqual([]);
});

test.each(["docs", "docs/design", "docs/decisions"])(
  "%s/README.md lists every page beside it",
  (folder) => {
    const listed = pathsOf(`${folder}/README.md`);
    const beside = pages
      .filter((page) => posix.dirname(page) === folder)
      .map((page) => posix.basename(page))
      .filter((page) => page !== "README.md");
    expect(beside.length).toBeGreaterThan(0);
    expect(beside.filter((page) => !listed.includes(page))).toEqual([]);
  },
);

test("the list of decisions has each page's title, a date and a status", () => {
  const STATUS = /^(?:in force|replaced by \[.+\]\(.+\.md\))$/;
  const rows = [
    ...read("docs/decisions/README.md").matchAll(
      /^\| (\S+) \| \[(.+)\]\((\S+)\) \| (.+?) \| (.+?) \|$/gm,
    ),
  ];
  const decisions = pages.filter(
    (page) => page.startsWith("docs/decisions/") && !page.endsWith("/README.md"),
  );
  expect(rows.map((row) => row[3]!).sort()).toEqual(
    decisions.map((page) => posix.basename(page)).sort(),
  );
  for (const [, date, title, page, , status] of rows) {
    expect(date, page).toMatch(/^\d{4}-\d{2}-\d{2}$/);
    expect(status, page).toMatch(STATUS);
    expect(read(`docs/decisions/${page}`).split("\n", 1)[0], page).toBe(`# ${title}`);
  }
  const dates = rows.map((row) => row[1]!);
  expect(dates, "the oldest first").toEqual([...dates].sort());
});

test.each(["docs/walk-of-a-message.md", "docs/walk-of-a-rule.md"])(
  "each function that %s passes is in its file",
  (page) => {
    const steps = [...read(page).matchAll(/^\| `([^`]+)` `(\w+)` \|/gm)].map(([, file, name]) => ({
      file: file!,
      name: name!,
    }));
    expect(steps.length).toBeGreaterThan(10);
    expect(steps.filter(({ file, name }) => !new RegExp(`\\b${name}\\b`).test(read(file)))).toEqual(
      [],
    );
  },
);

const INVARIANTS = 8;

test("each invariant of ARCHITECTURE.md names tests that exist", () => {
  const section = /^## Invariants\n([^]*?)^## /m.exec(read("ARCHITECTURE.md"))![1]!;
  const invariants = section.split(/^\d+\. /m).slice(1);
  expect(invariants).toHaveLength(INVARIANTS);
  for (const invariant of invariants) {
    const text = invariant.replace(/\s+/g, " ");
    const named = [...text.matchAll(/`([\w./-]+\.test\.ts)`: "([^"]+)"/g)];
    expect(named.length, text).toBeGreaterThan(0);
    for (const [, file, title] of named) {
      expect(files, text).toContain(file);
      // A title may end in what differs from case to case.
      expect(read(file!), `${file} has a test "${title}"`).toContain(`"${title}`);
    }
  }
});

/** Large folders that have none yet. The list only shrinks. */
test("a folder of ten files or more has a README", () => {
  const counts = new Map<string, number>();
  for (const file of files) {
    const folder = posix.dirname(file);
    counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  const large = [...counts].filter(([, count]) => count >= 10).map(([folder]) => folder);
  expect(large.length).toBeGreaterThan(20);
  const without = large.filter((folder) => !files.includes(posix.join(folder, "README.md")));
  expect(without).toEqual([]);
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
