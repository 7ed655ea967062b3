import { expect, test } from "vitest";
import { type Block, IrFunction, type Value } from "./function.ts";
import { Opcode, Type } from "./opcode.ts";
import { PureValues } from "./pure-values.ts";
import { verifyFunction } from "./verify.ts";

/** (i32) -> i32: a diamond that returns 1 or its parameter, scheduled by hand. */
function sample(): { fn: IrFunction; parameter: Value; one: Value; merged: Value } {
  const fn = new IrFunction("sample", 0, [Type.I32], [Type.I32]);
  const [entry, left, right, end] = [fn.newBlock(), fn.newBlock(), fn.newBlock(), fn.newBlock()];
  const parameter = fn.newParameter(entry, Type.I32);
  const merged = fn.newParameter(end, Type.I32);
  const one = new PureValues(fn).constant(Type.I32, 1n);
  fn.blockInstructions[entry]!.push(fn.newInstruction(Opcode.Branch, Type.None, [parameter], []));
  fn.blockEdges[entry]!.push({ target: left, args: [] }, { target: right, args: [] });
  fn.blockInstructions[left]!.push(
    fn.definition(one) as never,
    fn.newInstruction(Opcode.Jump, Type.None, [], []),
  );
  fn.blockEdges[left]!.push({ target: end, args: [one] });
  fn.blockInstructions[right]!.push(fn.newInstruction(Opcode.Jump, Type.None, [], []));
  fn.blockEdges[right]!.push({ target: end, args: [parameter] });
  fn.blockInstructions[end]!.push(fn.newInstruction(Opcode.Return, Type.None, [merged], []));
  fn.blockOrder = [entry, left, right, end];
  return { fn, parameter, one, merged };
}

test("accepts a correct function", () => {
  expect(verifyFunction(sample().fn, { scheduled: true })).toEqual([]);
});

const block = (index: number): Block => index as Block;
const mistakes: [string, string, (s: ReturnType<typeof sample>) => void][] = [
  [
    "a use that no definition dominates",
    "before its definition",
    ({ fn, one }) => fn.setOperand(fn.blockInstructions[3]![0]!, 0, one),
  ],
  [
    "a parameter that does not dominate",
    "does not dominate",
    ({ fn, merged }) => fn.setOperand(fn.blockInstructions[0]![0]!, 0, merged),
  ],
  [
    "a missing edge argument",
    "passes () for (I32)",
    ({ fn }) => void fn.blockEdges[1]![0]!.args.pop(),
  ],
  [
    "an argument of another type",
    "passes (I64) for (I32)",
    ({ fn }) => {
      const wide = fn.newInstruction(Opcode.GlobalGet, Type.I64, [], [Type.I64]);
      fn.blockInstructions[1]!.unshift(wide);
      fn.blockEdges[1]![0]!.args[0] = fn.result(wide);
    },
  ],
  [
    "a missing terminator",
    "no terminator",
    ({ fn }) =>
      void fn.blockInstructions[2]!.splice(
        0,
        1,
        fn.newInstruction(Opcode.GlobalGet, Type.I32, [], [Type.I32]),
      ),
  ],
  [
    "a terminator in the middle",
    "a terminator stands in the middle",
    ({ fn }) =>
      void fn.blockInstructions[1]!.unshift(
        fn.newInstruction(Opcode.Unreachable, Type.None, [], []),
      ),
  ],
  [
    "an instruction in two places",
    "is placed twice",
    ({ fn }) => void fn.blockInstructions[2]!.unshift(fn.blockInstructions[1]![0]!),
  ],
  ["the wrong number of edges", "Branch with 1 edges", ({ fn }) => void fn.blockEdges[0]!.pop()],
  [
    "an operand of the wrong type",
    "has operands of types I32 instead of I64",
    ({ fn, parameter }) => {
      fn.blockInstructions[1]!.unshift(
        fn.newInstruction(Opcode.Wrap, Type.I32, [parameter], [Type.I32]),
      );
    },
  ],
  [
    "a pure value without a place",
    "has no place",
    ({ fn, parameter }) => {
      const sum = fn.newInstruction(Opcode.Add, Type.I32, [parameter, parameter], [Type.I32]);
      fn.setOperand(fn.blockInstructions[3]![0]!, 0, fn.result(sum));
    },
  ],
  [
    "a critical edge",
    "is critical",
    ({ fn, parameter }) => {
      fn.blockEdges[0]![1] = { target: block(3), args: [parameter] };
      fn.blockOrder = [block(0), block(1), block(3)];
    },
  ],
  [
    "a block that is not laid out",
    "the layout does not hold",
    ({ fn }) => void fn.blockOrder.pop(),
  ],
];

test.each(mistakes)("finds %s", (_what, finding, plant) => {
  const planted = sample();
  plant(planted);
  expect(verifyFunction(planted.fn, { scheduled: true }).join("\n")).toContain(finding);
});
