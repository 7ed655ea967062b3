import { beforeAll, describe, expect, test } from "vitest";
import { readElf, sectionNamed, symbolNamed } from "../elf/read.ts";
import { DiagnosticError } from "../report/diagnostic.ts";
import { assembledProgram } from "../../tests/support/assembled-program.ts";
import type { Finding, Rule } from "./finding.ts";
import { verifyExecutable } from "./verify.ts";

/**
 * Machine code made to deceive the verifier, as a compiler that somebody has taken over would make
 * it. Several cases share a program, each in a function of its own, which begins with unknown
 * registers; `@` in its text is its name, `@word` a name that belongs to it.
 */
type Case = readonly [what: string, rule: Rule | "accepted", body: string, more?: string];

/** The verifier reports no more than a hundred findings of one program. */
const CASES_PER_PROGRAM = 20;

function programOf(cases: readonly Case[]): string {
  const calls = cases
    .map((_, index) => `test eax, eax\nje .after${index}\ncall case${index}\n.after${index}:`)
    .join("\n");
  const functions = cases.map(([, , body, more = ""], index) => {
    const named = (text: string): string =>
      text.replaceAll(/@(?=\w)/g, `case${index}_`).replaceAll("@", `case${index}`);
    return named(`function @\n${body}\nendfunction @\n${more}`);
  });
  return `function _start\n${calls}\nud2\nendfunction _start\n${functions.join("\n")}\n`;
}

/** Rules broken by each case. */
function findingsOf(name: string, cases: readonly Case[]): Rule[][] {
  const findings: readonly Finding[] = verifyExecutable(
    assembledProgram(name, "domain", programOf(cases)),
    "domain",
    "test.elf",
  );
  return cases.map((_, index) => {
    const own = new RegExp(`^case${index}(_|$)`);
    return findings.filter((finding) => own.test(finding.function)).map((finding) => finding.rule);
  });
}

function describeCases(title: string, cases: readonly Case[]): void {
  describe(title, () => {
    const found: Rule[][] = [];
    beforeAll(() => {
      for (let at = 0; at < cases.length; at += CASES_PER_PROGRAM) {
        found.push(
          ...findingsOf(
            `hostile-${title.replaceAll(" ", "-")}-${at}`,
            cases.slice(at, at + CASES_PER_PROGRAM),
          ),
        );
      }
    });
    test.each(
      cases.map(
        ([what, rule], index) =>
          [rule === "accepted" ? "accepts" : "refuses", what, rule, index] as const,
      ),
    )("%s %s", (_verb, _what, rule, index) => {
      if (rule === "accepted") expect(found[index]).toEqual([]);
      else expect(found[index]).toContain(rule);
    });
  });
}

const READ = "mov eax, [rdi]\nret";
const READ_AFTER = (text: string): string => `mov edi, edi\n${text}\n${READ}`;
const COPY_READY = "mov edi, edi\nmov esi, esi\nmov ecx, ecx\n";

