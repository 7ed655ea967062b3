import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { read, ROOT } from "./source-tree.ts";

interface Manifest {
  readonly private?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

const manifest = JSON.parse(read("package.json")) as Manifest;
const pinned = { ...manifest.dependencies, ...manifest.devDependencies };

test("the package is private, and every version is exact", () => {
  expect(manifest.private).toBe(true);
  expect(
    Object.entries(pinned).filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version)),
  ).toEqual([]);
});

test("the lock file names no download address", () => {
  expect(read("package-lock.json")).not.toContain('"resolved"');
  expect(read("toolchain/setup/node/package-lock.json")).not.toContain('"resolved"');
});

// Two instances would be two heaps: a module made by one cannot be read by the other.
test("Binaryen is there once, in the version that AssemblyScript asks for", () => {
  const asc = JSON.parse(read("node_modules/assemblyscript/package.json")) as Manifest;
  expect(pinned["binaryen"]).toBe(asc.dependencies?.["binaryen"]);
  expect(existsSync(join(ROOT, "node_modules/assemblyscript/node_modules/binaryen"))).toBe(false);
});

test("AssemblyScript's Binaryen and ours are the same object", async () => {
  const [ours, theirs] = await Promise.all([import("binaryen"), import("assemblyscript/binaryen")]);
  expect(ours.default).toBe(theirs.default);
});

test("the shell scripts of the set-up are POSIX", () => {
  for (const script of ["setup.sh", "network.sh", "ownership.sh", "start.sh", "clean.sh"])
    execFileSync("sh", ["-n", join(ROOT, "toolchain/setup", script)]);
});
