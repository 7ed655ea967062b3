import { describe, expect, test } from "vitest";
import type { Target } from "../ir/module.ts";
import { assembledProgram } from "../../tests/support/assembled-program.ts";
import type { Rule } from "./finding.ts";
import { verifyExecutable } from "./verify.ts";

let number = 0;

/** Findings of a program: `function: instruction: rule`. */
function findings(
  target: Target,
  text: string,
): { rule: Rule; function: string; instruction: string }[] {
  const elf = assembledProgram(`case${number++}`, target, text);
  return verifyExecutable(elf, target, "test.elf").map(({ rule, function: name, instruction }) => ({
    rule,
    function: name,
    instruction,
  }));
}

/** A domain whose `_start` calls `probe`, which begins with unknown registers. */
const domain = (body: string, more = ""): string => `
function _start
        call probe
        ud2
endfunction _start
function probe
${body}
endfunction probe
${more}
`;

const atLevel = (level: number, instruction: string): Uint8Array =>
  assembledProgram(`case${number++}`, "domain", domain(`${instruction}\nret`), undefined, level);
const rulesAt = (level: number, instruction: string): Rule[] =>
  verifyExecutable(atLevel(level, instruction), "domain", "test.elf").map(({ rule }) => rule);

/** A function that hand-written code calls with an i32 in edi and an i64 in rsi. */
const exported = (body: string): string => `
exported probe, 1, 0
function probe
${body}
endfunction probe
`;

const JUMP_TABLE = `
        cmp edi, 3
        jae .default
        lea rax, [table]
        movsxd rcx, dword [rax + rdi * 4]
        add rcx, rax
        jmp rcx
.zero:  ret
.one:   ret
.two:   ret
.default: ret
`;
const TABLE = `
section .rodata
table:  dd probe.zero - table, probe.one - table, probe.two - table
section .text
`;
const CALL_TABLE = `
        mov eax, edi
        cmp eax, 2
        jae .bad
        shl eax, 4
        lea rcx, [functions]
        add rax, rcx
        cmp dword [rax + 8], 7
        jne .bad
        call [rax]
        ret
.bad:   ud1 eax, edi
`;
const FUNCTIONS = `
function callee
        ret
endfunction callee
section .rodata
align 16
functions:
        dq callee, 7, 0, 0x80000000
section .text
`;

test.each<[string, Target, string]>([
  ["a 67h operand of any registers", "domain", domain("a32 mov eax, [edi + ecx * 8 - 100]\nret")],
  [
    "a register whose upper half a 32-bit write cleared",
    "domain",
    domain("mov eax, edi\nmov ecx, [rax + 16]\nret"),
  ],
  [
    "an argument that every caller has cleared",
    "domain",
    domain(
      "mov edi, 70000\ncall reader\nret",
      "function reader\nmov eax, [rdi]\nret\nendfunction reader",
    ),
  ],
  [
    "a result that the callee has cleared",
    "domain",
    domain(
      "call maker\nmov eax, [rax]\nret",
      "function maker\nmov eax, 70000\nret\nendfunction maker",
    ),
  ],
  [
    "a saved register that stays clear over a call",
    "domain",
    domain(
      "push rbx\nmov ebx, 70000\ncall other\nmov eax, [rbx]\npop rbx\nret",
      "function other\nret\nendfunction other",
    ),
  ],
  [
    "a frame with spills",
    "domain",
    domain(
      "push rbx\nsub rsp, 16\nmov [rsp + 8], rbx\nmov ebx, [rsp + 8]\nmov eax, [rbx]\nadd rsp, 16\npop rbx\nret",
    ),
  ],
  [
    "arguments on the stack, popped by the callee",
    "domain",
    domain(
      "push 1\npush 2\ncall two\nret",
      "function two\nmov eax, [rsp + 8]\nmov ecx, [rsp + 16]\nret 16\nendfunction two",
    ),
  ],
  [
    "a frame above 32 KiB, probed",
    "domain",
    domain(`${"sub rsp, 4096\nor dword [rsp], 0\n".repeat(10)}add rsp, 40960\nret`),
  ],
  ["a jump table", "domain", domain(`mov edi, edi\n${JUMP_TABLE}`, TABLE)],
  ["a call through a table", "domain", domain(CALL_TABLE, FUNCTIONS)],
  [
    "a copy with clear registers",
    "domain",
    domain(
      "mov edi, edi\nmov esi, esi\nmov ecx, ecx\nmov edx, ecx\nshr ecx, 3\nrep movsq\nmov ecx, edx\nand ecx, 7\nrep movsb\nret",
    ),
  ],
  [
    "a trap of each kind",
    "domain",
    domain(
      `${["ud2", "ud1 eax, ecx", "ud1 eax, edi", "ud1 ecx, eax", "ud1 ecx, esp"].map((trap, index) => `test edi, ${1 << index}\nje .x${index}\n${trap}\n.x${index}:`).join("\n")}\nud1 ecx, esi`,
    ),
  ],
  [
    "globals",
    "domain",
    domain(
      "mov rax, [value]\nadd rax, 1\nmov [value], rax\nret",
      "section .data\nvalue: dq 5\nsection .text",
    ),
  ],
  [
    "constants, read",
    "domain",
    domain("mov rax, [value]\nret", "section .rodata\nvalue: dq 5\nsection .text"),
  ],
  [
    "the upper half of a number, shifted down",
    "domain",
    domain("shr rdi, 32\nmov eax, [rdi]\nret"),
  ],
  [
    "a loop that keeps its register clear",
    "domain",
    domain("xor eax, eax\n.again: mov ecx, [rax]\nadd eax, 4\ncmp eax, 100\njb .again\nret"),
  ],
  [
    "kernel memory behind r15",
    "kernel",
    exported("mov eax, [r15 + rdi + 8]\nmov [r15 + rdi], esi\nret"),
  ],
  [
    "a kernel copy",
    "kernel",
    exported(
      "mov esi, esi\nmov ecx, 100\nlea rdi, [r15 + rdi]\nlea rsi, [r15 + rsi]\nrep movsb\nret",
    ),
  ],
  ["linear memory of a linux process", "linux", exported("mov eax, [rdi + 0x10000008]\nret")],
])("accepts %s", (_what, target, text) => {
  expect(findings(target, text)).toEqual([]);
});