describeCases("upper halves", [
  ["a 16-bit write into a cleared register", "accepted", READ_AFTER("mov di, -1")],
  ["an 8-bit write into a register that was not cleared", "memory operand", `mov dil, 5\n${READ}`],
  [
    "a write to the second byte of a register that was not cleared",
    "memory operand",
    "mov ah, 5\nmov ecx, [rax]\nret",
  ],
  [
    "a setcc into a register that was not cleared",
    "memory operand",
    `test esi, esi\nsetb dil\n${READ}`,
  ],
  ["a 32-bit cmov whose condition is false", "accepted", `test esi, esi\ncmove edi, esi\n${READ}`],
  [
    "a 64-bit cmov from a dirty register",
    "memory operand",
    READ_AFTER("test esi, esi\ncmove rdi, rsi"),
  ],
  [
    "a 64-bit cmov into a dirty register",
    "memory operand",
    `mov esi, esi\ntest eax, eax\ncmove rdi, rsi\n${READ}`,
  ],
  ["a 64-bit cmov from memory", "memory operand", READ_AFTER("cmove rdi, [rdi]")],
  ["a sign extension to 64 bits", "memory operand", READ_AFTER("movsxd rdi, edi")],
  ["a sign extension of a byte", "memory operand", READ_AFTER("movsx rdi, dil")],
  ["a 32-bit shift by nothing, which clears all the same", "accepted", `shl edi, 0\n${READ}`],
  ["a 64-bit shift right by 64, which is none", "memory operand", `shr rdi, 64\n${READ}`],
  ["a 64-bit shift right by 96, which is one by 32", "accepted", `shr rdi, 96\n${READ}`],
  ["a 64-bit shift right by cl", "memory operand", `shr rdi, cl\n${READ}`],
  ["a shift that keeps the sign", "memory operand", `sar rdi, 40\n${READ}`],
  ["a 64-bit rotation of a clear register", "memory operand", READ_AFTER("ror rdi, 1")],
  ["a 64-bit shift left of a clear register", "memory operand", READ_AFTER("shl rdi, cl")],
  ["a negative mask, extended by its sign", "memory operand", `and rdi, -8\n${READ}`],
  ["a positive mask", "accepted", `and rdi, 0x7fffffff\n${READ}`],
  ["a negative number, moved as 64 bits", "memory operand", `mov rdi, -1\n${READ}`],
  ["a 64-bit or with a negative number", "memory operand", READ_AFTER("or rdi, -1")],
  ["a 64-bit exclusive or with a negative number", "memory operand", READ_AFTER("xor rdi, -1")],
  ["a 64-bit difference", "memory operand", READ_AFTER("mov esi, esi\nsub rdi, rsi")],
  ["a register less another half of itself", "memory operand", READ_AFTER("sub rdi, [rdi]")],
  ["a 64-bit negation", "memory operand", READ_AFTER("neg rdi")],
  ["a 64-bit complement", "memory operand", READ_AFTER("not rdi")],
  ["a 64-bit product", "memory operand", READ_AFTER("imul rdi, rdi, 3")],
  ["an address below a clear register", "memory operand", READ_AFTER("lea rdi, [rdi - 1]")],
  ["an address above a clear register", "memory operand", READ_AFTER("lea rdi, [rdi + 1]")],
  ["a scaled address", "memory operand", READ_AFTER("lea rdi, [rdi * 8]")],
  [
    "half of a sum of two",
    "accepted",
    READ_AFTER("mov esi, esi\nlea rdi, [rdi + rsi]\nshr rdi, 1"),
  ],
  ["half of a sum of three", "memory operand", READ_AFTER("lea rdi, [rdi + rdi * 2]\nshr rdi, 1")],
  ["an address computed mod 2^32", "accepted", `lea rdi, [edi - 8]\n${READ}`],
  ["an exchange that brings a dirty register", "memory operand", READ_AFTER("xchg rdi, rsi")],
  [
    "an exchange that takes the dirty register away",
    "accepted",
    "mov edi, edi\nxchg rdi, rsi\nmov eax, [rsi]\nret",
  ],
  ["an exchange of 32 bits", "accepted", `xchg edi, esi\n${READ}`],
  ["the upper half of a 64-bit product", "memory operand", "mul rdi\nmov ecx, [rdx]\nret"],
  ["the upper half of a 32-bit product", "accepted", "mul edi\nmov ecx, [rdx]\nret"],
  [
    "a product by a word in memory, which leaves the upper half",
    "memory operand",
    "mul word [abs 70000]\nmov ecx, [rdx]\nret",
  ],
  [
    "a product by a byte in memory, which leaves the upper half",
    "memory operand",
    "mul byte [abs 70000]\nmov ecx, [rax]\nret",
  ],
  ["a quotient of 64 bits", "memory operand", "div rdi\nmov ecx, [rax]\nret"],
  ["the sign of 64 bits", "memory operand", "cqo\nmov ecx, [rdx]\nret"],
  ["the sign of 32 bits", "accepted", "cdq\nmov ecx, [rdx]\nret"],
  ["a popped register", "memory operand", `push rdi\npop rdi\n${READ}`],
  [
    "a slot read with 64 bits",
    "memory operand",
    `sub rsp, 8\nmov [rsp], edi\nmov rdi, [rsp]\nadd rsp, 8\n${READ}`,
  ],
  ["where a fill ended", "memory operand", `mov edi, edi\nmov ecx, ecx\nrep stosb\n${READ}`],
  [
    "what a fill leaves in rcx",
    "accepted",
    "mov edi, edi\nmov ecx, ecx\nrep stosb\nmov eax, [rcx]\nret",
  ],
  [
    "a register that a system call returns",
    "memory operand",
    "push rbx\nmov ebx, ebx\nsyscall\nmov eax, [rbx]\npop rbx\nret",
  ],
  [
    "the upper half of a global",
    "memory operand",
    "mov rdi, [@value]\nmov eax, [rdi]\nret",
    "section .data\n@value: dq 5\nsection .text",
  ],
  [
    "the direct map of the kernel",
    "memory operand",
    "mov rdi, 0xffff800000000000\nmov eax, [rdi]\nret",
  ],
]);

