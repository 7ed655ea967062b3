/** Single tests while one works on them: by path, with vitest's own output. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { refuse } from "../report/diagnostic.ts";

/** Which folders need more than vitest.config.ts gives; the first that fits wins. */
const CONFIGURATIONS: readonly (readonly [folder: string, config: string])[] = [
  ["tests/guards", "vitest.guards.config.ts"],
  ["tests/system", "vitest.system.config.ts"],
  ["tests/blobs", "vitest.system.config.ts"],
  ["tests/recovery", "vitest.system.config.ts"],
  ["tests/garbage", "vitest.system.config.ts"],
  ["", "vitest.config.ts"],
];

/** Whether `name` means a file or folder, not a suite. */
export function isPath(name: string): boolean {
  return name.includes("/") || name.endsWith(".ts");
}

/**
 * The runs of vitest that `paths`, relative to the root, take: those of one configuration together.
 */
export function runsFor(paths: readonly string[]): ReadonlyMap<string, readonly string[]> {
  return Map.groupBy(
    paths,
    (path) => CONFIGURATIONS.find(([folder]) => path.startsWith(folder))![1],
  );
}

/** Runs the tests at `paths` and returns whether all passed. */
export function runVitestOn(root: string, paths: readonly string[]): boolean {
  for (const path of paths)
    if (!existsSync(join(root, path)))
      refuse("there is no such file or folder", {
        file: path,
        help: "a path from the root of the tree, for example services/echo",
      });
  const program = join(root, "node_modules/vitest/vitest.mjs");
  return [...runsFor(paths)]
    .map(
      ([config, chosen]) =>
        spawnSync(process.execPath, [program, "run", "--config", config, ...chosen], {
          cwd: root,
          stdio: "inherit",
        }).status === 0,
    )
    .every((passed) => passed);
}
