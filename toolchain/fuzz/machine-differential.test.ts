import { resolve } from "node:path";
import binaryen from "binaryen";
import { expect, test } from "vitest";
import { FaultKind } from "../../kernel/abi/fault.ts";
import { randomScenario } from "./campaign.ts";
import { compareWithMachineCode, type Scenario } from "./machine-differential.ts";

const root = resolve(import.meta.dirname, "../..");

function scenario(text: string, calls: Scenario["calls"], more: Partial<Scenario> = {}): Scenario {
  const module = binaryen.parseText(text);
  const wasm = module.emitBinary();
  module.dispose();
  return { name: "text", wasm, lowPagesUsed: false, optimize: true, level: 1, calls, ...more };
}

const call = (name: string, ...operands: bigint[]) => ({ name, operands });

// `trine fuzz` runs ten thousand functions; these few show that the whole chain works.
test("random modules do as machine code what they do in the engine", () => {
  for (let seed = 7000; seed < 7008; seed++)
    expect(compareWithMachineCode(root, randomScenario(seed)).difference).toBeNull();
});

test("each kind of trap is the engine's", () => {
  const result = compareWithMachineCode(
    root,
    scenario(
      `(module
    (type $void (func)) (type $other (func (param i32)))
    (memory (export "memory") 2 2)
    (table 3 3 funcref) (elem (i32.const 0) $nothing $one)
    (func $nothing) (func $one (param i32))
    (func (export "divide") (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))
    (func (export "remainder") (param i64 i64) (result i64) (i64.rem_u (local.get 0) (local.get 1)))
    (func (export "load") (param i32) (result i64) (i64.load offset=8 (local.get 0)))
    (func (export "indirect") (param i32) (call_indirect (type $void) (local.get 0)))
    (func (export "stop") (unreachable))
    (func (export "fill") (param i32 i32 i32) (memory.fill (local.get 0) (local.get 1) (local.get 2)))
    (func $deep (export "deep") (param i32) (result i32) (i32.add (call $deep (local.get 0)) (i32.const 1))))`,
      [
        call("divide", 7n, 2n),
        call("divide", 7n, 0n),
        call("divide", 0x80000000n, 0xffffffffn),
        call("remainder", 5n, 0n),
        call("remainder", 1n << 63n, (1n << 64n) - 1n),
        call("load", 70000n),
        call("load", 131056n),
        call("load", 131057n),
        call("load", 0xffffffffn),
        call("indirect", 0n),
        call("indirect", 1n),
        call("indirect", 2n),
        call("indirect", 3n),
        call("indirect", 0xffffffffn),
        call("stop"),
        call("fill", 131072n, 1n, 0n),
        call("fill", 131071n, 1n, 2n),
        call("deep", 0n),
      ],
    ),
  );
  expect(result.difference).toBeNull();
  expect(
    Object.fromEntries([...result.faults].map(([kind, count]) => [FaultKind[kind], count])),
  ).toEqual({
    DivideByZero: 2,
    DivideOverflow: 1,
    OutOfBounds: 3,
    IndirectCallSignature: 1,
    IndirectCallNull: 1,
    IndirectCallBound: 2,
    Unreachable: 1,
    StackExhausted: 1,
  });
});

test("many arguments, several results, growing memory and globals are compared", () => {
  const text = `(module
    (memory (export "memory") 2 4)
    (global $g (export "global0") (mut i64) (i64.const 5))
    (func $ten (param i32 i64 i32 i64 i32 i64 i32 i64 i32 i64) (result i64)
      (i64.add (i64.mul (local.get 9) (i64.const 3)) (i64.sub (i64.extend_i32_u (local.get 8)) (local.get 1))))
    (func (export "arguments") (param i32 i64 i32 i64 i32 i64 i32 i64 i32 i64) (result i64)
      (global.set $g (i64.add (global.get $g) (local.get 9)))
      (call $ten (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4) (local.get 5) (local.get 6) (local.get 7) (local.get 8) (local.get 9)))
    (func (export "pair") (param i64 i32) (result i32 i64) (local.get 1) (local.get 0))
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
    (func (export "size") (result i32) (memory.size))
    (func (export "store") (param i32 i64) (i64.store (local.get 0) (local.get 1))))`;
  const operands = [1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n, 0xffffffffn, 10n];
  const calls = [
    call("arguments", ...operands),
    call("pair", 1n << 40n, 0x80000000n),
    call("grow", 1n),
    call("size"),
    call("store", 190000n, 77n),
    call("grow", 0n),
    call("grow", 9n),
    call("size"),
    call("store", 200000n, 1n),
  ];
  for (const optimize of [true, false]) {
    expect(compareWithMachineCode(root, scenario(text, calls, { optimize })).difference).toBeNull();
    expect(
      compareWithMachineCode(root, scenario(text, calls, { optimize, lowPagesUsed: true }))
        .difference,
    ).toBeNull();
  }
});

test("a branch carries a constant to a block that nothing else reaches", () => {
  const text = `(module (memory (export "memory") 2 2)
    (func (export "taken") (param i32) (result i32) (block (result i32) (drop (br_if 0 (i32.const 10) (local.get 0))) (return (i32.const 11))))
    (func (export "chosen") (param i32) (result i32) (local i32)
      (local.set 1 (block (result i32) (local.set 1 (block (result i32) (br_table 1 0 (i32.const 200) (local.get 0)))) (return (i32.add (local.get 1) (i32.const 10)))))
      (i32.add (local.get 1) (i32.const 14))))`;
  const calls = [call("taken", 0n), call("taken", 1n), call("chosen", 0n), call("chosen", 1n)];
  for (const optimize of [true, false])
    expect(compareWithMachineCode(root, scenario(text, calls, { optimize })).difference).toBeNull();
});

test("a difference is found and named", () => {
  const text = (constant: number) =>
    `(module (memory (export "memory") 2 2) (func (export "f") (result i32) (i32.const ${constant})))`;
  const [left, right] = [scenario(text(1), [call("f")]), scenario(text(2), [call("f")])];
  expect(compareWithMachineCode(root, { ...left, engineWasm: right.wasm }).difference).toBe(
    "text: f() result 0 is 1, in the engine 2",
  );
});