describeCases("loops and calls", [
  [
    "an index that a loop counts with 64 bits",
    "memory operand",
    "xor edi, edi\n.again: mov eax, [rdi]\nadd rdi, 1\ncmp eax, 5\njne .again\nret",
  ],
  [
    "registers that a loop rotates until the dirty one comes",
    "memory operand",
    "mov edi, edi\nmov esi, esi\nmov edx, edx\n.again: mov eax, [rdi]\nmov rdi, rsi\nmov rsi, rdx\nmov rdx, r8\ntest eax, eax\njne .again\nret",
  ],
  [
    "a dirty register that comes over the back edge of an outer loop",
    "memory operand",
    "xor edi, edi\n.outer: xor ecx, ecx\n.inner: mov eax, [rdi]\nadd ecx, 1\ncmp ecx, 9\njb .inner\nmov rdi, rsi\ntest eax, eax\njne .outer\nret",
  ],
  [
    "a fill that goes on where the last one ended",
    "memory operand",
    "mov edi, edi\n.again: mov ecx, -1\nrep stosq\ntest eax, eax\njne .again\nret",
  ],
  [
    "a count times eight",
    "memory operand",
    `${COPY_READY}mov ecx, ecx\nshl rcx, 3\nrep movsq\nret`,
  ],
  [
    "an argument that only the recursive call makes dirty",
    "memory operand",
    "mov edi, 70000\ncall @down\nret",
    "function @down\nmov eax, [rdi]\nshl rdi, 1\ntest eax, eax\nje .end_of_it\ncall @down\n.end_of_it: ret\nendfunction @down",
  ],
  [
    "an argument made dirty by two functions that call each other",
    "memory operand",
    "mov edi, 70000\ncall @left\nret",
    "function @left\nmov eax, [rdi]\ntest eax, eax\nje .out\ncall @right\n.out: ret\nendfunction @left\nfunction @right\nadd rdi, rdi\ncall @left\nret\nendfunction @right",
  ],
  [
    "a result that one of two returns leaves dirty",
    "memory operand",
    "call @maker\nmov eax, [rax]\nret",
    "function @maker\nmov rax, rdi\ntest esi, esi\nje .dirty\nmov eax, 5\nret\n.dirty: ret\nendfunction @maker",
  ],
  [
    "a third result register",
    "memory operand",
    "call @maker\nmov eax, [rcx]\nret",
    "function @maker\nmov ecx, 5\nret\nendfunction @maker",
  ],
  [
    "an argument made dirty by a call through a table",
    "memory operand",
    `mov edi, 70000\ncall @reader\nmov rdi, rsi\nmov eax, edx\ncmp eax, 1\njae .bad\nshl eax, 4\nlea rcx, [@table]\nadd rax, rcx\ncall [rax]\nret\n.bad: ud2`,
    "function @reader\nmov eax, [rdi]\nret\nendfunction @reader\nsection .rodata\nalign 16\n@table: dq @reader, 7\nsection .text",
  ],
  [
    "a function that keeps rbx on one path only",
    "saved register",
    "call @other\nret",
    "function @other\npush rbx\ntest edi, edi\nje .x\npop rbx\nret\n.x: mov ebx, 5\nadd rsp, 8\nret\nendfunction @other",
  ],
  [
    "a function that saves rbx behind an early return",
    "accepted",
    "call @other\nret",
    "function @other\ntest edi, edi\nje .early\npush rbx\nmov ebx, 5\npop rbx\nret\n.early: ret\nendfunction @other",
  ],
  [
    "an early return that has changed rbx, which is saved behind it",
    "saved register",
    "call @other\nret",
    "function @other\nmov ebx, 5\ntest edi, edi\nje .early\npush rbx\npop rbx\nret\n.early: ret\nendfunction @other",
  ],
  [
    "an early return that undoes a prologue which did not run",
    "stack depth",
    "call @other\nret",
    "function @other\ntest edi, edi\nje .early\npush rbx\npop rbx\nret\n.early: pop rbx\nret\nendfunction @other",
  ],
  [
    "a return shared by paths with and without the prologue",
    "stack depth",
    "call @other\nret",
    "function @other\ntest edi, edi\nje .early\npush rbx\n.early: ret\nendfunction @other",
  ],
  [
    "a callee-saved register of which only the lower half is kept",
    "saved register",
    "mov ebx, ebx\nret",
  ],
  [
    "a callee-saved register pushed after it changed",
    "saved register",
    "mov ebx, 1\npush rbx\npop rbx\nret",
  ],
  [
    "a saved register whose slot is half overwritten",
    "saved register",
    "push rbx\nsub rsp, 8\nmov [rsp + 4], rdi\nadd rsp, 8\npop rbx\nret",
  ],
  [
    "a saved register exchanged with another",
    "saved register",
    "push rbx\nxchg rbx, rbp\npop rbx\nret",
  ],
  [
    "a saved register, restored from another depth",
    "saved register",
    "push rbx\npush rdi\npop rbx\nadd rsp, 8\nret",
  ],
  [
    "a saved register whose slot a loop overwrites after the first round",
    "saved register",
    "push rbx\npush rdi\n.again: pop rdi\npush rdi\ntest edi, edi\nje .out\nmov [rsp + 8], rdi\njmp .again\n.out: pop rdi\npop rbx\nret",
  ],
]);

describeCases("stack", [
  ["a negative subtraction from rsp", "stack depth", "sub rsp, -16\nret"],
  ["a negative addition to rsp", "stack depth", "add rsp, -16\nadd rsp, 16\nret"],
  ["a 32-bit subtraction from rsp", "stack operand", "sub esp, 16\nadd esp, 16\nret"],
  ["the low byte of rsp", "stack operand", "mov spl, 0\nret"],
  ["a conditional move of rsp", "stack operand", "cmove rsp, rax\nret"],
  ["an exchange with rsp", "stack operand", "xchg rsp, rax\nret"],
  ["rsp pushed", "stack operand", "push rsp\npop rax\nret"],
  ["rsp popped", "stack operand", "push rax\npop rsp\nret"],
  ["rsp added to itself", "stack operand", "add rsp, rax\nret"],
  ["the address of the stack with 32 bits", "stack operand", "lea eax, [rsp + 8]\nret"],
  ["the address of the stack with 67h", "stack operand", "lea rax, [esp + 8]\nret"],
  ["a frame instruction", "opcode", "enter 16, 0\nleave\nret"],
  ["a push from memory", "opcode", "push qword [abs 70000]\nadd rsp, 8\nret"],
  ["a pop into memory", "opcode", "push rax\npop qword [abs 70000]\nret"],
  ["a push of a segment register", "opcode", "push fs\nadd rsp, 8\nret"],
  [
    "a return address reached by an operand that is not aligned",
    "stack operand",
    "sub rsp, 8\nmov [rsp + 1], rdi\nadd rsp, 8\nret",
  ],
  ["a return address as a source", "stack operand", "mov rax, [rsp]\nret"],
  ["a stack operand with 67h", "stack operand", "sub rsp, 8\na32 mov [esp], edi\nadd rsp, 8\nret"],
  [
    "rsp as a base with an index of nothing but 67h",
    "stack operand",
    "sub rsp, 8\nmov [esp + eax], edi\nadd rsp, 8\nret",
  ],
  [
    "an argument beyond those that the function pops",
    "stack operand",
    "push 1\npush 2\ncall @one\nadd rsp, 8\nret",
    "function @one\nmov [rsp + 16], rdi\nret 8\nendfunction @one",
  ],
  [
    "a function without return that takes more arguments than were pushed",
    "stack depth",
    "push 1\ncall @never\nud2",
    "function @never\nmov [rsp + 16], rdi\nud2\nendfunction @never",
  ],
  ["a loop that pushes", "stack depth", ".again: push rax\njmp .again"],
  [
    "a loop that moves rsp down and pops, which touches what it pops",
    "accepted",
    ".again: sub rsp, 8\npop rax\ntest eax, eax\njne .again\nret",
  ],
  [
    "a table of functions that pop differently",
    "stack depth",
    "push 1\nmov eax, edi\ncmp eax, 2\njae .bad\nshl eax, 4\nlea rcx, [@table]\nadd rax, rcx\ncall [rax]\nadd rsp, 8\nret\n.bad: ud2",
    "function @none\nret\nendfunction @none\nfunction @one\nret 8\nendfunction @one\nsection .rodata\nalign 16\n@table: dq @none, 7, @one, 7\nsection .text",
  ],
  [
    "a saved slot given to a callee as its argument",
    "saved register",
    "push rbx\ncall @one\npush rax\npop rbx\nret",
    "function @one\nmov [rsp + 8], rdi\nret 8\nendfunction @one",
  ],
  [
    "steps over the guard in a loop that touches nothing",
    "stack depth",
    ".again: sub rsp, 0x8000\ntest eax, eax\njne .again\nud2",
  ],
]);

