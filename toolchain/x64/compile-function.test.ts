import { describe, expect, test } from "vitest";
import { FaultKind } from "../../kernel/abi/fault.ts";
import { evaluate, evaluateDivision } from "../ir/evaluate.ts";
import { levelsHere } from "../fuzz/processor-level.ts";
import type { Block, IrFunction, Value } from "../ir/function.ts";
import type { IrModule } from "../ir/module.ts";
import { Opcode, Type } from "../ir/opcode.ts";
import { assemblyOf } from "../../tests/support/disassemble-sample.ts";
import { runSample, type SampleCall } from "../../tests/support/run-sample.ts";
import { moduleOf, SampleFunction } from "../../tests/support/sample-function.ts";

const { I32, I64 } = Type;
const BITS = { [I32]: 32, [I64]: 64 } as const;
type Integer = typeof I32 | typeof I64;

/** Both sides of every place where arithmetic changes its mind. */
function boundaries(type: Integer): bigint[] {
  const bits = BITS[type];
  const top = 1n << BigInt(bits - 1);
  return [
    0n,
    1n,
    2n,
    3n,
    7n,
    31n,
    32n,
    33n,
    63n,
    64n,
    127n,
    128n,
    255n,
    256n,
    65_535n,
    top - 1n,
    top,
    top + 1n,
    -1n,
    -2n,
    -7n,
    -128n,
  ].map((value) => BigInt.asUintN(bits, value));
}

const binary = (index: number, op: Opcode, type: Integer, right?: bigint): IrFunction => {
  const f = new SampleFunction(
    [type, type],
    [resultType(op, type)],
    right === undefined ? `op${op}` : `op${op}_${right}`,
    index,
  );
  return f.return(
    f.op(op, type, f.parameter(0), right === undefined ? f.parameter(1) : f.constant(type, right)),
  );
};
const resultType = (op: Opcode, type: Integer): Type =>
  (op >= Opcode.Eq && op <= Opcode.GeU) || op === Opcode.Eqz || op === Opcode.Wrap
    ? I32
    : op === Opcode.ExtendS || op === Opcode.ExtendU
      ? I64
      : type;

/**
 * Runs each function with all operands and compares with `expected`, which gives the result or a
 * fault.
 */
function compare(
  functions: readonly IrFunction[],
  operandsOf: (fn: IrFunction) => bigint[][],
  expected: (fn: IrFunction, operands: readonly bigint[]) => bigint | FaultKind,
  more?: Partial<IrModule>,
): void {
  const calls: SampleCall[] = functions.flatMap((fn) =>
    operandsOf(fn).map((operands) => ({ name: fn.name, operands })),
  );
  const answers = runSample(functions, calls, more);
  const byName = new Map(functions.map((fn) => [fn.name, fn]));
  const wrong = calls.flatMap(({ name, operands }, i) => {
    const want = expected(byName.get(name)!, operands);
    const { trap, results, unpreserved } = answers[i]!;
    const isRight = typeof want === "bigint" ? trap === 0 && results[0] === want : trap === want;
    return isRight && (trap !== 0 || unpreserved.length === 0)
      ? []
      : [
          `${name}(${operands.join(", ")}) is ${trap === 0 ? results[0] : FaultKind[trap]}, not ${want}`,
        ];
  });
  expect(wrong.slice(0, 10)).toEqual([]);
}

const pairs = (type: Integer): bigint[][] =>
  boundaries(type).flatMap((a) => boundaries(type).map((b) => [a, b]));

const BINARY = [
  Opcode.Add,
  Opcode.Sub,
  Opcode.Mul,
  Opcode.And,
  Opcode.Or,
  Opcode.Xor,
  Opcode.Shl,
  Opcode.ShrS,
  Opcode.ShrU,
  Opcode.Rotl,
  Opcode.Rotr,
  Opcode.Eq,
  Opcode.Ne,
  Opcode.LtS,
  Opcode.LtU,
  Opcode.GtS,
  Opcode.GtU,
  Opcode.LeS,
  Opcode.LeU,
  Opcode.GeS,
  Opcode.GeU,
];
const DIVISIONS = [Opcode.DivS, Opcode.DivU, Opcode.RemS, Opcode.RemU];

