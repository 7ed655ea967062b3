// Programs chosen to keep the verifier busy. CPU time is measured, not the clock on the wall: the
// machine may be busy.
import { expect, test } from "vitest";
import { assembledProgram } from "../../tests/support/assembled-program.ts";
import type { Finding } from "./finding.ts";
import { verifyExecutable } from "./verify.ts";

/**
 * Each took minutes, or grew with the square of its length, before states were small and work was
 * counted.
 */
const CPU_SECONDS_MAX = 20;
const STACK_BYTES = 65536;

function verdict(name: string, text: string): Finding[] {
  const bytes = assembledProgram(`effort-${name}`, "domain", text);
  const start = process.cpuUsage();
  const findings = verifyExecutable(bytes, "domain", "test.elf");
  const { user, system } = process.cpuUsage(start);
  expect((user + system) / 1e6).toBeLessThan(CPU_SECONDS_MAX);
  return findings;
}

const repeated = (count: number, line: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => line(index)).join("\n");

test("a frame that fills the stack is followed, and one slot more is refused", () => {
  const start = (pushes: number): string =>
    `function _start\n${repeated(pushes, () => "push rbx")}\nud2\nendfunction _start\n`;
  expect(verdict("full", start(STACK_BYTES / 8))).toEqual([]);
  const findings = verdict("overfull", start(STACK_BYTES / 8 + 1));
  expect(findings.map(({ rule, message }) => `${rule}: ${message}`)).toEqual([
    `stack depth: the function's frame is larger than the stack of ${STACK_BYTES} bytes`,
  ]);
});

test("a frame that one subtraction makes too large is refused, however it is touched", () => {
  const pages = STACK_BYTES / 4096;
  const body = (more: number): string =>
    `${repeated(pages, () => "sub rsp, 4096\nor dword [rsp], 0")}\n${more > 0 ? `sub rsp, ${more}` : ""}\nud2`;
  expect(verdict("steps", `function _start\n${body(0)}\nendfunction _start\n`)).toEqual([]);
  expect(
    verdict("step", `function _start\n${body(8)}\nendfunction _start\n`).map(({ rule }) => rule),
  ).toEqual(["stack depth"]);
});

test("a function that calls ten thousand others is followed", () => {
  const count = 10_000;
  const others = repeated(count, (index) => `function f${index}\nret\nendfunction f${index}`);
  expect(
    verdict(
      "calls",
      `function _start\n${repeated(count, (index) => `call f${index}`)}\nud2\nendfunction _start\n${others}`,
    ),
  ).toEqual([]);
});

test("a loop whose every branch goes back is followed", () => {
  expect(
    verdict(
      "loop",
      `function _start\n.top:\n${repeated(10_000, (index) => `test eax, eax\nje .top\nmov ecx, ${index}`)}\nud2\nendfunction _start\n`,
    ),
  ).toEqual([]);
});

test("thousands of calls through a table of thousands are refused as too much work", () => {
  const count = 3_000;
  const call = (index: number): string =>
    `cmp eax, ${count}\njae .skip${index}\nshl eax, 4\nlea rcx, [table]\nadd rax, rcx\ncall [rax]\n.skip${index}:`;
  const callees = repeated(count, (index) => `function f${index}\nret\nendfunction f${index}`);
  const table = `section .rodata\nalign 16\ntable:\n${repeated(count, (index) => `dq f${index}\ndd 1, 0`)}\nsection .text\n`;
  const findings = verdict(
    "table",
    `function _start\n${repeated(count, call)}\nud2\nendfunction _start\n${callees}\n${table}`,
  );
  expect(findings.map(({ rule }) => rule)).toEqual(["effort"]);
});

test.each([
  [
    "the first of two slots of a register",
    "push rbx\npush rbx\nmov ebx, 1\nadd rsp, 8\npop rbx\nret",
    [],
  ],
  [
    "a slot of a register that is gone when it is saved again",
    "push rbx\npop rbx\npush rbp\npush rbx\nmov ebx, 1\npop rbx\npop rbp\nret",
    [],
  ],
  [
    "a slot that a store hits with its last byte",
    "push rbx\nsub rsp, 8\nmov [rsp + 1], rdi\nadd rsp, 8\npop rbx\nret",
    ["saved register"],
  ],
  [
    "a slot that a store ends before",
    "push rbx\nsub rsp, 8\nmov [rsp], rdi\nadd rsp, 8\npop rbx\nret",
    [],
  ],
  [
    "a slot that a store begins behind",
    "push rdi\npush rbx\nmov [rsp + 8], rdi\npop rbx\nadd rsp, 8\nret",
    [],
  ],
  [
    "the second slot, after the first was overwritten",
    "push rbx\npush rbx\nmov [rsp + 8], rdi\nmov ebx, 1\npop rbx\nadd rsp, 8\nret",
    ["saved register"],
  ],
])("restores from %s", (what, body, rules) => {
  const text = `function _start\ncall probe\nud2\nendfunction _start\nfunction probe\n${body}\nendfunction probe\n`;
  expect(verdict(what.replaceAll(/\W+/g, "-"), text).map(({ rule }) => rule)).toEqual(rules);
});
