import { expect, test } from "vitest";
import { Opcode, Type } from "../opcode.ts";
import type { IrModule } from "../module.ts";
import { SampleFunction, moduleOf } from "../../../tests/support/sample-function.ts";
import { compileModule } from "../../compiler/compile-module.ts";
import { entryPointsOf } from "./entry-points.ts";

/** Keeps its parameter across a call, so in a callee-saved register. Function 0 is called. */
function keeper(name: string): SampleFunction["fn"] {
  const f = new SampleFunction([Type.I64], [Type.I64], name, 0);
  const called = f.instruction(Opcode.Call, Type.None, [f.parameter(0)], [Type.I64], 0);
  return f.return(f.op(Opcode.Xor, Type.I64, f.fn.result(called), f.parameter(0)));
}
function leaf(): SampleFunction["fn"] {
  const f = new SampleFunction([Type.I64], [Type.I64], "leaf", 0);
  return f.return(f.op(Opcode.Mul, Type.I64, f.parameter(0), f.parameter(0)));
}

const functions = () => [leaf(), keeper("systemCall"), keeper("other")];
const exports = new Map([
  ["leaf", 0],
  ["systemCall", 1],
  ["other", 2],
]);
const kernel = (more: Partial<IrModule> = {}): IrModule =>
  moduleOf("kernel", functions(), { exports, ...more });

test("only an entry point of the kernel saves no registers", () => {
  const saved = (module: IrModule) =>
    compileModule(module, { check: true, optimize: false }).map((code) => [
      code.name,
      code.savedRegisters.length,
    ]);
  expect(saved(kernel())).toEqual([
    ["leaf", 0],
    ["systemCall", 0],
    ["other", 1],
  ]);
  expect(saved(moduleOf("domain", functions(), { exports }))[1]).toEqual(["systemCall", 1]);
});

test("an entry point that other code could call is refused", () => {
  const refused = (more: Partial<IrModule>) => () => entryPointsOf(kernel(more));
  expect(refused({ exports: new Map([["fault", 0]]) })).toThrow("leaf saves no registers");
  expect(refused({ start: 1 })).toThrow("starts with it");
  expect(refused({ elementSegments: [[1]] })).toThrow("a table holds it");
  expect(refused({ exports: new Map([...exports, ["again", 1]]) })).toThrow("two exports");
});
