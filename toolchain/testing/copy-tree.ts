/** Copies the tree, to change the copy or to build it in another place. */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";

/** Copies the files that git tracks or would add, and links the installed tools and packages. */
export function copyTree(root: string, folder: string): void {
  const list = execFileSync(
    "git",
    ["ls-files", "--cached", "--others", "--exclude-standard", "-z"],
    { cwd: root, encoding: "utf8" },
  );
  // Git lists a removed file until its removal is staged.
  for (const file of list
    .split("\0")
    .filter((name) => name !== "" && existsSync(join(root, name)))) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    cpSync(join(root, file), join(folder, file));
  }
  mkdirSync(join(folder, "build/setup"), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  symlinkSync(join(root, "build/node"), join(folder, "build/node"));
  cpSync(join(root, "package-lock.json"), join(folder, "build/setup/installed-lock.json"));
}