describe.each([
  ["i32", I32],
  ["i64", I64],
] as const)("%s", (_name, type) => {
  test("operations of two registers", () => {
    const functions = BINARY.map((op, index) => binary(index, op, type));
    compare(
      functions,
      () => pairs(type),
      (fn, operands) => evaluate(Number(fn.name.slice(2)) as Opcode, type, operands)!,
    );
  });

  test("operations with constants", () => {
    const functions = BINARY.flatMap((op) => boundaries(type).map((right) => ({ op, right }))).map(
      ({ op, right }, index) => binary(index, op, type, right),
    );
    const rightOf = (fn: IrFunction): bigint => BigInt(fn.name.split("_")[1]!);
    compare(
      functions,
      () => boundaries(type).map((left) => [left, 0n]),
      (fn, [left]) =>
        evaluate(Number(/\d+/.exec(fn.name)![0]) as Opcode, type, [left!, rightOf(fn)])!,
    );
  });

  test("branches on a bit whose number varies", () => {
    const one = (f: SampleFunction): Value => f.constant(type, 1n);
    const bits: readonly ((f: SampleFunction, x: Value, n: Value) => Value)[] = [
      (f, x, n) => f.op(Opcode.And, type, f.op(Opcode.ShrU, type, x, n), one(f)),
      (f, x, n) => f.op(Opcode.And, type, f.op(Opcode.ShrS, type, x, n), one(f)),
      (f, x, n) => f.op(Opcode.And, type, x, f.op(Opcode.Shl, type, one(f), n)),
      (f, x, n) => f.op(Opcode.And, type, f.op(Opcode.Shl, type, one(f), n), x),
    ];
    const tests: readonly ((f: SampleFunction, bit: Value) => Value)[] = [
      (f, bit) => f.op(Opcode.Eqz, type, bit),
      (f, bit) => f.op(Opcode.Eq, type, bit, f.constant(type, 0n)),
      (f, bit) => f.op(Opcode.Eqz, I32, f.op(Opcode.Ne, type, bit, f.constant(type, 0n))),
    ];
    const functions = bits.flatMap((bit, b) =>
      tests.map((isClear, t) => {
        const f = new SampleFunction([type, type], [I32], `bit${b}_${t}`, b * tests.length + t);
        const [clear, set] = [f.newBlock(), f.newBlock()];
        f.branch(isClear(f, bit(f, f.parameter(0), f.parameter(1))), clear, set);
        f.block = set;
        f.return(f.i32(1));
        f.block = clear;
        return f.return(f.i32(0));
      }),
    );
    for (const fn of functions)
      expect(assemblyOf(fn).some((line) => line.startsWith("bt "))).toBe(true);
    compare(
      functions,
      () => pairs(type),
      (_fn, [x, n]) => (x! >> (n! % BigInt(BITS[type]))) & 1n,
    );
  });

  test.each(levelsHere())("operations of one register, with what x86-64-v%i has", (level) => {
    const operations = [
      Opcode.Eqz,
      Opcode.Clz,
      Opcode.Ctz,
      Opcode.Popcnt,
      Opcode.Extend8S,
      Opcode.Extend16S,
      ...(type === I64 ? [Opcode.Extend32S, Opcode.Wrap] : [Opcode.ExtendS, Opcode.ExtendU]),
    ];
    const functions = operations.map((op, index) => {
      const f = new SampleFunction([type], [resultType(op, type)], `op${op}`, index);
      const isExtension = op === Opcode.ExtendS || op === Opcode.ExtendU;
      return f.return(
        f.op(op, isExtension ? I64 : op === Opcode.Wrap ? I32 : type, f.parameter(0)),
      );
    });
    compare(
      functions,
      () => boundaries(type).map((value) => [value]),
      (fn, operands) => {
        const op = Number(fn.name.slice(2)) as Opcode;
        const column =
          op === Opcode.ExtendS || op === Opcode.ExtendU ? I64 : op === Opcode.Wrap ? I32 : type;
        return evaluate(op, column, operands)!;
      },
      { level },
    );
  });

  const divided = (op: Opcode, left: bigint, right: bigint): bigint | FaultKind => {
    const result = evaluateDivision(op, type, left, right);
    return result === "zero"
      ? FaultKind.DivideByZero
      : result === "overflow"
        ? FaultKind.DivideOverflow
        : result;
  };

  test("divisions trap exactly where they must", () => {
    const functions = DIVISIONS.map((op, index) => binary(index, op, type));
    compare(
      functions,
      () => pairs(type),
      (fn, [left, right]) => divided(Number(fn.name.slice(2)) as Opcode, left!, right!),
    );
  });

  test("divisions by constants", () => {
    const divisors = [
      ...boundaries(type).filter((value) => value !== 0n),
      5n,
      6n,
      9n,
      10n,
      11n,
      12n,
      25n,
      60n,
      100n,
      125n,
      625n,
      641n,
      1000n,
      1_000_000n,
      1_000_000_007n,
    ];
    const functions = [...new Set(divisors)]
      .flatMap((right) => DIVISIONS.map((op) => ({ op, right })))
      .map(({ op, right }, index) => binary(index, op, type, right));
    const rightOf = (fn: IrFunction): bigint => BigInt(fn.name.split("_")[1]!);
    const dividends = (fn: IrFunction): bigint[][] => {
      const divisor = rightOf(fn);
      const near = [
        1n,
        2n,
        1000n,
        (1n << BigInt(BITS[type] - 1)) / divisor,
        (1n << BigInt(BITS[type])) / divisor,
      ].flatMap((factor) => [-1n, 0n, 1n].map((step) => factor * divisor + step));
      return [...boundaries(type), ...near, ...near.map((value) => -value)].map((value) => [
        BigInt.asUintN(BITS[type], value),
        0n,
      ]);
    };
    compare(functions, dividends, (fn, [left]) =>
      divided(Number(/\d+/.exec(fn.name)![0]) as Opcode, left!, rightOf(fn)),
    );
  });

  test("select", () => {
    const f = new SampleFunction([type, type], [type], "smaller");
    const [a, b] = [f.parameter(0), f.parameter(1)];
    const fn = f.return(f.op(Opcode.Select, type, f.op(Opcode.LtS, type, a, b), a, b));
    const signed = (value: bigint): bigint => BigInt.asIntN(BITS[type], value);
    compare(
      [fn],
      () => pairs(type),
      (_fn, [left, right]) => (signed(left!) < signed(right!) ? left! : right!),
    );
  });
});