const JUMP = `
        cmp edi, 2
        jae .default
        lea rax, [@table]
        movsxd rcx, dword [rax + rdi * 4]
        add rcx, rax
        jmp rcx
.zero:  ret
.one:   mov eax, 0x909090c3
.default: ret
`;
const JUMPS = "section .rodata\n@table: dd @.zero - @table, @.one - @table\nsection .text";
const jump = (from: string, to: string): string => `mov edi, edi\n${JUMP.replace(from, to)}`;

const CALL = `
        mov eax, edi
        cmp eax, 2
        jae .bad
        shl eax, 4
        lea rcx, [@table]
        add rax, rcx
        cmp dword [rax + 8], 7
        jne .bad
        call [rax]
        ret
.bad:   ud2
`;
const CALLS =
  "function @callee\nxor eax, eax\n.inside: ret\nendfunction @callee\nsection .rodata\nalign 16\n@table: dq @callee, 7, @callee, 8\nsection .text";
const call = (from: string, to: string): string => CALL.replace(from, to);

describeCases("jumps and calls", [
  ["a jump table as it should be", "accepted", `mov edi, edi\n${JUMP}`, JUMPS],
  ["a jump table whose bound lets one more pass", "indirect jump", jump("jae", "ja"), JUMPS],
  ["a jump table whose bound is taken as signed", "indirect jump", jump("jae", "jge"), JUMPS],
  [
    "a jump table whose bound is compared with 64 bits",
    "indirect jump",
    jump("cmp edi", "cmp rdi"),
    JUMPS,
  ],
  [
    "a jump table whose bound is compared with 16 bits",
    "indirect jump",
    jump("cmp edi, 2", "cmp di, 2"),
    JUMPS,
  ],
  [
    "a jump table whose bound is another register's",
    "indirect jump",
    jump("cmp edi", "cmp esi"),
    JUMPS,
  ],
  [
    "a jump table whose bound is tested, not compared",
    "indirect jump",
    jump("cmp edi", "test edi"),
    JUMPS,
  ],
  ["a jump table read with another scale", "indirect jump", jump("rdi * 4", "rdi * 8"), JUMPS],
  ["a jump table read with a displacement", "indirect jump", jump("rdi * 4", "rdi * 4 + 4"), JUMPS],
  ["a jump table read behind fs", "indirect jump", jump("dword [rax", "dword [fs:rax"), JUMPS],
  [
    "a jump table read with 67h",
    "indirect jump",
    jump("[rax + rdi * 4]", "[eax + edi * 4]"),
    JUMPS,
  ],
  [
    "a jump table in the register of its index",
    "indirect jump",
    jump(
      "lea rax, [@table]\n        movsxd rcx, dword [rax + rdi * 4]\n        add rcx, rax",
      "lea rdi, [@table]\n        movsxd rcx, dword [rdi + rdi * 4]\n        add rcx, rdi",
    ),
    JUMPS,
  ],
  [
    "a jump table whose index is changed behind the bound",
    "indirect jump",
    jump("lea rax, [@table]", "lea rdi, [@table]"),
    JUMPS,
  ],
  [
    "a jump table with an entry inside of an instruction",
    "indirect jump",
    jump("", ""),
    JUMPS.replace("@.one -", "@.one + 1 -"),
  ],
  [
    "a jump table with an entry inside of its own sequence",
    "indirect jump",
    jump("add rcx", ".add: add rcx"),
    JUMPS.replace("@.one -", "@.add -"),
  ],
  [
    "a jump table that ends behind the constants",
    "indirect jump",
    jump("cmp edi, 2", "cmp edi, 0x10000"),
    JUMPS,
  ],
  ["a jump table in the code", "indirect jump", jump("@table", "@.zero"), JUMPS],
  [
    "a bound that jumps into its own sequence",
    "indirect jump",
    jump("jae .default", "jae .add").replace("add rcx", ".add: add rcx"),
    JUMPS,
  ],
  ["a jump through memory", "indirect jump", "mov edi, edi\njmp [rdi]"],
  ["a far jump through memory", "indirect jump", "mov edi, edi\njmp far [rdi]"],
  ["a jump through the stack", "indirect jump", "push rax\njmp [rsp]"],
  [
    "a jump into a constant of an instruction",
    "branch target",
    "jmp .x + 1\n.x: mov eax, 0xc3909090\nret",
  ],
  ["a conditional branch before the function", "branch target", "je @ - 1\nret"],
  ["a branch on rcx", "opcode", ".x: jrcxz .x\nret"],
  ["a loop instruction", "opcode", ".x: loop .x\nret"],

  ["a table of functions as it should be", "accepted", CALL, CALLS],
  ["a far call through the table", "indirect call", call("call [rax]", "call far [rax]"), CALLS],
  [
    "a call of 16 bits through the table",
    "opcode",
    call("call [rax]", "db 0x66, 0xff, 0x10"),
    CALLS,
  ],
  ["a call behind the entry", "indirect call", call("call [rax]", "call [rax + 16]"), CALLS],
  ["a signature at another place", "indirect call", call("[rax + 8]", "[rax + 12]"), CALLS],
  ["a signature of 16 bits", "indirect call", call("dword [rax + 8]", "word [rax + 8]"), CALLS],
  ["a signature that need not match", "indirect call", call("jne .bad", "je .bad"), CALLS],
  ["a null entry with a signature", "indirect call", CALL, CALLS.replace("@callee, 8", "0, 7")],
  [
    "the signature of null",
    "call target",
    call("[rax + 8], 7", "[rax + 8], 0x80000000"),
    CALLS.replace("@callee, 8", "0, 0x80000000"),
  ],
  [
    "no signature where an entry is null",
    "indirect call",
    CALL.replace("cmp dword [rax + 8], 7\n        jne .bad\n", ""),
    CALLS.replace("@callee, 8", "0, 0x80000000"),
  ],
  [
    "no signature where the entries differ",
    "indirect call",
    CALL.replace("cmp dword [rax + 8], 7\n        jne .bad\n", ""),
    CALLS,
  ],
  [
    "a length that stands in a variable",
    "indirect call",
    call("cmp eax, 2", "cmp eax, [@length]"),
    `${CALLS}\nsection .data\n@length: dd 2\nsection .text`,
  ],
  [
    "a table of functions that can be written",
    "indirect call",
    CALL,
    CALLS.replace(".rodata", ".data"),
  ],
  [
    "a table longer than the constants",
    "indirect call",
    call("cmp eax, 2", "cmp eax, 0x10000"),
    CALLS,
  ],
  ["an index of 64 bits", "indirect call", call("cmp eax, 2", "cmp rax, 2"), CALLS],
  [
    "a shift by 36, which the processor takes for one by 4",
    "indirect call",
    call("shl eax, 4", "shl eax, 36"),
    CALLS,
  ],
  ["a shift of 64 bits", "indirect call", call("shl eax, 4", "shl rax, 4"), CALLS],
  [
    "an entry inside of a function",
    "call target",
    CALL,
    CALLS.replace("dq @callee", "dq @callee.inside"),
  ],
  [
    "a call sequence entered behind its bound",
    "indirect call",
    `test esi, esi\nje .shift\n${call("shl eax", ".shift: shl eax")}`,
    CALLS,
  ],
  ["a call through a register", "indirect call", "mov edi, edi\ncall rdi\nret"],
  ["a call to the next byte of a function", "call target", "call @ + 1\nret"],
]);

