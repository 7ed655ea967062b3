import { expect, test } from "vitest";
import { moduleOf, SampleFunction } from "../../../tests/support/sample-function.ts";
import { reversePostorder } from "../control-flow.ts";
import type { Block, IrFunction } from "../function.ts";
import { Interpreter } from "../interpret.ts";
import { Opcode, Type } from "../opcode.ts";
import { verifyFunction } from "../verify.ts";
import { separateReturns } from "./returns.ts";

/**
 * (i32) -> i32: 0 gives 10, 1 and 2 give 20, and 3 and all else themselves; all by one return.
 * `works` lets the block of the return do something before.
 */
function sharedReturn(works = false): IrFunction {
  const f = new SampleFunction([Type.I32], [Type.I32]);
  const ways = Array.from({ length: 5 }, () => f.newBlock());
  const end = f.newBlock(0, Type.I32);
  const [ten, twenty] = [f.i32(10), f.i32(20)];
  f.switch(f.parameter(0), ...ways);
  for (const [index, value] of [ten, twenty, twenty, f.parameter(0), f.parameter(0)].entries()) {
    f.block = ways[index]!;
    f.jump(end, value);
  }
  f.block = end;
  const [result] = f.parametersOf(end);
  if (works) f.store(Opcode.Store32, Type.I32, f.i32(64), result!);
  return f.return(result!);
}

const blocksWithReturn = (fn: IrFunction): Block[] =>
  reversePostorder(fn).filter(
    (block) => fn.opcode(fn.blockInstructions[block]!.at(-1)!) === Opcode.Return,
  );

const results = (fn: IrFunction): bigint[] => {
  const interpreter = new Interpreter(moduleOf("domain", [fn]));
  return [0n, 1n, 2n, 3n, 7n].flatMap((argument) => interpreter.call("sample", [argument]));
};

test("each way to a constant gets a return, the others keep theirs, and all mean the same", () => {
  const fn = sharedReturn();
  const before = results(fn);
  expect(before).toEqual([10n, 20n, 20n, 3n, 7n]);
  separateReturns(fn);
  expect(verifyFunction(fn, { scheduled: false })).toEqual([]);
  expect(blocksWithReturn(fn)).toHaveLength(4);
  expect(results(fn)).toEqual(before);
});

test("a block that does more than return stays shared", () => {
  const fn = sharedReturn(true);
  separateReturns(fn);
  expect(blocksWithReturn(fn)).toHaveLength(1);
});