test("the high half of a product", () => {
  const f = new SampleFunction([I64, I64], [I64], "high");
  compare(
    [f.return(f.op(Opcode.MulHighU, I64, f.parameter(0), f.parameter(1)))],
    () => pairs(I64),
    (_fn, [a, b]) => (a! * b!) >> 64n,
  );
});

// Shifts by zero are the case in which a machine might leave the upper half alone.
test("a shift by zero of a wrapped value leaves the upper half clear", () => {
  const functions = [Opcode.Shl, Opcode.ShrS, Opcode.ShrU, Opcode.Rotl, Opcode.Rotr].map(
    (op, index) => {
      const f = new SampleFunction([I64, I32], [I64], `op${op}`, index);
      return f.return(
        f.op(
          Opcode.ExtendU,
          I64,
          f.op(op, I32, f.op(Opcode.Wrap, I32, f.parameter(0)), f.parameter(1)),
        ),
      );
    },
  );
  compare(
    functions,
    () => [
      [0xdead_beef_8000_0001n, 0n],
      [0xdead_beef_8000_0001n, 32n],
    ],
    () => 0x8000_0001n,
  );
});

describe("calls", () => {
  test("twelve arguments arrive, from registers and from the stack, across calls and spills", () => {
    const types = Array.from({ length: 12 }, (_, i) => (i % 2 === 0 ? I32 : I64));
    const callee = new SampleFunction(types, [I64], "callee", 0);
    let sum: Value = callee.i64(0n);
    types.forEach((type, i) => {
      const value =
        type === I32 ? callee.op(Opcode.ExtendU, I64, callee.parameter(i)) : callee.parameter(i);
      sum = callee.op(Opcode.Add, I64, callee.op(Opcode.Mul, I64, sum, callee.i64(31n)), value);
    });
    const caller = new SampleFunction(types, [I64], "caller", 1);
    const given = types.map((_, i) => caller.parameter(i));
    const first = caller.fn.result(caller.instruction(Opcode.Call, Type.None, given, [I64], 0));
    // The same types in another order: each argument comes from the last parameter of its type that
    // is not behind its mirror image.
    const order = types.map((type, i) => {
      const other = types.findLastIndex((candidate, k) => candidate === type && k <= 11 - i);
      return other < 0 ? i : other;
    });
    const turned = order.map((k) => given[k]!);
    const second = caller.fn.result(caller.instruction(Opcode.Call, Type.None, turned, [I64], 0));
    const reference = (values: readonly bigint[]): bigint =>
      values.reduce((total, value) => BigInt.asUintN(64, total * 31n + value), 0n);
    const functions = [
      callee.return(sum),
      caller.return(caller.op(Opcode.Sub, I64, first, second)),
    ];
    const operands = types.map(
      (type, i) => (type === I32 ? 0xffff_fff0n : -1n & 0xffff_ffff_ffff_ff00n) + BigInt(i),
    );
    compare(
      functions,
      () => [operands],
      (fn, values) => {
        const straight = reference(values);
        return fn.name === "callee"
          ? straight
          : BigInt.asUintN(64, straight - reference(order.map((k) => values[k]!)));
      },
    );
  });

  test("two results", () => {
    const pair = new SampleFunction([I32, I32], [I32, I32], "pair", 0);
    const swap = new SampleFunction([I32, I32], [I32], "difference", 1);
    const call = swap.instruction(
      Opcode.Call,
      Type.None,
      [swap.parameter(0), swap.parameter(1)],
      [I32, I32],
      0,
    );
    const functions = [
      pair.return(pair.parameter(1), pair.parameter(0)),
      swap.return(swap.op(Opcode.Sub, I32, swap.fn.result(call, 0), swap.fn.result(call, 1))),
    ];
    compare(
      functions,
      () => [[5n, 12n]],
      (fn) => (fn.name === "pair" ? 12n : 7n),
    );
  });

  test("through a table: bound, signature, null", () => {
    const one = new SampleFunction([I32], [I32], "one", 0);
    const other = new SampleFunction([I64], [I32], "other", 1);
    const through = new SampleFunction([I32, I32], [I32], "through", 2);
    const call = through.instruction(
      Opcode.CallIndirect,
      Type.None,
      [through.parameter(0), through.parameter(1)],
      [I32],
      1,
      0,
    );
    const functions = [
      one.return(one.op(Opcode.Add, I32, one.parameter(0), one.i32(1))),
      other.return(other.i32(0)),
      through.return(through.fn.result(call)),
    ];
    const tables = [
      {
        name: "table",
        minimum: 4,
        maximum: 4,
        constant: true,
        entries: [-1, 0, 1, 0],
        onlySignature: -1,
      },
    ];
    const expected = [
      FaultKind.IndirectCallNull,
      42n,
      FaultKind.IndirectCallSignature,
      42n,
      FaultKind.IndirectCallBound,
    ];
    compare(
      functions,
      (fn) =>
        fn.name === "through"
          ? [0n, 1n, 2n, 3n, 4n, 0xffff_ffffn].map((index) => [41n, index])
          : [],
      (_fn, [, index]) => expected[Number(index)] ?? FaultKind.IndirectCallBound,
      { tables },
    );
  });
});

