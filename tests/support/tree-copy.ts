/** A copy of the tree to change and build in, with the installed tools of this one. */
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { copyTree } from "../../toolchain/testing/copy-tree.ts";

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

export class TreeCopy {
  readonly root = mkdtempSync(join(tmpdir(), "trine-tree-"));

  constructor() {
    copyTree(ROOT, this.root);
  }

  /** Copies what this tree has built, so that the copy builds only what a test changes. */
  takeBuilt(): void {
    for (const folder of ["build/cache", "build/generated", "build/kernel", "build/programs"]) {
      cpSync(join(ROOT, folder), join(this.root, folder), {
        recursive: true,
        filter: (path) => !path.endsWith("/lock"),
      });
    }
  }

  /** Runs a line as a user types it, and returns what it printed. */
  shell(line: string): string {
    return execFileSync("sh", ["-ec", line], {
      cwd: this.root,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, PATH: `${join(this.root, "build/node/bin")}:${process.env["PATH"]}` },
    });
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
