import { describe, expect, test } from "vitest";
import type { IrFunction, Value } from "../../ir/function.ts";
import { Intrinsic, SYSTEM_CALL_RESULTS } from "../../ir/intrinsic.ts";
import { TrapKind } from "../../ir/machine-code.ts";
import type { IrModule, Level, Target } from "../../ir/module.ts";
import { Opcode, Type } from "../../ir/opcode.ts";
import { SystemCallResult } from "../../../kernel/abi/system-call.ts";
import { compileFunction } from "../compile-function.ts";
import { assemblyOf, rulesOf } from "../../../tests/support/disassemble-sample.ts";
import { moduleOf, SampleFunction } from "../../../tests/support/sample-function.ts";

const { I32, I64 } = Type;

/**
 * The code of a function of two parameters that returns what `body` makes of them, without the
 * return.
 */
function codeOf(
  type: Type,
  body: (f: SampleFunction, a: Value, b: Value) => Value,
  target: Target = "domain",
  more: Partial<IrModule> = {},
): string[] {
  const f = new SampleFunction([type, type], [Type.I64]);
  const value = body(f, f.parameter(0), f.parameter(1));
  const fn = f.return(value);
  return assemblyOf(fn, moduleOf(target, [fn], more)).slice(0, -1);
}

function rulesFor(fn: IrFunction, target: Target = "domain"): string[] {
  return rulesOf(compileFunction(fn, moduleOf(target, [fn]), { check: true }));
}

// Either side of the widest immediate, on both ends. Off by one here is silent wrong code.
test.each([
  [0x7fff_ffffn, "add: constant"],
  [0x8000_0000n, "add: registers"],
  [-0x8000_0000n, "add: constant"],
  [-0x8000_0001n, "add: registers"],
])("i64 x + %i is selected by the rule %j", (bits, expected) => {
  const f = new SampleFunction([I64], [I64]);
  const fn = f.return(f.op(Opcode.Add, I64, f.parameter(0), f.i64(bits)));
  expect(rulesFor(fn)).toContain(expected);
});

test("every constant is an immediate of an i32", () => {
  expect(codeOf(I32, (f, a) => f.op(Opcode.Xor, I32, a, f.i32(0x8000_0000)))).toEqual([
    "xor edi,80000000h",
    "mov eax,edi",
  ]);
});

describe("arithmetic", () => {
  test.each<[string, Type, (f: SampleFunction, a: Value, b: Value) => Value, string[]]>([
    [
      "a sum of registers that both die",
      I32,
      (f, a, b) => f.op(Opcode.Add, I32, a, b),
      ["lea eax,[rdi+rsi]"],
    ],
    [
      "a scaled sum",
      I32,
      (f, a, b) => f.op(Opcode.Add, I32, a, f.op(Opcode.Shl, I32, b, f.i32(3))),
      ["lea eax,[rdi+rsi*8]"],
    ],
    [
      "a sum of three",
      I64,
      (f, a, b) => f.op(Opcode.Add, I64, f.op(Opcode.Add, I64, a, b), f.i64(100n)),
      ["lea rax,[rdi+rsi+64h]"],
    ],
    ["times three", I32, (f, a) => f.op(Opcode.Mul, I32, a, f.i32(3)), ["lea eax,[rdi+rdi*2]"]],
    [
      "times a constant",
      I64,
      (f, a) => f.op(Opcode.Mul, I64, a, f.i64(1000n)),
      ["imul rax,rdi,3E8h"],
    ],
    ["a low byte", I32, (f, a) => f.op(Opcode.And, I32, a, f.i32(255)), ["movzx eax,dil"]],
    [
      "the low half of an i64",
      I64,
      (f, a) => f.op(Opcode.And, I64, a, f.i64(0xffff_ffffn)),
      ["mov eax,edi"],
    ],
    ["a sign extension", I64, (f, a) => f.op(Opcode.Extend32S, I64, a), ["movsxd rax,edi"]],
    ["a negation", I64, (f, a) => f.op(Opcode.Sub, I64, f.i64(0n), a), ["neg rdi", "mov rax,rdi"]],
    [
      "unsigned division by 8",
      I32,
      (f, a) => f.op(Opcode.DivU, I32, a, f.i32(8)),
      ["shr edi,3", "mov eax,edi"],
    ],
    [
      "unsigned remainder by 8",
      I64,
      (f, a) => f.op(Opcode.RemU, I64, a, f.i64(8n)),
      ["and edi,7", "mov rax,rdi"],
    ],
    [
      "the high half of a product",
      I64,
      (f, a, b) => f.op(Opcode.MulHighU, I64, a, b),
      ["mov rax,rdi", "mul rsi", "mov rax,rdx"],
    ],
    [
      "a shift by a register",
      I32,
      (f, a, b) => f.op(Opcode.ShrU, I32, a, b),
      ["mov ecx,esi", "shr edi,cl", "mov eax,edi"],
    ],
    [
      "an extension of an i32 is nothing",
      I32,
      (f, a) => f.op(Opcode.ExtendU, I64, a),
      ["mov eax,edi"],
    ],
  ])("%s", (_name, type, body, expected) => {
    expect(codeOf(type, body)).toEqual(expected);
  });
});

