import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { checkImage, checkPolicy } from "./check-image.ts";
import { moduleClosure } from "../cache/tool-key.ts";
import { findRoot } from "../cache/tree.ts";

const ROOT = findRoot();
let root = "";

/** What the main image is described by, to break; the tools by a link. */
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "trine-check-"));
  for (const folder of [
    "images",
    "policy/modules",
    "services",
    "drivers",
    "tests/system",
    "tests/bench",
  ])
    cpSync(join(ROOT, folder), join(root, folder), { recursive: true });
  mkdirSync(join(root, "kernel"));
  symlinkSync(join(ROOT, "toolchain"), join(root, "toolchain"));
});
afterEach(() => rmSync(root, { recursive: true }));

const read = (file: string): string => readFileSync(join(root, file), "utf8");
const policy = (file: string) => checkPolicy(root, file, read(file));

function edit(file: string, from: string, to: string): void {
  const text = read(file);
  expect(text, `${file} has ${from}`).toContain(from);
  writeFileSync(
    join(root, file),
    text.replace(from, () => to),
  );
}

describe("without compiling anything,", () => {
  test("a sound image passes, with what its expectations and decisions come to", async () => {
    const { image, warnings, expects, decisionInstructionsMax } = await checkImage(root, "main");
    expect([image, warnings, expects.failed]).toEqual(["main", [], 0]);
    expect(expects.passed).toBeGreaterThan(10);
    expect(decisionInstructionsMax).toBeGreaterThan(0);
  });

  test.each([
    [
      "a typo in a policy",
      "policy/modules/echo.policy",
      "allow client",
      "alow client",
      /^policy\/modules\/echo\.policy:7:3: /,
    ],
    [
      "an expectation that does not hold",
      "policy/modules/echo.policy",
      "expect allow Shell",
      "expect deny Shell",
      /^policy\/modules\/echo\.policy:\d+:\d+: /,
    ],
    [
      "a program that nothing may run",
      "policy/modules/echo.policy",
      "allow execute Echo program echo",
      "",
      /^images\/main\.image\.ts:\d+:\d+: the slot echo could never start/,
    ],
    [
      "a channel to nowhere",
      "images/main.image.ts",
      '"serial.serial"',
      '"serial.seriel"',
      /^images\/main\.image\.ts:\d+:\d+: .*seriel/,
    ],
    [
      "a class that no policy has",
      "images/main.image.ts",
      'class: "Echo"',
      'class: "Ecco"',
      /^images\/main\.image\.ts:\d+:\d+: no policy file declares the class `Ecco`/,
    ],
    [
      "a manifest without an entry",
      "services/echo/program.ts",
      '"main.ts"',
      '"man.ts"',
      /^services\/echo\/program\.ts:\d+:\d+: there is no file `man\.ts`/,
    ],
    [
      "an interface with a number twice",
      "services/interfaces/echo.idl.ts",
      "methods",
      "metods",
      /^services\/interfaces\/echo\.idl\.ts:\d+:\d+: /,
    ],
  ])("%s is told with its place", async (_what, file, from, to, message) => {
    edit(file, from, to);
    await expect(checkImage(root, "main")).rejects.toThrow(message);
  });

  test("more programs than the boot archive has room for are refused", async () => {
    const slots: string[] = [];
    for (let index = 0; index < 63; index++) {
      cpSync(join(root, "services/echo"), join(root, `services/echo${index}`), { recursive: true });
      edit(`services/echo${index}/program.ts`, '"echo"', `"echo${index}"`);
      slots.push(
        `echo${index}: { program: "services/echo${index}", class: "Echo", priority: 1, quota: { pages: 8 } },`,
      );
    }
    edit("images/main.image.ts", "slots: {", `slots: { ${slots.join(" ")}`);
    await expect(checkImage(root, "main")).rejects.toThrow(
      "an image of 70 programs; help: the boot archive has room for 62 with their symbols",
    );
  });
});

describe("a policy file", () => {
  test("is checked in each image that names it", async () => {
    expect((await policy("policy/modules/echo.policy")).images.map(({ image }) => image)).toEqual([
      "main",
    ]);
    edit("images/bench.image.ts", "policy: [", 'policy: ["policy/modules/echo.policy", ');
    await expect(policy("policy/modules/echo.policy")).rejects.toThrow(/Shell/);
    edit("policy/modules/echo.policy", "allow execute Echo program echo", "");
    await expect(policy("policy/modules/echo.policy")).rejects.toThrow();
  });

  test("that no image names has its syntax checked, and that is said", async () => {
    writeFileSync(join(root, "policy/new.policy"), "module new\nclass New\n");
    const { images, warnings } = await policy("policy/new.policy");
    expect(images).toEqual([]);
    expect(warnings).toMatchObject([
      {
        severity: "warning",
        file: "policy/new.policy",
        message: "no image names this file: only its syntax was checked",
      },
    ]);
    writeFileSync(join(root, "policy/new.policy"), "module new\nclas New\n");
    await expect(policy("policy/new.policy")).rejects.toThrow(
      /^policy\/new\.policy:2:1: .*did you mean `class`\?/,
    );
  });

  test("does not suffer from the description of an image that does not name it", async () => {
    edit("images/bench.image.ts", "defineImage({", "defineImage({ nonsense: 1,");
    expect((await policy("policy/modules/echo.policy")).images.map(({ image }) => image)).toEqual([
      "main",
    ]);
  });
});

test("the check loads no part of the compiler: it takes a second, not a minute", () => {
  const loaded = [...moduleClosure(join(ROOT, "toolchain/cli/check.ts"))].map(([file]) =>
    relative(ROOT, file),
  );
  expect(loaded).toContain("policy/compiler/compile.ts");
  // What reads an executable is small: the image builder measures programs with it.
  expect(
    loaded.filter(
      (file) =>
        /^toolchain\/(compiler|ir|x64|wasm|elf|verify)\//.test(file) &&
        !/^toolchain\/elf\/(read|format)\.ts$/.test(file),
    ),
  ).toEqual([]);
});
