// Which programs a task may count on, and that tests see no others.
import { spawnSync } from "node:child_process";
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { preparedPath } from "./prepared-path.ts";
import { findProgram, outsidePrograms } from "./programs.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const isDebian = findProgram("dpkg-query") !== null;
let folder = "";
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "trine-path-"))));
afterEach(() => rmSync(folder, { recursive: true }));

test("the table and the Makefile name the same tasks", () => {
  const tasks = /^TASKS = (.*)$/m
    .exec(readFileSync(join(ROOT, "Makefile"), "utf8"))![1]!
    .split(" ");
  expect([...new Set(outsidePrograms(ROOT).flatMap((program) => program.tasks))].sort()).toEqual(
    tasks.sort(),
  );
});

test.runIf(isDebian)(
  "a task finds what every Debian has, what the README asks for and what set-up installs for it",
  () => {
    expect(preparedPath(ROOT, "disk", folder)).toBe(folder);
    expect(readdirSync(folder)).toEqual(
      expect.arrayContaining([
        "sh",
        "awk",
        "find",
        "make",
        "git",
        "openssl",
        "setpriv",
        "nasm",
        "ld",
      ]),
    );
    expect(
      readdirSync(folder).filter((name) =>
        ["gdb", "qemu-system-x86_64", "python3", "node", "npm", "curl", "as"].includes(name),
      ),
    ).toEqual([]);
    expect(spawnSync("git", ["--version"], { env: { PATH: folder } }).status).toBe(0);
  },
);

test.runIf(isDebian)("what another task has left there goes, and what is right stays", () => {
  preparedPath(ROOT, "debug", folder);
  writeFileSync(join(folder, "stranger"), "");
  rmSync(join(folder, "nasm"));
  symlinkSync("/nowhere", join(folder, "nasm"));
  preparedPath(ROOT, "disk", folder);
  expect(readdirSync(folder).filter((name) => ["gdb", "stranger"].includes(name))).toEqual([]);
  expect(findProgram("nasm", folder)).toBe(join(folder, "nasm"));
});

// Else a need that every developer's machine happens to meet stops the first fresh one.
test.runIf(isDebian)("this very test sees no other program", () => {
  expect(process.env["PATH"]).toBe(join(ROOT, "build/test/programs"));
  expect(spawnSync("python3").error).toMatchObject({ code: "ENOENT" });
});