// What a processor lacks it may take for another instruction, so each level's code is fixed here.
describe("counts of bits", () => {
  const LEADING_32 = ["mov eax,3Fh", "bsr esi,edi", "cmovne eax,esi", "xor eax,1Fh"];
  test.each<[string, Level, Type, Opcode, string[]]>([
    ["leading zeros", 1, I32, Opcode.Clz, LEADING_32],
    ["leading zeros", 2, I32, Opcode.Clz, LEADING_32],
    ["leading zeros", 3, I32, Opcode.Clz, ["lzcnt eax,edi"]],
    [
      "leading zeros",
      1,
      I64,
      Opcode.Clz,
      ["mov eax,7Fh", "bsr rsi,rdi", "cmovne rax,rsi", "xor rax,3Fh"],
    ],
    ["trailing zeros", 1, I32, Opcode.Ctz, ["mov eax,20h", "bsf esi,edi", "cmovne eax,esi"]],
    ["trailing zeros", 1, I64, Opcode.Ctz, ["mov eax,40h", "bsf rsi,rdi", "cmovne rax,rsi"]],
    ["trailing zeros", 3, I64, Opcode.Ctz, ["tzcnt rax,rdi"]],
    [
      "ones",
      1,
      I32,
      Opcode.Popcnt,
      [
        "mov esi,edi",
        "shr esi,1",
        "and esi,55555555h",
        "sub edi,esi",
        "mov esi,edi",
        "and esi,33333333h",
        "shr edi,2",
        "and edi,33333333h",
        "add esi,edi",
        "mov edi,esi",
        "shr edi,4",
        "add edi,esi",
        "and edi,0F0F0F0Fh",
        "imul eax,edi,1010101h",
        "shr eax,18h",
      ],
    ],
    ["ones", 2, I32, Opcode.Popcnt, ["popcnt eax,edi"]],
  ])("%s on x86-64-v%i", (_name, level, type, op, expected) => {
    expect(codeOf(type, (f, a) => f.op(op, type, a), "domain", { level })).toEqual(expected);
  });
});