describe("domain", () => {
  test.each<[string, Rule, string, string?]>([
    ["an unknown register as an address", "memory operand", "mov eax, [rdi]\nret"],
    [
      "an address whose upper half a 64-bit addition may have set",
      "memory operand",
      "mov edi, edi\nadd rdi, rsi\nmov eax, [rdi]\nret",
    ],
    [
      "an address cleared on one of two paths only",
      "memory operand",
      "test esi, esi\nje .x\nmov edi, edi\n.x: mov eax, [rdi]\nret",
    ],
    [
      "an address that a loop widens",
      "memory operand",
      "mov eax, 1\n.x: mov ecx, [rax]\nshl rax, 4\ncmp ecx, 5\njne .x\nret",
    ],
    [
      "a register that a call may have changed",
      "memory operand",
      "mov ecx, 70000\ncall other\nmov eax, [rcx]\nret",
      "function other\nret\nendfunction other",
    ],
    [
      "an argument that one of two callers leaves dirty",
      "memory operand",
      "mov edi, 70000\ncall reader\nmov rdi, rsi\ncall reader\nret",
      "function reader\nmov eax, [rdi]\nret\nendfunction reader",
    ],
    ["a 16-bit write, which clears nothing", "memory operand", "mov ax, 5\nmov ecx, [rax]\nret"],
    [
      "a number shifted down by one bit too few",
      "memory operand",
      "shr rdi, 31\nmov eax, [rdi]\nret",
    ],
    ["a negative displacement", "memory operand", "mov edi, edi\nmov eax, [rdi - 8]\nret"],
    [
      "a sum of two registers without 67h",
      "memory operand",
      "mov edi, edi\nmov esi, esi\nmov eax, [rdi + rsi]\nret",
    ],
    ["an absolute address that is negative", "memory operand", "mov eax, [abs -16]\nret"],
    [
      "a store to an absolute address of 64 bits",
      "memory operand",
      "db 0x48, 0xa3\ndq 0x1000180000\nret",
    ],
    [
      "a load from an absolute address of 64 bits",
      "memory operand",
      "db 0xa0\ndq 0x1000000000\nret",
    ],
    [
      "a store to constants",
      "memory operand",
      "mov dword [value], 1\nret",
      "section .rodata\nvalue: dd 5\nsection .text",
    ],
    [
      "a read behind the globals",
      "memory operand",
      "mov rax, [value + 8]\nret",
      "section .data\nvalue: dq 5\nsection .text",
    ],
    ["a read of code", "memory operand", "mov rax, [probe]\nret"],
    [
      "the address of globals, taken",
      "memory operand",
      "lea rax, [value]\nret",
      "section .data\nvalue: dq 5\nsection .text",
    ],
    ["fs without a thread block", "memory operand", "mov rax, [fs:abs 0]\nret"],
    ["gs", "memory operand", "mov rax, [gs:abs 0]\nret"],
    [
      "a copy with a dirty destination",
      "memory operand",
      "mov esi, esi\nmov ecx, 8\nrep movsb\nret",
    ],
    ["a copy with a dirty count", "memory operand", "mov edi, edi\nmov esi, esi\nrep movsb\nret"],
    [
      "rip with 67h",
      "memory operand",
      "a32 mov eax, [value]\nret",
      "section .data\nvalue: dq 5\nsection .text",
    ],

    [
      "a stack operand above the frame",
      "stack operand",
      "sub rsp, 16\nmov rax, [rsp + 16]\nadd rsp, 16\nret",
    ],
    ["the return address, overwritten", "stack operand", "mov [rsp], rdi\nret"],
    ["a stack operand below rsp", "stack operand", "mov [rsp - 8], rdi\nret"],
    ["an argument that was not pushed", "stack operand", "mov eax, [rsp + 8]\nret"],
    [
      "a stack operand with an index",
      "stack operand",
      "sub rsp, 16\nmov edi, edi\nmov [rsp + rdi], eax\nadd rsp, 16\nret",
    ],
    ["the address of the stack, taken", "stack operand", "lea rax, [rsp + 8]\nret"],
    ["rsp as a source", "stack operand", "mov rax, rsp\nret"],
    ["rsp as a destination", "stack operand", "mov rsp, rdi\nret"],
    ["rsp computed", "stack operand", "and rsp, -16\nret"],

    [
      "different depths where paths meet",
      "stack depth",
      "test edi, edi\nje .x\npush rax\n.x: pop rax\nret",
    ],
    ["a return with something on the stack", "stack depth", "push rax\nret"],
    ["a pop of the return address", "stack depth", "pop rax\nret"],
    ["an addition beyond the return address", "stack depth", "add rsp, 8\nret"],
    ["two returns that pop differently", "stack depth", "test edi, edi\nje .x\nret\n.x: ret 8"],
    [
      "a callee that pops more than was pushed",
      "stack depth",
      "call two\nret",
      "function two\nret 16\nendfunction two",
    ],
    ["a step over the guard", "frame step", "sub rsp, 0x20000\nadd rsp, 0x20000\nret"],
    [
      "steps over the guard that add up",
      "frame step",
      `${"sub rsp, 0x8000\n".repeat(2)}add rsp, 0x10000\nret`,
    ],
    [
      "steps over the guard with a touch far above rsp",
      "frame step",
      "sub rsp, 0x8000\nmov eax, [rsp + 0x7ff8]\nsub rsp, 0x8000\nadd rsp, 0x10000\nret",
    ],
    [
      "a saved register in what a callee popped",
      "saved register",
      "push rbx\ncall one\nsub rsp, 8\npop rbx\nret",
      "function one\nmov [rsp + 8], rdi\nret 8\nendfunction one",
    ],
    ["a preserved register that is changed", "saved register", "mov ebx, 1\nret"],
    [
      "a preserved register restored from another's slot",
      "saved register",
      "push rbx\npush rbp\npop rbx\npop rbp\nret",
    ],
    [
      "a saved register overwritten on the stack",
      "saved register",
      "push rbx\nmov [rsp], rdi\npop rbx\nret",
    ],

    [
      "a branch into the middle of an instruction",
      "branch target",
      "jmp .x + 1\n.x: mov eax, 0x90909090\nret",
    ],
    [
      "a branch into another function",
      "branch target",
      "jmp other\nret",
      "function other\nret\nendfunction other",
    ],
    [
      "a call into the middle of a function",
      "call target",
      "call other.inside\nret",
      "function other\nxor eax, eax\n.inside: ret\nendfunction other",
    ],
    ["an end that runs on", "falls through", "mov eax, 1"],

    ["an indirect jump by itself", "indirect jump", "jmp rax"],
    [
      "a jump table without its bound",
      "indirect jump",
      JUMP_TABLE.replace("cmp edi, 3", "nop").replace("nop", "xor edx, edx"),
      TABLE,
    ],
    [
      "a jump table that is too short",
      "indirect jump",
      JUMP_TABLE.replace("cmp edi, 3", "cmp edi, 4"),
      TABLE,
    ],
    ["a jump table with a dirty index", "indirect jump", JUMP_TABLE, TABLE],
    [
      "a jump table entered in the middle",
      "indirect jump",
      `mov edi, edi\ntest esi, esi\nje .middle\n${JUMP_TABLE.replace("lea rax", ".middle: lea rax")}`,
      TABLE,
    ],
    [
      "a jump table that can be written",
      "indirect jump",
      `mov edi, edi\n${JUMP_TABLE}`,
      TABLE.replace(".rodata", ".data"),
    ],
    [
      "a jump table with a foreign entry",
      "indirect jump",
      `mov edi, edi\n${JUMP_TABLE}`,
      TABLE.replace("probe.one", "_start"),
    ],
    ["an indirect call by itself", "indirect call", "call rax\nret"],
    [
      "an indirect call without its bound",
      "indirect call",
      CALL_TABLE.replace("jae .bad", "jb .bad"),
      FUNCTIONS,
    ],
    [
      "an indirect call without its signature",
      "indirect call",
      CALL_TABLE.replace("cmp dword [rax + 8], 7\n", "").replace("jne .bad", ""),
      FUNCTIONS,
    ],
    [
      "an indirect call with another scale",
      "indirect call",
      CALL_TABLE.replace("shl eax, 4", "shl eax, 3"),
      FUNCTIONS,
    ],
    [
      "an indirect call that takes a null entry for its signature",
      "call target",
      CALL_TABLE.replace("rax + 8], 7", "rax + 8], 0x80000000"),
      FUNCTIONS,
    ],
    [
      "a null entry that has a function",
      "indirect call",
      CALL_TABLE,
      FUNCTIONS.replace("dq callee, 7, 0,", "dq callee, 7, callee,"),
    ],
    [
      "a function whose entry has the signature of a null entry",
      "indirect call",
      CALL_TABLE,
      FUNCTIONS.replace("dq callee, 7", "dq callee, 0x80000000"),
    ],
    [
      "an entry without a function that has a signature",
      "indirect call",
      CALL_TABLE,
      FUNCTIONS.replace("0x80000000", "7"),
    ],
    [
      "a table entry that is no function's start",
      "call target",
      CALL_TABLE,
      FUNCTIONS.replace("dq callee, 7", "dq callee + 1, 7"),
    ],

    ["a push of 16 bits", "opcode", "push word 5\nadd rsp, 8\nret"],
    ["a push of 16 bits with a long immediate", "opcode", "push word 500\nadd rsp, 8\nret"],
    ["a branch that is shorter on other processors", "opcode", "db 0x66, 0x0f, 0x85\ndd 0\nret"],
    [
      "the same behind a prefix that means nothing",
      "opcode",
      "db 0x48, 0x66, 0x0f, 0x85\ndd 0\nret",
    ],
    [
      "a call that is shorter on other processors",
      "opcode",
      "db 0x66, 0xe8\ndd _start - $ - 4\nret",
    ],
    ["a return of 16 bits", "opcode", "db 0x66, 0xc3"],
    [
      "the bound of an indirect call that is shorter on other processors",
      "opcode",
      CALL_TABLE.replace("jae .bad", "db 0x66, 0x0f, 0x83\ndd .bad - $ - 4"),
      FUNCTIONS,
    ],
    ["an instruction off the list", "opcode", "bswap eax\nret"],
    ["a lock prefix", "opcode", "mov edi, edi\nlock add [rdi], eax\nret"],
    ["a string copy without rep", "opcode", "mov edi, edi\nmov esi, esi\nmovsb\nret"],
    ["an instruction that does not exist", "opcode", "db 0x06\nret"],
    ["a trap of a kind that is none", "opcode", "ud1 eax, ebp"],
    ["a trap of a kind beyond the mask", "opcode", "ud1 ebp, eax"],
    ["a trap with memory", "opcode", "mov edi, edi\nud1 eax, [rdi]"],
    ["a trap of 64 bits", "opcode", "ud1 rax, rdi"],
    ["a trap of 16 bits", "opcode", "ud1 ax, di"],
    ["a trap behind a prefix that means nothing", "opcode", "db 0x40\nud1 eax, edi"],
    ["a trap behind rep", "opcode", "db 0xf3\nud1 eax, edi"],
    ["a trap of registers above the eighth", "opcode", "ud1 r8d, r15d"],
    ["the other instruction that is none", "opcode", "db 0x0f, 0xff, 0xc7"],
    ["a division by memory", "opcode", "mov edi, edi\ndiv dword [rdi]\nret"],
    ["a division of 16 bits", "opcode", "div cx\nret"],
    ["a vector instruction", "opcode", "movaps xmm0, xmm1\nret"],
    ["the direction flag", "opcode", "std\nret"],
    ["a far return", "opcode", "retf"],
    [
      "an address that bsf may have left dirty",
      "memory operand",
      "bsf eax, edi\nmov ecx, [rax]\nret",
    ],
    [
      "an address that bsr may have left dirty",
      "memory operand",
      "bsr eax, edi\nmov ecx, [rax]\nret",
    ],
    ["a privileged instruction", "privileged", "hlt\nret"],
    ["a random number, which no level has", "privileged", "rdrand rax\nret"],
    ["a system call that loses preserved registers", "saved register", "syscall\nret"],
    ["a port outside the list", "privileged", "in al, dx\nret"],
  ])("refuses %s", (_what, rule, body, more) => {
    const found = findings("domain", domain(body, more));
    expect(found.map((finding) => finding.rule)).toContain(rule);
    expect(found.every((finding) => finding.function !== "")).toBe(true);
  });

  // An old processor runs `tzcnt` as `bsf` and says nothing: the program that was compiled becomes
  // another one.
  test.each<[string, number]>([
    ["bsf eax, edi", 1],
    ["bsr rax, rdi", 1],
    ["popcnt eax, edi", 2],
    ["popcnt rax, rdi", 2],
    ["tzcnt eax, edi", 3],
    ["tzcnt rax, rdi", 3],
    ["lzcnt eax, edi", 3],
    ["lzcnt rax, rdi", 3],
    ["a32 tzcnt eax, [edi]", 3],
    // The same bytes by hand, so that this does not rest on what the assembler thinks of levels.
    ["db 0xf3, 0x0f, 0xbc, 0xc7", 3],
    ["db 0xf3, 0x48, 0x0f, 0xbd, 0xc7", 3],
  ])("%s is refused below x86-64-v%i and accepted from there on", (instruction, least) => {
    for (const level of [1, 2, 3]) {
      expect(rulesAt(level, instruction), `level ${level}`).toEqual(level < least ? ["level"] : []);
    }
  });

  test.each([
    "a32 movbe eax, [edi]",
    "andn eax, ecx, edx",
    "blsr eax, edi",
    "bextr eax, edi, esi",
    "shlx eax, edi, esi",
    "pdep eax, edi, esi",
    "crc32 eax, edi",
    "adcx eax, edi",
    "a32 cmpxchg16b [edi]",
    "a32 lddqu xmm0, [edi]",
  ])("%s, which the compiler does not use, is on no level's list", (instruction) => {
    expect(rulesAt(3, instruction)).toContain("opcode");
  });

  test.each([0, 4, 0xffff_ffff])("a note of level %i is refused", (level) => {
    const found = verifyExecutable(atLevel(level, ""), "domain", "test.elf");
    expect(found.map(({ message }) => message)).toContain(`there is no level ${level}`);
  });

  test.each<[string, string]>([
    ["returns", "xor eax, eax\nret"],
    ["pops arguments", "ret 16"],
    ["reaches above its stack", "mov [rsp + 0x20008], rax\nud2"],
  ])("an entry point that %s is refused", (_what, body) => {
    expect(
      findings("domain", `function _start\n${body}\nendfunction _start\n`).map(
        (finding) => finding.rule,
      ),
    ).toContain("stack depth");
  });

  test("an entry point inside of a function is refused", () => {
    const bytes = assembledProgram("entry", "domain", domain("ret"));
    new DataView(bytes.buffer).setBigUint64(24, 0x10_0000_0001n, true);
    expect(verifyExecutable(bytes, "domain", "test.elf").map((finding) => finding.rule)).toContain(
      "functions",
    );
  });

  test("a writable and executable segment is refused", () => {
    const bytes = assembledProgram("writable", "domain", domain("ret"));
    const view = new DataView(bytes.buffer);
    for (let at = 64; at < 64 + 5 * 56; at += 56)
      if (view.getUint32(at + 4, true) === 5) view.setUint32(at + 4, 7, true);
    expect(verifyExecutable(bytes, "domain", "test.elf").map((finding) => finding.rule)).toContain(
      "segments",
    );
  });

  test("no change of one byte of headers, code or tables makes the verifier fail otherwise than by refusing", () => {
    const bytes = assembledProgram(
      "mutants",
      "domain",
      domain(`mov edi, edi\n${JUMP_TABLE}`, TABLE),
    );
    for (let at = 0; at < bytes.length; at += at < 400 ? 1 : 7) {
      const copy = bytes.slice();
      copy[at]! ^= 1 << (at % 8);
      try {
        verifyExecutable(copy, "domain", "test.elf");
      } catch (error) {
        expect((error as Error).name).toBe("DiagnosticError");
      }
    }
  });

  test("code between functions is refused", () => {
    expect(
      findings("domain", `${domain("ret")}\nhidden: nop\nret`).map((finding) => finding.rule),
    ).toContain("functions");
  });
});