const FS = (text: string): string => `${text}\nret`;

describeCases("forms", [
  [
    "a size prefix behind REX, which only some processors ignore",
    "opcode",
    "db 0x48, 0x66, 0x89, 0xc1\nret",
  ],
  ["an address prefix behind REX", "opcode", "mov edi, edi\ndb 0x48, 0x67, 0x8b, 0x07\nret"],
  ["two REX prefixes", "opcode", "db 0x48, 0x40, 0x89, 0xc1\nret"],
  [
    "a pause with REX.B, which exchanges rax and r8",
    "opcode",
    "xor r8d, r8d\ndb 0xf3, 0x41, 0x90\nmov eax, [r8]\nret",
  ],
  [
    "a pause with REX.W and REX.B",
    "opcode",
    "xor r8d, r8d\ndb 0xf3, 0x49, 0x90\nmov eax, [r8]\nret",
  ],
  ["a pause as it should be", "accepted", "pause\nret"],
  ["two size prefixes", "opcode", "db 0x66, 0x66, 0x89, 0xc1\nret"],
  ["two address prefixes", "opcode", "db 0x67, 0x67, 0x8b, 0x07\nret"],
  [
    "repne before a count of zeros, which other processors take for a bit scan",
    "opcode",
    "db 0xf2, 0xf3, 0x0f, 0xbd, 0xc1\nret",
  ],
  ["rep before a move", "opcode", "db 0xf3, 0x89, 0xc1\nret"],
  ["rep before a return", "opcode", "db 0xf3, 0xc3"],
  ["repne before a call", "opcode", "db 0xf2\ncall _start\nret"],
  ["a hint before a branch", "opcode", "db 0x2e\nje near .x\n.x: ret"],
  ["an address prefix before a register move", "opcode", "db 0x67, 0x89, 0xc1\nret"],
  ["an address prefix before a push", "opcode", "db 0x67, 0x50\nadd rsp, 8\nret"],
  ["a size prefix before a move of bytes", "opcode", "db 0x66, 0x88, 0xc1\nret"],
  ["a size prefix together with REX.W", "opcode", "db 0x66, 0x48, 0x89, 0xc1\nret"],
  ["ds before a load", "memory operand", "mov edi, edi\ndb 0x3e, 0x8b, 0x07\nret"],
  ["two segments before a load", "memory operand", "mov edi, edi\ndb 0x26, 0x64, 0x8b, 0x07\nret"],
  ["fs with a register", "memory operand", FS("mov edi, edi\nmov eax, [fs:rdi]")],
  ["gs before a copy", "opcode", `${COPY_READY}gs rep movsb\nret`],
  ["repne before a copy", "opcode", `${COPY_READY}repne movsb\nret`],
  ["a copy with 67h, whose count is 32 bits", "opcode", `${COPY_READY}a32 rep movsb\nret`],
  ["a copy of words", "opcode", `${COPY_READY}rep movsw\nret`],
  ["a copy of doublewords", "opcode", `${COPY_READY}rep movsd\nret`],
  ["a copy behind a size prefix", "opcode", `${COPY_READY}db 0x66\nrep movsb\nret`],
  ["a scan", "opcode", `${COPY_READY}repne scasb\nret`],
  ["a load by string", "opcode", "lodsq\nret"],
  ["a table look-up", "opcode", "xlatb\nret"],
  [
    "a bit set by a register, which reaches beyond its operand",
    "opcode",
    "mov edi, edi\nbts [rdi], rsi\nret",
  ],
  [
    "a bit tested by a register, which reaches beyond its operand",
    "opcode",
    "mov edi, edi\nbt [rdi], rsi\nret",
  ],
  ["a bit tested in memory by a constant", "opcode", "mov edi, edi\nbt dword [rdi], 5\nret"],
  ["a bit tested by a constant", "opcode", "bt edi, 5\nret"],
  ["a bit of 16 tested", "opcode", "bt di, si\nret"],
  ["a bit tested and set", "opcode", "bts edi, esi\nret"],
  ["an exchange with memory", "opcode", "mov edi, edi\nxchg [rdi], rax\nret"],
  ["a compare and exchange", "opcode", "mov edi, edi\ncmpxchg [rdi], rax\nret"],
  ["an exchange and add", "opcode", "xadd edi, esi\nret"],
  ["a store around the cache", "opcode", "mov edi, edi\nmovnti [rdi], eax\nret"],
  ["a masked store by rdi", "opcode", "maskmovdqu xmm0, xmm1\nret"],
  ["a VEX instruction", "opcode", "andn eax, edi, esi\nret"],
  ["a gather", "opcode", "vpgatherdd xmm0, [rax + xmm1], xmm2\nret"],
  ["an EVEX instruction", "opcode", "vmovdqu32 zmm0, [rdi]\nret"],
  ["an XOP instruction", "opcode", "vpcmov xmm0, xmm1, xmm2, xmm3\nret"],
  ["a 3DNow instruction", "opcode", "femms\nret"],
  ["x87 that stores its instruction pointer", "opcode", "mov edi, edi\nfnstenv [rdi]\nret"],
  ["flags popped", "opcode", "push 0\npopfq\nret"],
  ["flags pushed", "opcode", "pushfq\npop rax\nret"],
  ["the direction flag cleared", "opcode", "cld\nret"],
  ["a breakpoint", "opcode", "int3\nret"],
  ["an interrupt", "opcode", "int 0x80\nret"],
  ["sysenter", "opcode", "sysenter"],
  ["sysret", "opcode", "o64 sysret"],
  ["iretq", "opcode", "iretq"],
  ["the base of fs written", "opcode", "wrfsbase rax\nret"],
  ["swapgs", "opcode", "swapgs\nret"],
  ["protection keys", "opcode", "wrpkru\nret"],
  ["a transaction, whose abort jumps", "opcode", "xbegin @\nret"],
  // The kernel relies on it: after a verified program the exit stub writes neither the segment
  // registers nor the bases behind them.
  ...["ds", "es", "ss", "fs", "gs"].flatMap((name): Case[] => [
    [`${name} loaded from a register`, "opcode", `mov ${name}, eax\nret`],
    [`${name} loaded from a register of 64 bits`, "opcode", `mov ${name}, rax\nret`],
    [`${name} loaded from memory`, "opcode", `mov edi, edi\nmov ${name}, [rdi]\nret`],
  ]),
  ...["fs", "gs"].map((name): Case => [`${name} popped`, "opcode", `push 0\npop ${name}\nret`]),
  ...["lss", "lfs", "lgs"].flatMap((name): Case[] => [
    [`${name} with 32 bits`, "opcode", `mov edi, edi\n${name} eax, [rdi]\nret`],
    [`${name} with 64 bits`, "opcode", `mov edi, edi\n${name} rax, [rdi]\nret`],
  ]),
  ["the base of fs written with 32 bits", "opcode", "wrfsbase eax\nret"],
  ["the base of gs written", "opcode", "wrgsbase rax\nret"],
  ["a far return", "opcode", "retf"],
  ["a far return of 64 bits", "opcode", "o64 retf"],
  ["a far return that frees arguments", "opcode", "retf 8"],
  ["iret of 32 bits", "opcode", "iretd"],
  ["a far jump through memory", "opcode", "mov edi, edi\njmp far [rdi]"],
  ["a far call through memory", "opcode", "mov edi, edi\ncall far [rdi]\nret"],
  ["a control register", "privileged", "mov rax, cr3\nret"],
  ["control register 8", "opcode", "mov cr8, rax\nret"],
  ["a debug register", "opcode", "mov dr7, rax\nret"],
  ["an output by string", "opcode", "rep outsb\nret"],
  ["a shift of two registers", "opcode", "shld edi, esi, 3\nret"],
  ["carry read", "opcode", "adc edi, esi\nret"],
  ["a byte swap", "opcode", "bswap rdi\nret"],
  ["an increment of memory", "opcode", "mov edi, edi\ninc dword [rdi]\nret"],
  ["a shift in memory", "opcode", "mov edi, edi\nshl dword [rdi], 1\nret"],
  ["a setcc into memory", "opcode", "mov edi, edi\nsete [rdi]\nret"],
  ["data behind a return", "opcode", "ret\ndb 0x0f, 0x05, 0x48"],
  ["an instruction cut by the function's end", "opcode", "ret\ndb 0xb8, 0, 0"],
  [
    "an address that rip and 67h make",
    "memory operand",
    "a32 mov eax, [@value]\nret",
    "section .data\n@value: dq 5\nsection .text",
  ],
  [
    "a write that reaches behind the globals by one byte",
    "memory operand",
    "mov [@last + 1], rax\nret",
    "section .data\n@last: dq 5\nsection .text",
  ],
  [
    "a read that reaches behind the constants by one byte",
    "memory operand",
    "mov rax, [@last + 1]\nret",
    "section .rodata\n@last: dq 5\nsection .text",
  ],
]);

