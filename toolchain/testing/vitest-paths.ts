/** Runs tests by path, with vitest's own output, for work on them. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { refuse } from "../report/diagnostic.ts";

/** True if `name` is a file or folder rather than a suite. */
export function isPath(name: string): boolean {
  return name.includes("/") || name.endsWith(".ts");
}

/**
 * Runs the tests at `paths`, relative to the root, each as its project of vitest.config.ts runs
 * them. Returns true if all passed.
 */
export function runVitestOn(root: string, paths: readonly string[]): boolean {
  for (const path of paths)
    if (!existsSync(join(root, path)))
      refuse("there is no such file or folder", {
        file: path,
        help: "a path from the root of the tree, for example services/echo",
      });
  const program = join(root, "node_modules/vitest/vitest.mjs");
  const child = spawnSync(process.execPath, [program, "run", ...paths], {
    cwd: root,
    stdio: "inherit",
  });
  return child.status === 0;
}