describe("conditions", () => {
  test("a comparison in a register clears it before the flags are set", () => {
    expect(codeOf(I32, (f, a, b) => f.op(Opcode.LtU, I32, a, b))).toEqual([
      "xor eax,eax",
      "cmp edi,esi",
      "setb al",
    ]);
  });

  test("a mask is tested, not computed", () => {
    expect(
      codeOf(I32, (f, a) => f.op(Opcode.Eqz, I32, f.op(Opcode.And, I32, a, f.i32(4)))),
    ).toEqual(["xor eax,eax", "test dil,4", "sete al"]);
  });

  test("select is cmov", () => {
    expect(
      codeOf(I64, (f, a, b) => f.op(Opcode.Select, I64, f.op(Opcode.LtS, I64, a, b), a, b)),
    ).toEqual(["cmp rdi,rsi", "cmovl rsi,rdi", "mov rax,rsi"]);
  });

  test.each([
    [Opcode.LtS, "sets"],
    [Opcode.GeS, "setns"],
    [Opcode.GtU, "setne"],
    [Opcode.LeU, "sete"],
    [Opcode.GtS, "setg"],
    [Opcode.LeS, "setle"],
  ])("comparison %i with zero needs no constant", (op, expected) => {
    expect(codeOf(I32, (f, a) => f.op(op, I32, a, f.i32(0)))).toEqual([
      "xor eax,eax",
      "test edi,edi",
      `${expected} al`,
    ]);
  });

  test("flags of a subtraction serve the branch on its result, but not a comparison that asks for more than zero and sign", () => {
    const countdown = (condition: (f: SampleFunction, value: Value) => Value): string[] => {
      const f = new SampleFunction([I32], [I32]);
      const [loop, done] = [f.newBlock(1, I32), f.newBlock(0)];
      f.jump(loop, f.parameter(0));
      f.block = loop;
      const rest = f.op(Opcode.Sub, I32, f.parametersOf(loop)[0]!, f.i32(1));
      const back = f.newBlock(1);
      f.branch(condition(f, rest), back, done);
      f.block = back;
      f.jump(loop, rest);
      f.block = done;
      return assemblyOf(f.return(rest));
    };
    expect(countdown((_f, rest) => rest).filter((line) => line.startsWith("test"))).toEqual([]);
    expect(
      countdown((f, rest) => f.op(Opcode.GtS, I32, rest, f.i32(0))).filter((line) =>
        line.startsWith("test"),
      ).length,
    ).toBe(1);
  });
});

describe("addresses", () => {
  const load =
    (offset: number, address: (f: SampleFunction, a: Value, b: Value) => Value) =>
    (f: SampleFunction, a: Value, b: Value) =>
      f.load(Opcode.Load32U, I32, address(f, a, b), offset);
  const indexed = (f: SampleFunction, a: Value, b: Value): Value =>
    f.op(Opcode.Add, I32, a, f.op(Opcode.Shl, I32, b, f.i32(2)));

  test.each<[string, Target, ReturnType<typeof load>, string[]]>([
    ["a register", "domain", load(8, (_f, a) => a), ["mov eax,[rdi+8]"]],
    ["an index", "domain", load(8, indexed), ["mov eax,[edi+esi*4+8]"]],
    [
      "an index in the kernel, where 67h cannot reach",
      "kernel",
      load(8, indexed),
      ["lea esi,[rdi+rsi*4]", "mov eax,[r15+rsi+8]"],
    ],
    [
      "a small constant, which ends in the guard if it overflows",
      "kernel",
      load(8, (f, a) => f.op(Opcode.Add, I32, a, f.i32(16))),
      ["mov eax,[r15+rdi+18h]"],
    ],
    [
      "a negative constant, which must wrap",
      "domain",
      load(0, (f, a) => f.op(Opcode.Add, I32, a, f.i32(-16))),
      ["mov eax,[edi-10h]"],
    ],
    [
      "a negative constant in the kernel",
      "kernel",
      load(0, (f, a) => f.op(Opcode.Add, I32, a, f.i32(-16))),
      ["lea esi,[rdi-10h]", "mov eax,[r15+rsi]"],
    ],
    [
      "a large constant behind an index that is known to be small",
      "kernel",
      load(4, (f, a) =>
        f.op(
          Opcode.Add,
          I32,
          f.op(Opcode.Shl, I32, f.op(Opcode.And, I32, a, f.i32(0x7f)), f.i32(5)),
          f.i32(0x32700),
        ),
      ),
      ["and edi,7Fh", "shl edi,5", "mov eax,[r15+rdi+32704h]"],
    ],
    ["a constant address", "kernel", load(4, (f) => f.i32(0x20000)), ["mov eax,[r15+20004h]"]],
  ])("%s", (_name, target, body, expected) => {
    expect(codeOf(I32, body, target)).toEqual(expected);
  });

  test.each([
    [65532, true],
    [65533, false],
  ])("an index with offset %i and 4 bytes folds: %s", (offset, folds) => {
    expect(codeOf(I32, load(offset, indexed)).length).toBe(folds ? 1 : 2);
  });

  test("where the first 64 KiB are used, only offset 0 folds", () => {
    const memory = { initialPages: 1, maximumPages: 16, lowPagesUsed: true };
    expect(codeOf(I32, load(0, indexed), "linux", { memory }).length).toBe(1);
    expect(codeOf(I32, load(4, indexed), "linux", { memory }).length).toBe(2);
  });

  test("in linux, an index folds only if no address reaches beyond 4 GiB with the linear base", () => {
    const memory = (maximumPages: number) => ({
      memory: { initialPages: 1, maximumPages, lowPagesUsed: false },
    });
    expect(codeOf(I32, load(0, indexed), "linux", memory(0xf000)).length).toBe(1);
    expect(codeOf(I32, load(0, indexed), "linux", memory(0xf001)).length).toBe(2);
  });

  test.each([
    [0x7fff_ffff, 1],
    [0x8000_0000, 5],
  ])("offset %i takes %i instructions", (offset, count) => {
    const code = codeOf(
      I32,
      load(offset, (_f, a) => a),
    );
    // Behind the access stands the trap of the check.
    expect(code.filter((line) => line !== "ret" && line !== "ud2").length).toBe(
      count === 1 ? 1 : 4,
    );
  });
});