/** Program headers in the order of the linker script, and where their fields lie. */
const [LINEAR, TEXT, CONSTANTS, VARIABLES, NOTE] = [0, 1, 2, 3, 4];
const FIELDS = {
  type: 0,
  flags: 4,
  offset: 8,
  address: 16,
  fileBytes: 32,
  memoryBytes: 40,
} as const;
const REGION = 0x10_0000_0000n;

const WHOLE = `
function _start
call runner
ud2
endfunction _start
function runner
mov eax, [fs:abs 60]
mov edi, edi
${JUMP.replaceAll("@", "runner")}
endfunction runner
section .data
dq 5
${JUMPS.replaceAll("@", "runner")}
`;

/** An executable to be tampered with, and where things are in it. */
class Patched {
  static sound: Uint8Array | null = null;
  readonly bytes = (Patched.sound ??= assembledProgram("whole", "domain", WHOLE)).slice();
  readonly view = new DataView(this.bytes.buffer);

  header(index: number, field: keyof typeof FIELDS, value: number | bigint): void {
    const at = 64 + index * 56 + FIELDS[field];
    if (field === "type" || field === "flags") this.view.setUint32(at, Number(value), true);
    else this.view.setBigUint64(at, BigInt.asUintN(64, BigInt(value)), true);
  }
  /** Description of the note: offsets of kernel/abi/executable.ts. */
  noteWord(offset: number, value: number): void {
    this.view.setUint32(this.placeOf(".note.trine") + 20 + offset, value, true);
  }
  /** Offset 4: binding and type, 8: address, 16: bytes. */
  symbol(name: string, change: (at: number, view: DataView) => void): void {
    const index = readElf(this.bytes, "test.elf").symbols.findIndex(
      (symbol) => symbol.name === name,
    );
    expect(index).toBeGreaterThanOrEqual(0);
    const table = this.placeOf(".symtab");
    const address = symbolNamed(readElf(this.bytes, "test.elf"), name)!.address;
    for (let at = table; ; at += 24) {
      if (
        this.view.getBigUint64(at + 8, true) !== address ||
        (this.view.getUint8(at + 4) & 15) !== 2
      )
        continue;
      return change(at, this.view);
    }
  }
  /** Offset of a section in the file. */
  placeOf(name: string): number {
    return (
      sectionNamed(readElf(this.bytes, "test.elf"), name)!.bytes.byteOffset - this.bytes.byteOffset
    );
  }
  verdict(): string[] {
    try {
      return verifyExecutable(this.bytes, "domain", "test.elf").map((finding) => finding.rule);
    } catch (error) {
      if (error instanceof DiagnosticError) return ["malformed"];
      throw error;
    }
  }
}