describe("control", () => {
  test("a switch takes the edge of its index and the last one beyond", () => {
    const f = new SampleFunction([I32], [I32], "switch");
    const blocks = Array.from({ length: 6 }, () => f.newBlock());
    f.switch(f.parameter(0), ...blocks);
    blocks.forEach((block, i) => {
      f.block = block;
      f.return(f.i32(100 + i));
    });
    compare(
      [f.fn],
      () => [0n, 1n, 4n, 5n, 6n, 0x8000_0000n, 0xffff_ffffn].map((value) => [value]),
      (_fn, [index]) => 100n + (index! < 5n ? index! : 5n),
    );
  });

  test("values rotate through a loop's parameters", () => {
    const f = new SampleFunction([I32, I64, I64, I64], [I64], "rotate");
    const [loop, body, done] = [f.newBlock(1, I32, I64, I64, I64), f.newBlock(1), f.newBlock()];
    f.jump(loop, ...[0, 1, 2, 3].map((i) => f.parameter(i)));
    f.block = loop;
    const [count, a, b, c] = f.parametersOf(loop) as [Value, Value, Value, Value];
    f.branch(count, body, done);
    f.block = body;
    f.jump(loop, f.op(Opcode.Sub, I32, count, f.i32(1)), b, c, a);
    f.block = done;
    compare(
      [f.return(a)],
      () => [0n, 1n, 2n, 3n, 100n].map((count) => [count, 10n, 20n, 30n]),
      (_fn, [count]) => [10n, 20n, 30n][Number(count) % 3]!,
    );
  });

  test("a function whose entry is a loop's head", () => {
    const f = new SampleFunction([I32, I32], [I32], "sum");
    const entry = f.block;
    const [body, done] = [f.newBlock(1), f.newBlock()];
    f.fn.loopDepths[entry] = 1;
    f.branch(f.parameter(0), body, done);
    f.block = body;
    f.jump(
      entry,
      f.op(Opcode.Sub, I32, f.parameter(0), f.i32(1)),
      f.op(Opcode.Add, I32, f.parameter(1), f.parameter(0)),
    );
    f.block = done;
    compare(
      [f.return(f.parameter(1))],
      () => [
        [0n, 5n],
        [10n, 0n],
      ],
      (_fn, [count, start]) => start! + (count! * (count! + 1n)) / 2n,
    );
  });
});

