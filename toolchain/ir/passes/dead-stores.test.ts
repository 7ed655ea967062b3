import { expect, test } from "vitest";
import { SampleFunction } from "../../../tests/support/sample-function.ts";
import type { IrFunction } from "../function.ts";
import type { Target } from "../module.ts";
import { isStore, Opcode, Type } from "../opcode.ts";
import { removeDeadStores } from "./dead-stores.ts";

const storesIn = (fn: IrFunction): number =>
  fn.blockInstructions.flat().filter((instruction) => isStore(fn.opcode(instruction))).length;

/** Stores left of a store at 64, what `between` does, and a store of `bytes` at `second`. */
function left(
  between: (f: SampleFunction) => void,
  second = 64,
  bytes: 4 | 8 = 8,
  target: Target = "domain",
): number {
  const f = new SampleFunction([Type.I32], []);
  const value = f.constant(Type.I64, 7n);
  f.store(Opcode.Store64, Type.I64, f.i32(64), value);
  between(f);
  if (bytes === 8) f.store(Opcode.Store64, Type.I64, f.i32(second), value);
  else f.store(Opcode.Store32, Type.I64, f.i32(second), value);
  const fn = f.return();
  removeDeadStores(fn, target);
  return storesIn(fn);
}

const nothing = (): void => {};

test("a store that the next one overwrites goes", () => {
  expect(left(nothing)).toBe(1);
});

test("also past stores elsewhere at constant addresses", () => {
  const elsewhere = (f: SampleFunction): void =>
    void f.store(Opcode.Store32, Type.I32, f.i32(128), f.i32(1));
  expect(left(elsewhere)).toBe(2);
});

test.each([
  ["another place", nothing, 72, 8],
  ["half of the place", nothing, 64, 4],
  ["one byte less of the place", nothing, 65, 8],
] as const)("a store stays where what follows writes %s", (_what, between, second, bytes) => {
  expect(left(between, second, bytes)).toBe(2);
});

test("a store stays where something may read it before", () => {
  const load = (f: SampleFunction): void =>
    void f.instruction(Opcode.Load64, Type.I64, [f.parameter(0)], [Type.I64]);
  const call = (f: SampleFunction): void => void f.instruction(Opcode.Call, Type.None, [], []);
  expect(left(load)).toBe(2);
  expect(left(call)).toBe(2);
});

test("stores at other than constant addresses stay: a device may look on", () => {
  const f = new SampleFunction([Type.I32], []);
  for (let n = 0; n < 2; n++) f.store(Opcode.Store32, Type.I32, f.parameter(0), f.i32(n));
  const fn = f.return();
  expect(removeDeadStores(fn, "domain")).toBe(false);
  expect(storesIn(fn)).toBe(2);
});

test("the kernel keeps all its stores", () => {
  expect(left(nothing, 64, 8, "kernel")).toBe(2);
});
