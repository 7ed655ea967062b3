import { describe, expect, test } from "vitest";
import { Intrinsic } from "../ir/intrinsic.ts";
import type { MachineCode } from "../ir/machine-code.ts";
import { Opcode, Type } from "../ir/opcode.ts";
import { disassemble } from "../../tests/support/disassemble-sample.ts";
import { moduleOf, SampleFunction } from "../../tests/support/sample-function.ts";
import { compileModule } from "./compile-module.ts";
import { requireKeptWords } from "./kept-words.ts";

const { I32, I64 } = Type;

/** Function 0, which other functions call. */
function leaf(): SampleFunction["fn"] {
  const f = new SampleFunction([I64], [I64], "leaf", 0);
  return f.return(f.op(Opcode.Mul, I64, f.parameter(0), f.parameter(0)));
}
class WordFunction extends SampleFunction {
  word(index: number) {
    return this.op(Opcode.MessageWord, I64, this.i32(index));
  }
  setWord(index: number, value: ReturnType<SampleFunction["i64"]>): void {
    const operands = [this.i32(index), value];
    this.instruction(Opcode.Intrinsic, Type.None, operands, [], Intrinsic.SetMessageWord);
  }
  call(value: ReturnType<SampleFunction["i64"]>) {
    return this.fn.result(this.instruction(Opcode.Call, Type.None, [value], [I64], 0));
  }
}

function codeOf(build: (f: WordFunction) => void, name = "fastCall", optimize = true): MachineCode {
  const f = new WordFunction([I64], [I64], name, 1);
  build(f);
  const module = moduleOf("kernel", [leaf(), f.fn], {
    exports: new Map([
      ["leaf", 0],
      [name, 1],
    ]),
  });
  return compileModule(module, { check: true, optimize }).find((code) => code.name === name)!;
}
const assembly = (...from: Parameters<typeof codeOf>): string[] =>
  disassemble(codeOf(...from).bytes);

describe("a word of the message", () => {
  test("is an operand where it is", () => {
    const lines = assembly((f) => {
      const [same, other] = [f.newBlock(), f.newBlock()];
      f.branch(f.op(Opcode.Eq, I64, f.word(2), f.parameter(0)), same, other);
      f.block = same;
      f.return(f.i64(1n));
      f.block = other;
      f.return(f.i64(2n));
    });
    expect(lines[0]).toMatch(/^cmp (r13,rdi|rdi,r13)$/);
  });

  test("survives a call and is set in its register", () => {
    const lines = assembly(
      (f) => {
        const result = f.op(Opcode.Xor, I64, f.call(f.parameter(0)), f.word(0));
        f.setWord(1, result);
        f.setWord(2, f.i64(0n));
        f.setWord(3, f.word(0));
        f.return(result);
      },
      "fastCall",
      false,
    );
    expect(lines.slice(1)).toEqual([
      "xor rax,rbx",
      "mov r12,rax",
      "xor r13d,r13d",
      "mov r14,rbx",
      "ret",
    ]);
  });

  test("is what the kernel was entered with, whatever was set since", () => {
    for (const optimize of [true, false]) {
      const lines = assembly(
        (f) => {
          f.setWord(0, f.parameter(0));
          f.return(f.op(Opcode.Add, I64, f.word(0), f.word(0)));
        },
        "fastCall",
        optimize,
      );
      expect(lines[0]).toMatch(/^mov r\w+,rbx$/);
      expect(lines).toContain("mov rbx,rdi");
    }
  });

  test("keeps its register where there are more values than registers", () => {
    for (const optimize of [true, false]) {
      const code = codeOf(
        (f) => {
          const address = f.op(Opcode.Wrap, I32, f.parameter(0));
          const loads = Array.from({ length: 24 }, (_, i) =>
            f.load(Opcode.Load64, I64, address, 8 * i),
          );
          let sum = f.word(0);
          for (const value of [...loads, f.word(1), ...loads])
            sum = f.op(Opcode.Mul, I64, f.op(Opcode.Xor, I64, sum, value), f.call(value));
          f.setWord(2, sum);
          f.return(f.op(Opcode.Xor, I64, f.word(3), sum));
        },
        "fastReply",
        optimize,
      );
      expect(code.savedRegisters).toEqual([]);
      expect(code.frameBytes).toBeGreaterThan(0);
    }
  });
});