describe("loads and stores", () => {
  test("a load with one user becomes its operand", () => {
    expect(
      codeOf(I32, (f, a, b) => f.op(Opcode.Xor, I32, b, f.load(Opcode.Load32U, I32, a, 4))),
    ).toEqual(["xor esi,[rdi+4]", "mov eax,esi"]);
  });

  test("a load with two users does not", () => {
    const code = codeOf(I32, (f, a) => {
      const loaded = f.load(Opcode.Load32U, I32, a, 4);
      return f.op(Opcode.Xor, I32, f.op(Opcode.Mul, I32, loaded, loaded), loaded);
    });
    expect(code.filter((line) => line.includes("[rdi+4]")).length).toBe(1);
  });

  test("a load does not pass a store, nor another load", () => {
    const code = codeOf(I32, (f, a, b) => {
      const first = f.load(Opcode.Load32U, I32, a, 0);
      f.store(Opcode.Store32, I32, b, f.i32(7), 0);
      return f.op(Opcode.Xor, I32, b, first);
    });
    expect(code[0]).toMatch(/^mov e.., ?\[rdi\]$/);
    const two = codeOf(I32, (f, a, b) => {
      const first = f.load(Opcode.Load32U, I32, a, 0);
      const second = f.load(Opcode.Load32U, I32, b, 0);
      return f.op(Opcode.Sub, I32, second, first);
    });
    expect(two.map((line) => line.includes("[rdi]"))).toEqual([true, false, false]);
    expect(two[1]).toContain("[rsi]");
  });

  test.each([
    [Opcode.Add, "add"],
    [Opcode.And, "and"],
    [Opcode.Or, "or"],
    [Opcode.Xor, "xor"],
    [Opcode.Sub, "sub"],
  ])("operation %i on memory", (op, name) => {
    const f = new SampleFunction([I32, I32], []);
    const [a, b] = [f.parameter(0), f.parameter(1)];
    f.store(Opcode.Store32, I32, a, f.op(op, I32, f.load(Opcode.Load32U, I32, a, 12), b), 12);
    expect(assemblyOf(f.return())).toEqual([`${name} [rdi+0Ch],esi`, "ret"]);
  });

  test("an operation on memory needs one address and one offset", () => {
    const f = new SampleFunction([I32, I32], []);
    const [a, b] = [f.parameter(0), f.parameter(1)];
    f.store(
      Opcode.Store32,
      I32,
      a,
      f.op(Opcode.Add, I32, f.load(Opcode.Load32U, I32, a, 12), b),
      16,
    );
    expect(assemblyOf(f.return())[0]).toMatch(/^(mov|add) e/);
  });

  test("a narrow store does not narrow its value first", () => {
    const f = new SampleFunction([I32, I32], []);
    f.store(
      Opcode.Store8,
      I32,
      f.parameter(0),
      f.op(Opcode.And, I32, f.parameter(1), f.i32(255)),
      0,
    );
    expect(assemblyOf(f.return())).toEqual(["mov [rdi],sil", "ret"]);
  });

  test("a byte in memory is compared where it is, unsigned", () => {
    expect(
      codeOf(I32, (f, a) =>
        f.op(Opcode.Eqz, I32, f.op(Opcode.LtS, I32, f.load(Opcode.Load8U, I32, a, 1), f.i32(200))),
      ),
    ).toEqual(["xor eax,eax", "cmp byte [rdi+1],0C8h", "setae al"]);
  });

  test.each<[string, Opcode, number, string[]]>([
    ["a word", Opcode.Load32U, 0x8100, ["test dword [rdi+4],8100h", "setne al"]],
    ["a word, by a small mask", Opcode.Load32U, 1, ["test dword [rdi+4],1", "setne al"]],
    ["a byte", Opcode.Load8U, 0x7f, ["test byte [rdi+4],7Fh", "setne al"]],
  ])("the mask of %s in memory is tested where it is", (_text, op, mask, expected) => {
    const code = codeOf(I32, (f, a) =>
      f.op(Opcode.Ne, I32, f.op(Opcode.And, I32, f.load(op, I32, a, 4), f.i32(mask)), f.i32(0)),
    );
    expect(code).toEqual(["xor eax,eax", ...expected]);
  });

  test.each<[string, Opcode, number]>([
    ["the sign of a byte", Opcode.Load8U, 0x80],
    ["a byte that is extended", Opcode.Load8S, 1],
  ])("%s is loaded", (_text, op, mask) => {
    const code = codeOf(I32, (f, a) =>
      f.op(Opcode.Ne, I32, f.op(Opcode.And, I32, f.load(op, I32, a, 4), f.i32(mask)), f.i32(0)),
    );
    expect(code.some((line) => /^mov[sz]x/.test(line))).toBe(true);
  });

  test("every access has an entry for the fault handler", () => {
    const f = new SampleFunction([I32, I32], [I32]);
    const [a, b] = [f.parameter(0), f.parameter(1)];
    f.store(Opcode.Store8, I32, a, b, 0);
    const fn = f.return(f.op(Opcode.Add, I32, b, f.load(Opcode.Load32U, I32, a, 4)));
    const { traps } = compileFunction(fn, moduleOf("domain", [fn]), { check: true });
    expect(traps.map(({ kind }) => kind)).toEqual([TrapKind.OutOfBounds, TrapKind.OutOfBounds]);
  });
});

