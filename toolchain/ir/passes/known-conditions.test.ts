import { describe, expect, test } from "vitest";
import { moduleOf, SampleFunction } from "../../../tests/support/sample-function.ts";
import { reversePostorder } from "../control-flow.ts";
import type { IrFunction, Value } from "../function.ts";
import { Interpreter } from "../interpret.ts";
import { Opcode, Type } from "../opcode.ts";
import { verifyFunction } from "../verify.ts";
import { simplifyControl } from "./control.ts";
import { useKnownConditions } from "./known-conditions.ts";
import { schedule } from "./schedule.ts";

const { I32 } = Type;
type Condition = (f: SampleFunction) => Value;

/** (i32, i32) -> i32: two tests after one another, the second behind one side of the first. */
function twice(first: Condition, second: Condition, side: "taken" | "otherwise"): IrFunction {
  const f = new SampleFunction([I32, I32], [I32]);
  const [again, away, yes, no] = [f.newBlock(), f.newBlock(), f.newBlock(), f.newBlock()];
  const work = f.newBlock();
  const condition = first(f);
  if (side === "taken") f.branch(condition, again, away);
  else f.branch(condition, away, again);
  f.block = again;
  f.store(Opcode.Store32, I32, f.i32(64), f.parameter(0));
  f.jump(work);
  f.block = work;
  f.branch(second(f), yes, no);
  for (const [index, block] of [away, yes, no].entries()) {
    f.block = block;
    f.return(f.i32(index));
  }
  return f.fn;
}

const results = (fn: IrFunction): bigint[] => {
  const interpreter = new Interpreter(moduleOf("domain", [fn]));
  const values = [0n, 1n, 2n, 7n, 0xffff_ffffn];
  return values.flatMap((a) => values.flatMap((b) => interpreter.call("sample", [a, b])));
};

/** Branches before and after the pass; the function's meaning must be the same. */
function branches(fn: IrFunction): [number, number] {
  const count = () =>
    reversePostorder(fn).filter(
      (block) => fn.opcode(fn.blockInstructions[block]!.at(-1)!) === Opcode.Branch,
    ).length;
  const [before, meaning] = [count(), results(fn)];
  useKnownConditions(fn);
  expect(verifyFunction(fn, { scheduled: false })).toEqual([]);
  simplifyControl(fn);
  // The interpreter wants a place for each constant.
  schedule(fn);
  expect(verifyFunction(fn, { scheduled: false })).toEqual([]);
  expect(results(fn)).toEqual(meaning);
  return [before, count()];
}

const parameter: Condition = (f) => f.parameter(0);
const isZero: Condition = (f) => f.op(Opcode.Eqz, I32, f.parameter(0));
const compare =
  (op: Opcode, left = 0, right = 1): Condition =>
  (f) =>
    f.op(op, I32, f.parameter(left), f.parameter(right));

describe.each(["taken", "otherwise"] as const)("behind the side %s", (side) => {
  test.each([
    ["a value and itself", parameter, parameter],
    ["a value and its zero", parameter, isZero],
    ["a zero and its value", isZero, parameter],
    ["== and !=", compare(Opcode.Eq), compare(Opcode.Ne)],
    ["< and >=", compare(Opcode.LtU), compare(Opcode.GeU)],
    ["<= and >, signed", compare(Opcode.LeS), compare(Opcode.GtS)],
  ])("%s: the second test is gone", (_text, first, second) => {
    const shared = new Map<SampleFunction, Value>();
    // The same comparison is one value, as merging makes it.
    const one: Condition = (f) => {
      if (!shared.has(f)) shared.set(f, first(f));
      return shared.get(f)!;
    };
    expect(branches(twice(one, first === second ? one : second, side))).toEqual([2, 1]);
  });

  test.each([
    ["another value", parameter, (f: SampleFunction) => f.parameter(1)],
    ["other operands", compare(Opcode.LtU), compare(Opcode.LtU, 1, 0)],
    ["another signedness", compare(Opcode.LtU), compare(Opcode.LtS)],
    ["!= and <", compare(Opcode.Ne), compare(Opcode.LtU)],
  ])("%s: both tests stay", (_text, first, second) => {
    expect(branches(twice(first, second, side))).toEqual([2, 2]);
  });
});

test("where the sides have met again, nothing is known", () => {
  const f = new SampleFunction([I32, I32], [I32]);
  const [left, right, met, yes, no] = Array.from({ length: 5 }, () => f.newBlock());
  f.branch(f.parameter(0), left!, right!);
  for (const block of [left!, right!]) {
    f.block = block;
    f.store(Opcode.Store32, I32, f.i32(64), f.i32(block));
    f.jump(met!);
  }
  f.block = met!;
  f.store(Opcode.Store32, I32, f.i32(68), f.parameter(1));
  f.branch(f.parameter(0), yes!, no!);
  f.block = yes!;
  f.return(f.i32(1));
  f.block = no!;
  expect(branches(f.return(f.i32(2)))).toEqual([2, 2]);
});

test("an edge passes a block that only tests what the edge knows", () => {
  const f = new SampleFunction([I32, I32], [I32]);
  const [second, test, yes, no, done] = Array.from({ length: 5 }, () => f.newBlock());
  const isLess = f.op(Opcode.LtU, I32, f.parameter(0), f.parameter(1));
  f.branch(isLess, second!, test!);
  f.block = second!;
  f.branch(f.parameter(1), done!, test!);
  f.block = test!;
  f.branch(isLess, yes!, no!);
  for (const [index, block] of [yes!, no!, done!].entries()) {
    f.block = block;
    f.return(f.i32(index));
  }
  expect(branches(f.fn)).toEqual([3, 2]);
});

test("a false condition on an edge is zero", () => {
  const f = new SampleFunction([I32, I32], [I32]);
  const [other, end] = [f.newBlock(), f.newBlock(0, I32)];
  f.branch(f.parameter(0), other, end);
  f.fn.blockEdges[0]![1]!.args.push(f.parameter(0));
  f.block = other;
  f.jump(end, f.parameter(0));
  f.block = end;
  const fn = f.return(f.parametersOf(end)[0]!);
  branches(fn);
  const zero = fn.blockEdges.flat().flatMap(({ args }) => args);
  expect(zero.some((value) => fn.opcode(fn.definition(value) as never) === Opcode.Const)).toBe(
    true,
  );
  expect(zero).toContain(fn.blockParameters[0]![0]);
});

test("a loop tests its condition each time", () => {
  const f = new SampleFunction([I32, I32], [I32]);
  const header = f.newBlock(1, I32);
  const [body, end] = [f.newBlock(1), f.newBlock()];
  f.jump(header, f.op(Opcode.And, I32, f.parameter(0), f.i32(7)));
  f.block = header;
  const [count] = f.parametersOf(header) as [Value];
  f.branch(count, body, end);
  f.block = body;
  f.store(Opcode.Store32, I32, f.i32(64), count);
  f.jump(header, f.op(Opcode.Sub, I32, count, f.i32(1)));
  f.block = end;
  expect(branches(f.return(f.load(Opcode.Load32U, I32, f.i32(64))))).toEqual([1, 1]);
});