describe("files", () => {
  test("the file that is tampered with below is sound but for its thread block", () => {
    const file = new Patched();
    expect(file.verdict()).toEqual(["memory operand"]);
    file.noteWord(20, 64);
    expect(file.verdict()).toEqual([]);
  });

  test.each<[string, string, (file: Patched) => void]>([
    [
      "a thread block that ends inside of an operand",
      "memory operand",
      (file) => file.noteWord(20, 63),
    ],
    [
      "globals that lie over the code",
      "segments",
      (file) => file.header(VARIABLES, "address", REGION),
    ],
    [
      "globals on the page of the constants",
      "segments",
      (file) => file.header(VARIABLES, "address", REGION + 0x1000n),
    ],
    [
      "globals that reach over the region's end",
      "segments",
      (file) => file.header(VARIABLES, "memoryBytes", 0x200000),
    ],
    ["globals of 1 TiB", "segments", (file) => file.header(VARIABLES, "memoryBytes", 1n << 40n)],
    [
      "globals that wrap around the end of the address space",
      "malformed",
      (file) => (
        file.header(VARIABLES, "address", -0x1000n), file.header(VARIABLES, "memoryBytes", 0x2000)
      ),
    ],
    [
      "globals that are longer in the file than in memory",
      "malformed",
      (file) => file.header(VARIABLES, "fileBytes", 0x1000),
    ],
    [
      "globals from behind the file's end",
      "malformed",
      (file) => file.header(VARIABLES, "offset", 1n << 40n),
    ],
    [
      "globals that start inside of a page",
      "segments",
      (file) => file.header(VARIABLES, "address", REGION + 0x2008n),
    ],
    [
      "globals between linear memory and the region",
      "segments",
      (file) => file.header(VARIABLES, "address", 0x2_0000_0000n),
    ],
    [
      "globals below the region",
      "segments",
      (file) => file.header(VARIABLES, "address", REGION - 0x1000n),
    ],
    [
      "constants that can be written",
      "indirect jump",
      (file) => file.header(CONSTANTS, "flags", 6),
    ],
    ["constants that can be executed", "segments", (file) => file.header(CONSTANTS, "flags", 5)],
    [
      "constants read from the place of other bytes",
      "indirect jump",
      (file) => file.header(CONSTANTS, "offset", 0),
    ],
    [
      "constants that end inside of a jump table",
      "indirect jump",
      (file) => (
        file.header(CONSTANTS, "fileBytes", 52), file.header(CONSTANTS, "memoryBytes", 52)
      ),
    ],
    ["code that can be written", "segments", (file) => file.header(TEXT, "flags", 7)],
    ["code that can only be executed", "segments", (file) => file.header(TEXT, "flags", 1)],
    ["code with an unknown flag", "segments", (file) => file.header(TEXT, "flags", 0x100005)],
    [
      "code read from the place of other bytes",
      "opcode",
      (file) => file.header(TEXT, "offset", 0x2000),
    ],
    [
      "code at another address than its symbols say",
      "functions",
      (file) => file.header(TEXT, "address", REGION + 0x10000n),
    ],
    [
      "linear memory that can be executed",
      "segments",
      (file) => (
        file.header(LINEAR, "flags", 5),
        file.header(LINEAR, "address", 65536),
        file.header(LINEAR, "memoryBytes", 4096)
      ),
    ],
    [
      "linear memory in the null page",
      "segments",
      (file) => (file.header(LINEAR, "address", 0x8000), file.header(LINEAR, "memoryBytes", 4096)),
    ],
    [
      "linear memory beyond 4 GiB",
      "segments",
      (file) => (
        file.header(LINEAR, "address", 0xffff_f000n), file.header(LINEAR, "memoryBytes", 0x2000)
      ),
    ],
    ["an interpreter", "segments", (file) => file.header(LINEAR, "type", 3)],
    ["a dynamic section", "segments", (file) => file.header(LINEAR, "type", 2)],
    ["a segment of thread-local storage", "segments", (file) => file.header(LINEAR, "type", 7)],
    ["two notes", "segments", (file) => file.header(LINEAR, "type", 4)],
    ["no note", "segments", (file) => file.header(NOTE, "type", 1)],
    [
      "an entry point in the constants",
      "functions",
      (file) => file.view.setBigUint64(24, REGION + 0x1000n, true),
    ],
    [
      "an entry point that returns",
      "stack depth",
      (file) =>
        file.view.setBigUint64(
          24,
          symbolNamed(readElf(file.bytes, "test.elf"), "runner")!.address,
          true,
        ),
    ],
    [
      "further threads that start inside of a function",
      "functions",
      (file) => (file.noteWord(24, 1), file.noteWord(28, 0x10)),
    ],
    [
      "a function that ends one byte early",
      "functions",
      (file) =>
        file.symbol("runner", (at, view) => view.setUint8(at + 16, view.getUint8(at + 16) - 1)),
    ],
    [
      "a function without bytes",
      "functions",
      (file) => file.symbol("runner", (at, view) => view.setUint8(at + 16, 0)),
    ],
    [
      "a function that reaches into the next",
      "functions",
      (file) => file.symbol("_start", (at, view) => view.setUint8(at + 16, 17)),
    ],
    [
      "a function that begins one byte late",
      "call target",
      (file) =>
        file.symbol(
          "runner",
          (at, view) => (
            view.setUint8(at + 8, view.getUint8(at + 8) + 1),
            view.setUint8(at + 16, view.getUint8(at + 16) - 1)
          ),
        ),
    ],
    [
      "a function that is no function",
      "call target",
      (file) => file.symbol("runner", (at, view) => view.setUint8(at + 4, 0x11)),
    ],
    [
      "a symbol longer than the code",
      "functions",
      (file) => file.symbol("runner", (at, view) => view.setUint16(at + 16, 0x4000, true)),
    ],
    [
      "a symbol longer than 4 GiB",
      "malformed",
      (file) => file.symbol("runner", (at, view) => view.setUint32(at + 20, 1, true)),
    ],
  ])("refuses %s", (_what, rule, change) => {
    const file = new Patched();
    if (rule !== "memory operand") file.noteWord(20, 64);
    change(file);
    expect(file.verdict()).toContain(rule);
  });
});