describe("globals", () => {
  const global = (mutable: boolean, threadLocal: boolean, type: Type = I32) => ({
    name: "",
    type,
    mutable,
    initial: 7n,
    threadLocal,
  });
  const globals = [
    global(true, false),
    global(false, false),
    global(true, true),
    global(true, false, I64),
    global(true, true, I64),
  ];
  const get = (f: SampleFunction, index: number): Value =>
    f.fn.result(f.instruction(Opcode.GlobalGet, Type.None, [], [globals[index]!.type], index));
  const addendsOf = (index: number): number[] => {
    const f = new SampleFunction([], [globals[index]!.type]);
    const fn = f.return(get(f, index));
    return compileFunction(fn, moduleOf("domain", [fn], { globals }), {
      check: true,
    }).relocations.map(({ addend }) => addend);
  };

  test("shared ones stand in the section of globals, in the order of those that are mutable and not of a thread", () => {
    expect(addendsOf(0)).toEqual([-4]);
    expect(addendsOf(3)).toEqual([8 - 4]);
  });

  test("those of a thread stand behind fs, immutable ones are constants", () => {
    expect(codeOf(I32, (f) => get(f, 2), "domain", { globals })).toEqual(["mov eax,[fs:0]"]);
    expect(codeOf(I64, (f) => get(f, 4), "domain", { globals })).toEqual(["mov rax,[fs:8]"]);
    expect(codeOf(I32, (f) => get(f, 1), "domain", { globals })).toEqual(["mov eax,7"]);
  });

  test("one is compared and changed where it is", () => {
    expect(codeOf(I32, (f) => f.op(Opcode.Eqz, I32, get(f, 0)), "domain", { globals })).toEqual([
      "xor eax,eax",
      expect.stringMatching(/^cmp dword \[rel .*\],0$/),
      "sete al",
    ]);
    const f = new SampleFunction([], []);
    f.instruction(Opcode.GlobalSet, Type.None, [f.op(Opcode.Add, I32, get(f, 0), f.i32(1))], [], 0);
    const fn = f.return();
    expect(assemblyOf(fn, moduleOf("domain", [fn], { globals }))).toEqual([
      expect.stringMatching(/^add dword \[rel .*\],1$/),
      "ret",
    ]);
  });

  test("a global does not move past a call, which may change it", () => {
    const f = new SampleFunction([I32], [I32]);
    const before = get(f, 0);
    const called = f.fn.result(f.instruction(Opcode.Call, Type.None, [f.parameter(0)], [I32], 0));
    const fn = f.return(f.op(Opcode.Sub, I32, called, before));
    const code = assemblyOf(fn, moduleOf("domain", [fn], { globals }));
    expect(code.findIndex((line) => line.includes("[rel"))).toBeLessThan(
      code.findIndex((line) => line.startsWith("call")),
    );
  });
});

