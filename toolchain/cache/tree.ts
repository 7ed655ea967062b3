/**
 * Where things lie in a source tree and in its `build` folder. All paths of the product are
 * relative to the root.
 */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { refuse } from "../report/diagnostic.ts";

/** The root of the tree that `folder` lies in. */
export function findRoot(folder = process.cwd()): string {
  for (let current = resolve(folder); ; current = dirname(current)) {
    if (isRoot(current)) return current;
    if (current === dirname(current))
      refuse("this folder is not in a Trine tree", {
        help: "change to the folder that you cloned",
      });
  }
}

function isRoot(folder: string): boolean {
  const path = join(folder, "package.json");
  if (!existsSync(path) || !existsSync(join(folder, "kernel"))) return false;
  return /^\s*"name":\s*"trine"/m.test(readFileSync(path, "utf8"));
}

/** What a build writes, relative to the root. */
export const BUILD = {
  cache: "build/cache",
  interfaces: "build/generated/interfaces",
  handles: "build/generated/programs",
  programs: "build/programs",
  kernel: "build/kernel",
  image: (name: string) => `build/images/${name}`,
} as const;
