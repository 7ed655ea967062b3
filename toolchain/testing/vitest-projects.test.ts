import { expect, test } from "vitest";
import { globSync } from "node:fs";
import { matchesGlob, resolve } from "node:path";
import configuration from "../../vitest.config.ts";

const ROOT = resolve(import.meta.dirname, "../..");

interface Project {
  readonly test: {
    readonly name: string;
    readonly include: readonly string[];
    readonly exclude: readonly string[];
  };
}
const projects = configuration.test!.projects as readonly Project[];

function projectsOf(file: string): string[] {
  const matches = (patterns: readonly string[]): boolean =>
    patterns.some((pattern) => matchesGlob(file, pattern));
  return projects
    .filter(({ test: { include, exclude } }) => matches(include) && !matches(exclude))
    .map(({ test: { name } }) => name);
}

test("each test file of the tree belongs to one project", () => {
  const files = globSync(
    "{boot,docs,drivers,images,kernel,policy,services,tests,toolchain}/**/*.test.ts",
    {
      cwd: ROOT,
    },
  ).filter((file) => !file.includes("/templates/"));
  expect(files.length).toBeGreaterThan(100);
  expect(files.filter((file) => projectsOf(file).length !== 1)).toEqual([]);
});

test.each([
  ["services/echo/echo.test.ts", "host"],
  ["tests/tidy/names.test.ts", "host"],
  ["tests/system/shell.test.ts", "system"],
  ["tests/blobs/bit-flips.test.ts", "system"],
  ["tests/guards/guards.test.ts", "guards"],
])("%s is run as the suite %s runs it", (file, project) => {
  expect(projectsOf(file)).toEqual([project]);
});