describe("memory", () => {
  const page = 65_536;
  const memory = { initialPages: 3, maximumPages: 16, lowPagesUsed: false };

  /**
   * Fills bytes 0 … 63 behind `base` with their numbers, copies, and gives the eight bytes at
   * `look`.
   */
  const copier = (): IrFunction => {
    const f = new SampleFunction([I32, I32, I32, I32], [I64], "copy");
    for (let i = 0; i < 64; i += 8) {
      const bytes = Array.from({ length: 8 }, (_, k) => BigInt(i + k) << BigInt(8 * k)).reduce(
        (a, b) => a | b,
        0n,
      );
      f.store(Opcode.Store64, I64, f.i32(page + i), f.i64(bytes));
    }
    f.instruction(
      Opcode.MemoryCopy,
      Type.None,
      [f.parameter(0), f.parameter(1), f.parameter(2)],
      [],
    );
    return f.return(f.load(Opcode.Load64, I64, f.parameter(3)));
  };

  test("copies that overlap either way, of any length", () => {
    const reference = (to: number, from: number, count: number, look: number): bigint => {
      const bytes = Uint8Array.from({ length: 256 }, (_, i) => (i < 64 ? i : 0));
      bytes.copyWithin(to, from, from + count);
      return Array.from({ length: 8 }, (_, k) => BigInt(bytes[look + k]!) << BigInt(8 * k)).reduce(
        (a, b) => a | b,
        0n,
      );
    };
    const cases: bigint[][] = [];
    for (const [to, from] of [
      [0, 1],
      [1, 0],
      [3, 0],
      [0, 3],
      [8, 0],
      [20, 0],
      [0, 20],
      [64, 0],
      [7, 7],
    ] as const) {
      for (const count of [0, 1, 2, 7, 8, 9, 15, 16, 17, 40]) {
        for (const look of [0, 8, 24, 60])
          cases.push(
            [to, from, count, look].map((value, i) => BigInt(i === 2 ? value : page + value)),
          );
      }
    }
    // The bytes behind the 64 are those of earlier calls, so that each call looks only at what it
    // wrote itself.
    const own = cases.filter(
      ([to, , count, look]) =>
        look! + 8n <= BigInt(page + 64) || (to! <= look! && look! + 8n <= to! + count!),
    );
    compare(
      [copier()],
      () => own,
      (_fn, [to, from, count, look]) =>
        reference(Number(to) - page, Number(from) - page, Number(count), Number(look) - page),
      { memory },
    );
  });

  test("copies and fills check both ranges first, to the byte", () => {
    const end = BigInt(3 * page);
    const fill = new SampleFunction([I32, I32, I32], [I32], "fill", 1);
    fill.instruction(
      Opcode.MemoryFill,
      Type.None,
      [fill.parameter(0), fill.parameter(1), fill.parameter(2)],
      [],
    );
    const functions = [copier(), fill.return(fill.load(Opcode.Load8U, I32, fill.i32(2 * page)))];
    const start = BigInt(page);
    const cases = (fn: IrFunction): bigint[][] =>
      fn.name === "fill"
        ? [
            [end, 1n, 0n],
            [end + 1n, 1n, 0n],
            [end - 8n, 1n, 8n],
            [end - 8n, 1n, 9n],
            [start, 1n, 0xffff_ffffn],
            [0xffff_ffffn, 1n, 2n],
            [BigInt(2 * page), 0x1abn, 5n],
          ]
        : [
            [end, start, 0n, start],
            [end + 1n, start, 0n, start],
            [start, end + 1n, 0n, start],
            [end - 4n, start, 4n, start],
            [end - 4n, start, 5n, start],
            [start, end - 4n, 5n, start],
            [start, 0xffff_ffffn, 2n, start],
          ];
    compare(
      functions,
      cases,
      (fn, operands) => {
        const count = operands[2]!;
        const ranges = fn.name === "fill" ? [operands[0]!] : [operands[0]!, operands[1]!];
        if (ranges.some((from) => from + count > end)) return FaultKind.OutOfBounds;
        if (fn.name === "fill") return operands[0] === BigInt(2 * page) ? 0xabn : 0n;
        return 0x0706050403020100n;
      },
      { memory },
    );
  });

  test("few bytes are copied and filled by loads and stores, and none where not all fit", () => {
    const lengths = [1, 2, 3, 7, 8, 15, 31, 32];
    const functions = lengths.flatMap((count, index) => {
      const copy = new SampleFunction([I32, I32], [I64], `copy_${count}`, 2 * index);
      copy.instruction(
        Opcode.MemoryFill,
        Type.None,
        [copy.i32(page), copy.i32(0x5a), copy.i32(64)],
        [],
      );
      copy.instruction(
        Opcode.MemoryCopy,
        Type.None,
        [copy.parameter(0), copy.parameter(1), copy.i32(count)],
        [],
      );
      const fill = new SampleFunction([I32, I32], [I64], `fill_${count}`, 2 * index + 1);
      fill.instruction(
        Opcode.MemoryFill,
        Type.None,
        [fill.i32(page), fill.i32(0), fill.i32(64)],
        [],
      );
      fill.instruction(
        Opcode.MemoryFill,
        Type.None,
        [fill.parameter(0), fill.i32(0xa7), fill.i32(count)],
        [],
      );
      return [
        copy.return(copy.load(Opcode.Load64, I64, copy.i32(page))),
        fill.return(fill.load(Opcode.Load64, I64, fill.i32(page + 24))),
      ];
    });
    const end = 3 * page;
    const cases = (fn: IrFunction): bigint[][] => {
      const count = Number(fn.name.slice(5));
      return [
        [page, page + 1],
        [page, 2 * page],
        [end - count, page],
        [end - count + 1, page],
        [page, end - count + 1],
        [page + 25, page],
      ].map((pair) => pair.map(BigInt));
    };
    compare(
      functions,
      cases,
      (fn, [to, from]) => {
        const count = Number(fn.name.slice(5));
        const isFill = fn.name.startsWith("fill");
        if (Number(to) + count > end || (!isFill && Number(from) + count > end))
          return FaultKind.OutOfBounds;
        const bytes = new Uint8Array(end).fill(isFill ? 0 : 0x5a, page, page + 64);
        if (isFill) bytes.fill(0xa7, Number(to), Number(to) + count);
        else bytes.copyWithin(Number(to), Number(from), Number(from) + count);
        return new DataView(bytes.buffer).getBigUint64(isFill ? page + 24 : page, true);
      },
      { memory },
    );
  });

  test("a copy or fill of few bytes that does not fit has written nothing", () => {
    const end = 3 * page;
    const counts = [1, 3, 8, 15, 31, 32];
    const look = new SampleFunction([I32], [I64], "look");
    const functions = [
      look.return(look.load(Opcode.Load64, I64, look.parameter(0))),
      ...counts.flatMap((count, index) => {
        const fill = new SampleFunction([I32], [], `fill_${count}`, 2 * index + 1);
        fill.instruction(
          Opcode.MemoryFill,
          Type.None,
          [fill.parameter(0), fill.i32(0xa7), fill.i32(count)],
          [],
        );
        const copy = new SampleFunction([I32], [], `copy_${count}`, 2 * index + 2);
        copy.instruction(
          Opcode.MemoryFill,
          Type.None,
          [copy.i32(page), copy.i32(0x5a), copy.i32(64)],
          [],
        );
        copy.instruction(
          Opcode.MemoryCopy,
          Type.None,
          [copy.parameter(0), copy.i32(page), copy.i32(count)],
          [],
        );
        return [fill.return(), copy.return()];
      }),
    ];
    const looks = [8, 16, 24, 32].map((back) => ({ name: "look", operands: [BigInt(end - back)] }));
    const calls = counts
      .flatMap((count) =>
        ["fill", "copy"].flatMap((name) =>
          Array.from({ length: count }, (_, at) => [
            { name: `${name}_${count}`, operands: [BigInt(end - at)] },
            ...looks,
          ]),
        ),
      )
      .flat();
    const answers = runSample(functions, calls, { memory });
    const wrong = calls.filter(({ name }, index) => {
      const { trap, results } = answers[index]!;
      return name === "look" ? results[0] !== 0n : trap !== FaultKind.OutOfBounds;
    });
    expect(wrong).toEqual([]);
  });

  test("an offset beyond 2 GiB is added without wrapping", () => {
    const f = new SampleFunction([I32], [I32], "far");
    const fn = f.return(f.load(Opcode.Load32U, I32, f.parameter(0), 0xffff_0000 | 0));
    compare(
      [fn],
      () => [[0n], [0x2_0000n], [0x3_0000n], [0xffff_ffffn]],
      () => FaultKind.OutOfBounds,
      { memory },
    );
  });
});

