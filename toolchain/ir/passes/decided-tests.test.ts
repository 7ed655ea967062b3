import { describe, expect, test } from "vitest";
import { moduleOf, SampleFunction } from "../../../tests/support/sample-function.ts";
import type { Block, IrFunction, Value } from "../function.ts";
import { Interpreter } from "../interpret.ts";
import { Opcode, Type } from "../opcode.ts";
import { verifyFunction } from "../verify.ts";
import { passDecidedTests } from "./decided-tests.ts";

const { I32 } = Type;

interface Shape {
  /** What the way with nothing brings, given the condition. */
  readonly nothing?: (f: SampleFunction) => Value;
  /** The value of the way that found something is chosen by a Select as well. */
  readonly isChosen?: boolean;
  /** Ends the block for "nothing was found". */
  readonly refuse?: (f: SampleFunction, found: Value, behind: Block) => void;
}

/**
 * (i32, i32) -> i32, as where a search that may find nothing (0) was inlined and its caller tests
 * for 0: where the first parameter is not zero, the second is what was found.
 */
function search({ nothing = (f) => f.i32(0), isChosen = false, refuse }: Shape = {}): IrFunction {
  const f = new SampleFunction([I32, I32], [I32]);
  const [none, some] = [f.newBlock(), f.newBlock()];
  const test = f.newBlock(0, I32);
  const [found, refused, behind] = [f.newBlock(), f.newBlock(), f.newBlock()];
  f.branch(f.parameter(0), some, none);
  f.block = none;
  f.jump(test, nothing(f));
  f.block = some;
  const isOdd = f.op(Opcode.And, I32, f.parameter(0), f.i32(1));
  f.jump(
    test,
    isChosen ? f.op(Opcode.Select, I32, isOdd, f.parameter(1), f.i32(0)) : f.parameter(1),
  );
  f.block = test;
  const [value] = f.parametersOf(test) as [Value];
  f.branch(value, found, refused);
  f.block = refused;
  if (refuse === undefined) f.return(f.i32(-1));
  else refuse(f, value, behind);
  f.block = found;
  f.jump(behind);
  f.block = behind;
  return f.return(refuse === undefined ? f.op(Opcode.Add, I32, value, f.i32(7)) : f.i32(3));
}

const results = (fn: IrFunction): bigint[] => {
  const interpreter = new Interpreter(moduleOf("domain", [fn]));
  const values = [0n, 1n, 2n, 5n];
  return values.flatMap((a) => values.flatMap((b) => interpreter.call("sample", [a, b])));
};

/** Whether the pass changed the function; its meaning must be the same. */
function passes(fn: IrFunction): boolean {
  const before = results(fn);
  const changed = passDecidedTests(fn);
  expect(verifyFunction(fn, { scheduled: false })).toEqual([]);
  expect(results(fn)).toEqual(before);
  return changed;
}
/** Edges into the block that tests. */
const waysToTest = (fn: IrFunction): number =>
  fn.blockEdges.flat().filter(({ target }) => fn.blockParameters[target]!.length === 1).length;

describe("an edge passes the test", () => {
  test("that the constant it brings decides, though the value is used behind", () => {
    const fn = search();
    expect(passes(fn)).toBe(true);
    expect(waysToTest(fn)).toBe(1);
  });

  test("for the arm of a Select that is constant", () => {
    const fn = search({ isChosen: true });
    expect(passes(fn)).toBe(true);
    expect(waysToTest(fn)).toBe(1);
  });

  test("with the values that go on from there", () => {
    const f = new SampleFunction([I32, I32], [I32]);
    const [none, some] = [f.newBlock(), f.newBlock()];
    const test = f.newBlock(0, I32, I32);
    const found = f.newBlock();
    const end = f.newBlock(0, I32);
    const [zero, nine] = [f.i32(0), f.i32(9)];
    f.branch(f.parameter(0), some, none);
    f.block = none;
    f.jump(test, zero, nine);
    f.block = some;
    f.jump(test, f.parameter(1), f.parameter(0));
    f.block = test;
    const [value, other] = f.parametersOf(test) as [Value, Value];
    f.branch(value, found, end);
    f.fn.blockEdges[test]![1]!.args.push(other);
    f.block = found;
    f.jump(end, f.op(Opcode.Add, I32, value, other));
    f.block = end;
    const fn = f.return(f.parametersOf(end)[0]!);
    expect(passes(fn)).toBe(true);
    expect(fn.blockEdges[none]![0]).toEqual({ target: end, args: [nine] });
  });
});

describe("no edge passes the test", () => {
  test("where no edge decides it", () => {
    expect(passes(search({ nothing: (f) => f.parameter(1) }))).toBe(false);
  });
  test("where the other side uses the value too", () => {
    expect(passes(search({ refuse: (f, value) => void f.return(value) }))).toBe(false);
    expect(
      passes(
        search({ refuse: (f, value) => void f.return(f.op(Opcode.Xor, I32, value, f.i32(1))) }),
      ),
    ).toBe(false);
  });
  test("where the value is used at a place that both sides reach", () => {
    const fn = search({ refuse: (f, _value, behind) => f.jump(behind) });
    const end = fn.blockInstructions.at(-1)!.at(-1)!;
    const test = fn.blockParameters.findIndex((list, block) => block > 0 && list.length > 0);
    fn.setOperand(end, 0, fn.blockParameters[test]![0]!);
    expect(verifyFunction(fn, { scheduled: false })).toEqual([]);
    expect(passes(fn)).toBe(false);
  });
  test("where the test does more than test", () => {
    const fn = search();
    const test = fn.blockParameters.findIndex((list, block) => block > 0 && list.length > 0);
    const effect = fn.newInstruction(Opcode.MemorySize, I32, [], [I32]);
    fn.blockInstructions[test]!.unshift(effect);
    expect(passes(fn)).toBe(false);
  });
  test("where the test is a loop's header", () => {
    const f = new SampleFunction([I32, I32], [I32]);
    const header = f.newBlock(1, I32);
    const [body, end] = [f.newBlock(1), f.newBlock()];
    f.jump(header, f.i32(0));
    f.block = header;
    const [count] = f.parametersOf(header) as [Value];
    f.branch(count, end, body);
    f.block = body;
    f.jump(header, f.i32(1));
    f.block = end;
    expect(passes(f.return(count))).toBe(false);
  });
});