// The kernel's half of the address space is known to the kernel's own code only: in a domain, a sum
// with it wraps around to anywhere.
test("a driver's name opens no way through physical memory", () => {
  const bytes = assembledProgram(
    "driver",
    "domain",
    "function _start\ncall drivers_probe\nud2\nendfunction _start\nfunction drivers_probe\nmov rdi, 0xffff800000000000\nadd rdi, rsi\nmov ecx, 8\nrep stosb\nret\nendfunction drivers_probe",
  );
  const name = Buffer.from(bytes.buffer).indexOf("drivers_probe\0");
  bytes[name + "drivers".length] = "/".charCodeAt(0);
  expect(
    verifyExecutable(bytes, "domain", "test.elf").map(({ rule, function: fn }) => `${fn}: ${rule}`),
  ).toEqual(["drivers/probe: memory operand"]);
});

describe("hand-written code and sections", () => {
  const STUBS =
    "bits 64\nglobal stub:function\nglobal inside\nstub: xor eax, eax\ninside: syscall\nret\nsection .note.GNU-stack noalloc noexec nowrite progbits\n";
  const calling = (name: string): Uint8Array =>
    assembledProgram(
      `calls-${name}`,
      "linux",
      `
extern ${name}
section .trine.boundary noalloc progbits align=8
dq ${name}
dd 2, 0, 0, 0
section .text
exported probe, 0, 0
function probe
call ${name}
mov eax, [table]
ret
endfunction probe
section .rodata
table: dd 5
section .data
dd 5
`,
      STUBS,
    );
  const rules = (bytes: Uint8Array): Rule[] =>
    verifyExecutable(bytes, "linux", "test.elf").map((finding) => finding.rule);

  test("a hand-written function can be called", () => expect(rules(calling("stub"))).toEqual([]));
  test("what the compiler calls a hand-written function, and is the middle of one, cannot", () =>
    expect(rules(calling("inside"))).toContain("call target"));

  test("a function of the kernel that nothing is known to call is refused", () => {
    const text =
      "exported probe, 1, 0\nfunction probe\nret\nendfunction probe\nfunction forgotten\nmov eax, [r15 + rdi]\nret\nendfunction forgotten";
    const found = verifyExecutable(
      assembledProgram("forgotten", "kernel", text),
      "kernel",
      "test.elf",
    );
    expect(found.map(({ rule, function: fn }) => `${fn}: ${rule}`)).toEqual([
      "forgotten: functions",
    ]);
  });

  test.each([".text", ".rodata", ".data", ".stubs"])(
    "%s that names other bytes than the segment loads is refused",
    (name) => {
      const bytes = calling("stub");
      const view = new DataView(bytes.buffer);
      const headers = Number(view.getBigUint64(40, true));
      const index = readElf(bytes, "test.elf").sections.findIndex(
        (section) => section.name === name,
      );
      const at = headers + index * 64 + 24;
      view.setBigUint64(at, view.getBigUint64(at, true) - 1n, true);
      expect(rules(bytes)).toContain("segments");
    },
  );
  test.each([
    [".rodata", 6],
    [".text", 7],
    [".data", 7],
  ])("%s in a segment with rights %i is refused", (name, flags) => {
    const bytes = calling("stub");
    const view = new DataView(bytes.buffer);
    const { address } = sectionNamed(readElf(bytes, "test.elf"), name)!;
    for (let at = 64; at < 64 + 4 * 56; at += 56)
      if (view.getBigUint64(at + 16, true) === address) view.setUint32(at + 4, flags, true);
    expect(rules(bytes)).toContain("segments");
  });
});