describe("allocation", () => {
  test("more values than registers", () => {
    const f = new SampleFunction([I64], [I64], "many");
    const values = Array.from({ length: 40 }, (_, i) =>
      f.op(Opcode.Mul, I64, f.parameter(0), f.i64(BigInt(2 * i + 3))),
    );
    let sum = f.i64(0n);
    for (const value of [...values, ...values.toReversed()])
      sum = f.op(Opcode.Xor, I64, f.op(Opcode.Rotl, I64, sum, f.i64(5n)), value);
    compare(
      [f.return(sum)],
      () => boundaries(I64).map((value) => [value]),
      (_fn, [x]) => {
        const products = Array.from({ length: 40 }, (_, i) =>
          BigInt.asUintN(64, x! * BigInt(2 * i + 3)),
        );
        return [...products, ...products.toReversed()].reduce(
          (total, value) => evaluate(Opcode.Rotl, I64, [total, 5n])! ^ value,
          0n,
        );
      },
    );
  });

  test("a frame that could jump over the guard touches every page on the way", () => {
    const f = new SampleFunction([I64], [I64], "large");
    const values = [f.parameter(0)];
    for (let i = 1; i < 5000; i++)
      values.push(f.op(Opcode.Mul, I64, values[i - 1]!, f.parameter(0)));
    let sum = f.i64(0n);
    for (const value of values.toReversed())
      sum = f.op(Opcode.Xor, I64, f.op(Opcode.Rotl, I64, sum, f.i64(5n)), value);
    const fn = f.return(sum);
    expect(
      assemblyOf(fn).filter((line) => line === "or dword [rsp],0").length,
    ).toBeGreaterThanOrEqual(8);
    const powers = [3n];
    for (let i = 1; i < 5000; i++) powers.push(BigInt.asUintN(64, powers[i - 1]! * 3n));
    compare(
      [fn],
      () => [[3n]],
      () =>
        powers
          .reverse()
          .reduce((total, value) => evaluate(Opcode.Rotl, I64, [total, 5n])! ^ value, 0n),
    );
  });

  test("the inner loop of a matrix product holds everything in registers", () => {
    // for i, j: c[i][j] = sum over k of a[i][k] * b[k][j], with 16 more values alive around the
    // loops, so that something must be spilled.
    const f = new SampleFunction([I32, I32, I32, I32], [I32], "product");
    const [a, b, c, n] = [0, 1, 2, 3].map((i) => f.parameter(i)) as [Value, Value, Value, Value];
    const around = Array.from({ length: 16 }, (_, i) => f.load(Opcode.Load32U, I32, a, 4 * i));
    const rows = f.newBlock(1, I32);
    const columns = f.newBlock(2, I32);
    const inner = f.newBlock(3, I32, I32);
    const [innerEnd, columnsEnd, rowsEnd, done] = [
      f.newBlock(3),
      f.newBlock(2),
      f.newBlock(1),
      f.newBlock(),
    ];
    const [innerDone, columnsDone] = [f.newBlock(2), f.newBlock(1)];
    const at = (base: Value, row: Value, column: Value): Value =>
      f.op(
        Opcode.Add,
        I32,
        base,
        f.op(
          Opcode.Shl,
          I32,
          f.op(Opcode.Add, I32, f.op(Opcode.Mul, I32, row, n), column),
          f.i32(2),
        ),
      );
    f.jump(rows, f.i32(0));
    f.block = rows;
    const i = f.parametersOf(rows)[0]!;
    f.jump(columns, f.i32(0));
    f.block = columns;
    const j = f.parametersOf(columns)[0]!;
    f.jump(inner, f.i32(0), f.i32(0));
    f.block = inner;
    const [k, sum] = f.parametersOf(inner) as [Value, Value];
    const left = f.load(Opcode.Load32U, I32, at(a, i, k));
    const right = f.load(Opcode.Load32U, I32, at(b, k, j));
    const nextSum = f.op(Opcode.Add, I32, sum, f.op(Opcode.Mul, I32, left, right));
    const nextK = f.op(Opcode.Add, I32, k, f.i32(1));
    f.branch(f.op(Opcode.LtU, I32, nextK, n), innerEnd, innerDone);
    f.block = innerEnd;
    f.jump(inner, nextK, nextSum);
    f.block = innerDone;
    f.store(Opcode.Store32, I32, at(c, i, j), nextSum);
    const nextJ = f.op(Opcode.Add, I32, j, f.i32(1));
    f.branch(f.op(Opcode.LtU, I32, nextJ, n), columnsEnd, columnsDone);
    f.block = columnsEnd;
    f.jump(columns, nextJ);
    f.block = columnsDone;
    const nextI = f.op(Opcode.Add, I32, i, f.i32(1));
    f.branch(f.op(Opcode.LtU, I32, nextI, n), rowsEnd, done);
    f.block = rowsEnd;
    f.jump(rows, nextI);
    f.block = done;
    const total = around.reduce((left, right) => f.op(Opcode.Xor, I32, left, right));
    const fn = f.return(total);
    fn.blockOrder = [
      0,
      rows,
      columns,
      inner,
      innerEnd,
      innerDone,
      columnsEnd,
      columnsDone,
      rowsEnd,
      done,
    ] as Block[];

    const code = assemblyOf(
      fn,
      moduleOf("linux", [fn], {
        memory: { initialPages: 3, maximumPages: 16, lowPagesUsed: false },
      }),
    );
    // The inner loop is what stands around the only two loads of a scaled element that are
    // multiplied.
    const multiply = code.findIndex(
      (line, index) =>
        line.startsWith("imul") &&
        code.slice(index, index + 8).some((later) => /^j/.test(later)) &&
        line.includes("["),
    );
    expect(multiply).toBeGreaterThan(0);
    const start = code
      .slice(0, multiply)
      .findLastIndex((line) => /^j|^xor (e..|r\d+d),\1$/.test(line));
    const end = multiply + code.slice(multiply).findIndex((line) => /^j/.test(line));
    expect(code.slice(start + 1, end + 1).filter((line) => line.includes("rsp"))).toEqual([]);
    expect(code.some((line) => line.includes("[rsp"))).toBe(true);
  });
});