describe("refused is", () => {
  const reads = (f: WordFunction) => void f.return(f.word(0));

  test("a function that is no entry point", () => {
    expect(() => codeOf(reads, "other")).toThrow(
      "function other: a message's words are in registers in an entry point",
    );
  });
  test("a number that is no constant, or no word's", () => {
    const message = "must be a constant from 0 to 3";
    expect(() =>
      codeOf((f) => {
        const number = f.op(Opcode.Wrap, I32, f.parameter(0));
        f.return(f.op(Opcode.MessageWord, I64, number));
      }),
    ).toThrow(message);
    expect(() => codeOf((f) => f.return(f.word(4)))).toThrow(message);
    expect(() =>
      codeOf((f) => {
        f.setWord(4, f.parameter(0));
        f.return(f.parameter(0));
      }),
    ).toThrow(message);
  });
  test("an instruction that needs a word's register for itself", () => {
    expect(() =>
      codeOf((f) => {
        f.instruction(
          Opcode.Intrinsic,
          Type.None,
          [f.i32(0), f.i32(0), f.i32(64)],
          [],
          Intrinsic.Cpuid,
        );
        reads(f);
      }),
    ).toThrow("rbx, a word of the message, is overwritten");
  });
});

test("a function that uses words is inlined into each entry point", () => {
  const helper = new WordFunction([I64], [I64], "helper", 0);
  let sum = helper.parameter(0);
  for (let i = 0; i < 40; i++)
    sum = helper.op(Opcode.Mul, I64, helper.op(Opcode.Xor, I64, sum, helper.word(i % 4)), sum);
  const entry = (name: string, index: number) => {
    const f = new WordFunction([I64], [I64], name, index);
    f.return(f.call(f.call(f.parameter(0))));
    return f.fn;
  };
  const functions = [helper.return(sum), entry("fastCall", 1), entry("fastReply", 2)];
  const exports = new Map([
    ["fastCall", 1],
    ["fastReply", 2],
  ]);
  const codes = compileModule(moduleOf("kernel", functions, { exports }), { check: true });
  expect(new Map(codes.map(({ name, calls }) => [name, calls.length]))).toEqual(
    new Map([
      ["fastCall", 0],
      ["fastReply", 0],
    ]),
  );
});

test("what an entry point calls is inlined, because few registers keep a value across a call", () => {
  const callee = new SampleFunction([I64], [I64], "callee", 0);
  let product = callee.parameter(0);
  for (let i = 0; i < 12; i++)
    product = callee.op(
      Opcode.Mul,
      I64,
      callee.op(Opcode.Xor, I64, product, callee.i64(9n)),
      product,
    );
  const caller = (name: string, index: number) => {
    const f = new WordFunction([I64], [I64], name, index);
    const word = name === "other" ? f.i64(5n) : f.word(0);
    return f.return(f.op(Opcode.Xor, I64, f.call(f.parameter(0)), word));
  };
  const functions = [callee.return(product), caller("fastCall", 1), caller("other", 2)];
  const exports = new Map([
    ["fastCall", 1],
    ["other", 2],
  ]);
  const codes = compileModule(moduleOf("kernel", functions, { exports }), { check: true });
  const calls = new Map(codes.map((code) => [code.name, code.calls.length]));
  expect(calls.get("fastCall")).toBe(0);
  expect(calls.get("other")).toBe(1);
});

describe("the check of the finished code", () => {
  const code = codeOf((f) => {
    f.setWord(0, f.parameter(0));
    f.return(f.word(1));
  });

  test("accepts what is noted as setting a word", () => {
    expect(() => requireKeptWords(code)).not.toThrow();
    expect(() => requireKeptWords({ ...code, notes: [] })).toThrow("at 0 overwrites a word");
  });

  test.each([
    ["mov ebx, 1", [0xbb, 1, 0, 0, 0]],
    ["mov bl, 1", [0xb3, 1]],
    ["mov bh, 1", [0xb7, 1]],
    ["pop r12", [0x41, 0x5c]],
    ["xchg rax, r13", [0x49, 0x95]],
    ["cmovz r14, rax", [0x4c, 0x0f, 0x44, 0xf0]],
    ["cpuid", [0x0f, 0xa2]],
  ])("refuses %s", (_text, bytes) => {
    const changed = { ...code, bytes: Uint8Array.from([...code.bytes, ...bytes]) };
    expect(() => requireKeptWords(changed)).toThrow(`at ${code.bytes.length} overwrites a word`);
  });
});