describe("calls and tables", () => {
  const table = {
    name: "table",
    minimum: 3,
    maximum: 3,
    constant: true,
    entries: [-1, 0, 0],
    onlySignature: 1,
  };
  const indirect = (): IrFunction => {
    const f = new SampleFunction([I32, I32], [I32]);
    const call = f.instruction(
      Opcode.CallIndirect,
      Type.None,
      [f.parameter(0), f.parameter(0), f.parameter(1)],
      [I32],
      1,
      0,
    );
    return f.return(f.fn.result(call));
  };

  test("an indirect call is the sequence that the verifier knows", () => {
    const fn = indirect();
    const code = assemblyOf(fn, moduleOf("domain", [fn], { tables: [table] }));
    const start = code.findIndex((line) => line.startsWith("cmp eax"));
    expect(code.slice(start, start + 8)).toEqual([
      "cmp eax,3",
      expect.stringMatching(/^jae /),
      "shl eax,4",
      expect.stringMatching(/^lea r..?, ?\[rel 0?.*\]$/),
      expect.stringMatching(/^add rax,r/),
      "cmp dword [rax+8],1",
      expect.stringMatching(/^jne /),
      "call qword [rax]",
    ]);
  });

  test.each([
    ["a null entry", { ...table }, true],
    ["entries of this signature only", { ...table, entries: [0, 0, 0] }, false],
    ["another signature", { ...table, entries: [0, 0, 0], onlySignature: 2 }, true],
    ["a table that can change", { ...table, entries: [0, 0, 0], constant: false }, true],
    ["fewer entries than its length", { ...table, entries: [0, 0] }, true],
  ])("with %s the signature is compared: %#", (_what, given, isCompared) => {
    const fn = indirect();
    const code = assemblyOf(fn, moduleOf("domain", [fn], { tables: [given] }));
    expect(code.some((line) => line.startsWith("cmp dword [rax+8]"))).toBe(isCompared);
  });

  test("a table that can change is asked for its length", () => {
    const fn = indirect();
    const { relocations } = compileFunction(
      fn,
      moduleOf("domain", [fn], { tables: [{ ...table, constant: false }] }),
      { check: true },
    );
    expect(relocations.map(({ symbol }) => symbol)).toContain("trine.table0.length");
  });

  test("a switch is the sequence that the verifier knows", () => {
    const f = new SampleFunction([I32], [I32]);
    const blocks = [1, 2, 3, 4].map(() => f.newBlock(0));
    f.switch(f.parameter(0), ...blocks);
    blocks.forEach((block, i) => {
      f.block = block;
      f.return(f.i32(i * 11));
    });
    const fn = f.fn;
    const code = compileFunction(fn, moduleOf("domain", [fn]), { check: true });
    expect(assemblyOf(fn).slice(0, 6)).toEqual([
      "cmp edi,3",
      expect.stringMatching(/^jae /),
      expect.stringMatching(/^lea (r..?), ?\[rel .*\]$/),
      expect.stringMatching(/^movsxd (r..?), ?(dword )?\[r..?\+rdi\*4\]$/),
      expect.stringMatching(/^add r/),
      expect.stringMatching(/^jmp r/),
    ]);
    expect(code.jumpTables.map(({ symbol, entries }) => [symbol, entries.length])).toEqual([
      ["sample.jump0", 3],
    ]);
  });

  test("arguments beyond eight are pushed, the last first, and popped by the callee", () => {
    const types = Array.from({ length: 10 }, () => I32);
    const f = new SampleFunction(types, [I32]);
    const call = f.instruction(
      Opcode.Call,
      Type.None,
      types.map((_, i) => f.i32(i)),
      [I32],
      0,
    );
    const fn = f.return(f.op(Opcode.Add, I32, f.fn.result(call), f.parameter(9)));
    const code = compileFunction(fn, moduleOf("domain", [fn]), { check: true });
    const text = assemblyOf(fn);
    expect(text.filter((line) => /^push [0-9]/.test(line))).toEqual(["push 9", "push 8"]);
    expect(text.at(-1)).toBe("ret 10h");
    expect(code.poppedBytes).toBe(16);
    expect(code.calls[0]!.depth).toBe(code.frameBytes + 16);
  });
});