describe("kernel", () => {
  test.each<[string, Rule, string]>([
    ["an operand without r15", "memory operand", "mov eax, [rdi]\nret"],
    ["a 67h operand", "memory operand", "a32 mov eax, [edi]\nret"],
    ["an index with a dirty upper half", "memory operand", "mov eax, [r15 + rsi]\nret"],
    ["a scaled index", "memory operand", "mov eax, [r15 + rdi * 2]\nret"],
    ["a negative displacement", "memory operand", "mov eax, [r15 + rdi - 8]\nret"],
    [
      "a store to physical memory outside the list",
      "memory operand",
      "mov rax, 0xFFFF800000000000\nmov [rax + rsi], edi\nret",
    ],
    [
      "a copy to an address that is not the kernel's",
      "memory operand",
      "mov ecx, 8\nlea rsi, [r15 + rdi]\nrep movsb\nret",
    ],
    ["a change of r15", "base register", "xor r15d, r15d\nret"],
    ["r15 on the stack", "base register", "push r15\npop r15\nret"],
    ["a control register outside the list", "privileged", "mov rax, cr3\nret"],
    ["a system call", "privileged", "syscall\nret"],
    ["an instruction that not every processor has", "level", "tzcnt eax, edi\nret"],
    ["an instruction that the next level has", "level", "popcnt eax, edi\nret"],
  ])("refuses %s", (_what, rule, body) => {
    expect(findings("kernel", exported(body)).map((finding) => finding.rule)).toContain(rule);
  });

  test("accepts a bit tested in a register, which changes no register", () => {
    const body = "mov edi, edi\nbt rdi, rsi\nbt edi, esi\nmov eax, [r15 + rdi]\nret";
    expect(findings("kernel", exported(body))).toEqual([]);
    expect(
      findings("kernel", exported("bt rsi, rdi\nmov eax, [r15 + rsi]\nret")).map(
        ({ rule }) => rule,
      ),
    ).toContain("memory operand");
  });

  test("accepts that any function reads the time stamp counter, and no other of its kind", () => {
    const rules = (body: string) => findings("kernel", exported(body)).map(({ rule }) => rule);
    expect(rules("rdtsc\nshl rdx, 32\nor rax, rdx\nret")).toEqual([]);
    for (const other of ["pause", "lfence", "cpuid", "mov ecx, 16\nrdmsr"])
      expect(rules(`${other}\nret`)).toContain("privileged");
  });

  const entryPoint = (body: string, caller = ""): string => `
exported probe, 1, 0, 3
function probe
${body}
endfunction probe
${caller}`;
  const CALLER = "exported caller, 1, 0\nfunction caller\ncall probe\nret\nendfunction caller\n";
  const rulesFor = (target: "kernel" | "domain" | "linux", text: string): Rule[] =>
    findings(target, text).map((finding) => finding.rule);
  test("an entry point keeps no register but r15, and compiled code must not call it", () => {
    expect(rulesFor("kernel", entryPoint("xor ebx, ebx\nxor ebp, ebp\nret"))).toEqual([]);
    expect(rulesFor("kernel", entryPoint("xor ebx, ebx\npush rbx\nret"))).toContain("stack depth");
    expect(rulesFor("kernel", entryPoint("xor r15d, r15d\nret"))).toContain("base register");
    expect(rulesFor("kernel", entryPoint("ret", CALLER))).toContain("call target");
    expect(rulesFor("linux", entryPoint("xor ebx, ebx\nret"))).toContain("saved register");
  });
});
