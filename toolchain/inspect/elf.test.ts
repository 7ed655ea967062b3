import { expect, test } from "vitest";
import { readElf } from "../elf/read.ts";
import { stripExecutable } from "../elf/strip.ts";
import { assembledProgram } from "../../tests/support/assembled-program.ts";
import { formatElf, listFunction, summarizeElf } from "./elf.ts";

const program = assembledProgram(
  "inspect",
  "domain",
  `
function _start
        mov     eax, 1
        ud2
endfunction _start
section .data
        dq 2
`,
);
const elf = readElf(program, "a.elf");

test("what is loaded is shown once, then sections and functions", () => {
  const lines = formatElf(summarizeElf(elf));
  expect(lines[0]).toBe("executable for x86-64-v1, entry 0x0000001000000000");
  expect(lines.filter((line) => line.startsWith("  0x0000001000000000 r-x"))).toEqual([
    "  0x0000001000000000 r-x        7 bytes",
  ]);
  expect(lines).toContain("functions: 1, by size:");
  expect(lines.at(-1)).toBe("  0x0000001000000000        7  _start");
});

test("a stripped executable is said to be one", () => {
  const lines = formatElf(summarizeElf(readElf(stripExecutable(program, "a.elf"), "a.bin")));
  expect(lines.at(-1)).toContain("no sections and no names");
});

test("a function is found by a part of its name", () => {
  expect(listFunction(elf, "start", "a.elf").map((line) => line.trimEnd())).toEqual([
    "_start:",
    "  1000000000  b801000000             mov eax,1",
    "  1000000005  0f0b                   ud2",
  ]);
  expect(() => listFunction(elf, "stop", "a.elf")).toThrow("no function's name contains `stop`");
});
