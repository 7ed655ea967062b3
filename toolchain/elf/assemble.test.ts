import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { assemble } from "./assemble.ts";

const root = mkdtempSync(join(tmpdir(), "trine-assemble-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

test.each([
  [
    "a word that is no instruction",
    "nop\n  mvo eax, 3\n",
    /^door\.asm:2:3: .*instruction expected/,
  ],
  ["an unknown symbol", "mov eax, nothing\n", /^door\.asm:1:1: .*nothing/],
  [
    "an include of nothing",
    '\n  %include "none.inc"\n',
    /^door\.asm:2:3: there is no none\.inc; help: assembly includes by paths relative to the root or build\/generated$/,
  ],
  [
    "an include of itself",
    '%include "door.asm"\n',
    /^door\.asm:1:1: assembly files include each other$/,
  ],
])("%s is refused with its place", (_what, text, message) => {
  writeFileSync(join(root, "door.asm"), text);
  expect(() => assemble(root, "door.asm", {})).toThrow(message);
});