describe("intrinsics", () => {
  const intrinsic = (
    which: Intrinsic,
    parameters: readonly Type[],
    results: readonly Type[],
    target: Target = "kernel",
  ): string[] => {
    const f = new SampleFunction(parameters, results);
    const at = f.instruction(
      Opcode.Intrinsic,
      Type.None,
      parameters.map((_, i) => f.parameter(i)),
      results,
      which,
    );
    const fn = f.return(...results.map((_, i) => f.fn.result(at, i)));
    return assemblyOf(fn, moduleOf(target, [fn]));
  };

  test.each<[string, Intrinsic, Type[], Type[], string[]]>([
    ["in8", Intrinsic.In8, [I32], [I32], ["mov edx,edi", "in al,dx", "movzx eax,al", "ret"]],
    ["in16", Intrinsic.In16, [I32], [I32], ["mov edx,edi", "in ax,dx", "movzx eax,ax", "ret"]],
    ["out32", Intrinsic.Out32, [I32, I32], [], ["mov edx,edi", "mov eax,esi", "out dx,eax", "ret"]],
    [
      "readMsr",
      Intrinsic.ReadMsr,
      [I32],
      [I64],
      ["mov ecx,edi", "rdmsr", "shl rdx,20h", "or rax,rdx", "ret"],
    ],
    ["readCr3", Intrinsic.ReadCr3, [], [I64], ["mov rax,cr3", "ret"]],
    ["writeCr4", Intrinsic.WriteCr4, [I64], [], ["mov cr4,rdi", "ret"]],
    ["invalidatePage", Intrinsic.InvalidatePage, [I64], [], ["invlpg [rdi]", "ret"]],
    [
      "physicalLoad32",
      Intrinsic.PhysicalLoad32,
      [I64],
      [I32],
      ["mov rsi,0FFFF800000000000h", "mov eax,[rsi+rdi]", "ret"],
    ],
    ["pause", Intrinsic.Pause, [], [], ["pause", "ret"]],
    ["loadFence", Intrinsic.LoadFence, [], [], ["lfence", "ret"]],
    ["rdrand", Intrinsic.Rdrand, [], [I64], ["rdrand rax", "ret"]],
    ["mmio load", Intrinsic.MmioLoad16, [I32], [I32], ["movzx eax,word [r15+rdi]", "ret"]],
  ])("%s", (_name, which, parameters, results, expected) => {
    const code = intrinsic(which, parameters, results);
    expect(code).toEqual(expected);
  });

  test("a system call loads and stores the record around it", () => {
    const code = intrinsic(Intrinsic.Call, [I32, I32, I32, I64], [I32], "domain");
    const at = code.indexOf("syscall");
    const stores = code
      .slice(at)
      .filter((line) => /^mov \[r..?(\+[0-9A-F]+h?)?\],/.test(line) && !line.includes("rsp"));
    expect(stores.length).toBe(8);
    expect(
      code
        .slice(0, at)
        .filter((line) => /^mov r..?,\[r..?(\+[0-9A-F]+h?)?\]$/.test(line) && !line.includes("rsp"))
        .length,
    ).toBe(4);
  });

  // Both ends of what a header and an answer count, and a header that is no constant.
  test.each([
    [0, 1],
    [2, 1],
    [4, 4],
    [null, 2],
  ])("a short call of %s words with %d read moves no others", (sent, read) => {
    const f = new SampleFunction([I32, I64, I64, I64, I64, I64], []);
    const [handle, timeout] = [f.parameter(0), f.parameter(1)];
    const header = sent === null ? f.parameter(0) : f.constant(Type.I32, BigInt(0x7f3_0010 | sent));
    const words = [2, 3, 4, 5].map((index) => f.parameter(index));
    const call = f.instruction(
      Opcode.Intrinsic,
      Type.None,
      [handle, header, timeout, ...words],
      Array.from({ length: 1 + SYSTEM_CALL_RESULTS }, () => I64),
      Intrinsic.CallShort,
    );
    for (let word = 0; word < read; word++) {
      const result = f.fn.result(call, 1 + SystemCallResult.Word0 + word);
      f.store(Opcode.Store64, I64, f.i32(64 + 8 * word), result);
    }
    const fn = f.return();
    const code = assemblyOf(fn, moduleOf("domain", [fn]));
    const at = code.indexOf("syscall");
    const set = ["rbx", "r12", "r13", "r14"].filter((register) =>
      code.slice(0, at).some((line) => line.startsWith(`mov ${register},`)),
    );
    expect(set).toHaveLength(sent ?? 4);
    const stores = code.slice(at).filter((line) => /^mov \[(?!rsp)/.test(line));
    expect(stores).toHaveLength(read);
  });

  test("a short system call has all results of the ABI", () => {
    expect(Object.keys(SystemCallResult).filter((key) => /^\d/.test(key))).toHaveLength(
      SYSTEM_CALL_RESULTS,
    );
  });

  test.each([
    ["no record", 0n, false],
    ["a record", 0x10000n, true],
  ])("a short reply with %s", (_what, record, isSet) => {
    const f = new SampleFunction([I64], []);
    const number = (type: Type, value: bigint) => f.constant(type, value);
    f.instruction(
      Opcode.Intrinsic,
      Type.None,
      [
        f.parameter(0),
        number(I32, 0x7f3_0800n),
        number(I32, record),
        number(I32, 0x10002n),
        ...[0n, 0n, 0n, 0n, 0n].map((value) => number(I64, value)),
      ],
      Array.from({ length: 1 + SYSTEM_CALL_RESULTS }, () => I64),
      Intrinsic.ReplyShort,
    );
    const fn = f.return();
    const code = assemblyOf(fn, moduleOf("domain", [fn]));
    expect(code.some((line) => /^(mov|xor) edx,/.test(line))).toBe(isSet);
    expect(code).toContain("mov r10d,10002h");
    expect(code.some((line) => line.startsWith("mov ebx,"))).toBe(false);
  });
});

describe("refuses with the function's name", () => {
  test("an operation that it does not have", () => {
    const f = new SampleFunction([I32], []);
    f.instruction(
      Opcode.TableCopy,
      Type.None,
      [f.parameter(0), f.parameter(0), f.parameter(0)],
      [],
    );
    expect(() => assemblyOf(f.return())).toThrow("function sample: TableCopy is not supported");
  });

  test("floats", () => {
    const f = new SampleFunction([Type.F64], []);
    expect(() => assemblyOf(f.return())).toThrow("values of type F64 are not supported");
  });

  test("three results", () => {
    const f = new SampleFunction([I32], [I32, I32, I32]);
    expect(() => assemblyOf(f.return(f.parameter(0), f.parameter(0), f.parameter(0)))).toThrow(
      "3 results",
    );
  });
});
