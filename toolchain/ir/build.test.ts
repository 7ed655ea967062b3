import binaryen from "binaryen";
import { expect, test } from "vitest";
import { buildModule, type BuildOptions } from "./build.ts";
import { Interpreter } from "./interpret.ts";
import { Intrinsic } from "./intrinsic.ts";
import type { IrModule } from "./module.ts";
import { optimizeModule } from "./passes/pipeline.ts";
import { printFunction } from "./print.ts";
import { verifyFunction } from "./verify.ts";

function build(text: string, options: Partial<BuildOptions> = {}): IrModule {
  const parsed = binaryen.parseText(text);
  parsed.setFeatures(binaryen.Features.All);
  binaryen.setDebugInfo(true);
  const wasm = parsed.emitBinary();
  parsed.dispose();
  return buildModule(wasm, { name: "test.wasm", target: "kernel", ...options });
}

/** The text of the exported function `f` after all passes. */
function optimized(text: string, options: Partial<BuildOptions> = {}): string {
  const module = build(text, options);
  for (const fn of optimizeModule(module))
    expect(verifyFunction(fn, { scheduled: true, module })).toEqual([]);
  const entry = module.functions[module.exports.get("f")!]!;
  if (entry.kind !== "defined") throw new Error("f is no function");
  return printFunction(entry.body, module);
}

test("what nothing reaches has no index", () => {
  const module = build(`(module
    (func $dead (param f64) (drop (f64.add (local.get 0) (local.get 0))))
    (func $called) (func $f (export "f") (call $called)))`);
  expect(module.functions.map(({ name }) => name)).toEqual(["called", "f"]);
  expect([...module.exports]).toEqual([["f", 1]]);
});

test("functions in tables are reached as soon as something is called through one", () => {
  const table = `(table 3 3 funcref) (elem (i32.const 1) $entry) (type $t (func (param i32) (result i32)))
    (func $entry (param i32) (result i32) (local.get 0))`;
  const without = build(`(module ${table} (func (export "f")))`);
  expect(without.tables[0]!.entries).toEqual([-1, -1, -1]);
  const used = build(
    `(module ${table} (func (export "f") (result i32) (call_indirect (type $t) (i32.const 5) (i32.const 1))))`,
  );
  expect(used.tables[0]).toMatchObject({
    entries: [-1, 0, -1],
    constant: true,
    onlySignature: used.functions[0]!.signature,
  });
});

test("signatures are numbered from 1, equal ones alike", () => {
  const module = build(`(module (type $a (func (param i32))) (type $b (func (param i32)))
    (func (export "f") (type $a)) (func (export "g") (type $b)) (func (export "h") (param i64)))`);
  const [f, g, h] = ["f", "g", "h"].map(
    (name) => module.functions[module.exports.get(name)!]!.signature,
  );
  expect(f).toBe(1);
  expect(g).toBe(f);
  expect(module.signatures[h!]!.parameters).toHaveLength(1);
});

test("globals that never change are constants, globals that are never read are not set", () => {
  const text = `(module (global $limit (mut i32) (i32.const 9)) (global $unread (mut i32) (i32.const 0))
    (func (export "f") (result i32) (global.set $unread (i32.const 1)) (global.get $limit)))`;
  expect(optimized(text)).toContain("Const.i32 9");
  expect(optimized(text)).not.toMatch(/Global/);
});

test("imports of the machine's module become intrinsics", () => {
  const module = build(`(module (import "x64" "in8" (func $in8 (param i32) (result i32)))
    (func (export "f") (result i32) (call $in8 (i32.const 96))))`);
  expect(module.functions.map(({ kind }) => kind)).toEqual(["defined"]);
  const entry = module.functions[0]!;
  if (entry.kind !== "defined") throw new Error("not defined");
  const [instruction] = entry.body.blockInstructions[0]!;
  expect(entry.body.immediate(instruction!)).toBe(Intrinsic.In8);
});

const RESULT = `(import "trine" "callShort" (func $callShort (param i32 i32 i64 i64 i64 i64 i64) (result i64)))
  (import "trine" "result" (func $result (param i32) (result i64)))`;
const CALL_SHORT = `(call $callShort (i32.const 1) (i32.const 0) ${"(i64.const 0) ".repeat(5)})`;

test("the results of a short system call are its own, and no instruction of theirs", () => {
  const module = build(
    `(module ${RESULT} (func (export "f") (result i64) (drop ${CALL_SHORT}) (call $result (i32.const 4))))`,
    { target: "domain" },
  );
  const entry = module.functions[0]!;
  if (entry.kind !== "defined") throw new Error("not defined");
  const { body } = entry;
  const [call, end] = body.blockInstructions[0]!;
  expect(body.immediate(call!)).toBe(Intrinsic.CallShort);
  expect(body.blockInstructions[0]).toHaveLength(2);
  expect(body.blockEdges[0]!.flatMap(({ args }) => args).concat(body.operand(end!, 0))).toContain(
    body.result(call!, 1 + 4),
  );
});

test("env.abort is a trap", () => {
  expect(
    optimized(`(module (import "env" "abort" (func $abort (param i32 i32 i32 i32)))
    (func (export "f") (call $abort (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))))`),
  ).toContain("Unreachable");
});

test.each([
  [
    "an intrinsic of another signature",
    "kernel",
    `(import "x64" "in8" (func $i (param i64) (result i32))) (func (export "f") (drop (call $i (i64.const 1))))`,
    "x64.in8 is declared as (l:i) and is (i:i)",
  ],
  [
    "a privileged intrinsic in a program",
    "domain",
    `(import "x64" "halt" (func $i)) (func (export "f") (call $i))`,
    "x64.halt cannot be used in the target domain",
  ],
  [
    "system calls in the kernel",
    "kernel",
    `(import "trine" "call" (func $i (param i32 i32 i32 i64) (result i32))) (func (export "f") (drop (call $i (i32.const 0) (i32.const 0) (i32.const 0) (i64.const 0))))`,
    "trine.call cannot be used in the target kernel",
  ],
  [
    "an intrinsic that does not exist",
    "kernel",
    `(import "x64" "frobnicate" (func $i)) (func (export "f") (call $i))`,
    "there is no such intrinsic",
  ],
  [
    "a result without a system call",
    "domain",
    `${RESULT} (func (export "f") (result i64) (call $result (i32.const 4)))`,
    "no short system call stands right before its result",
  ],
  [
    "a result in another place than its system call",
    "domain",
    `${RESULT} (func (export "f") (param i32) (result i64) (drop ${CALL_SHORT})
      (if (result i64) (local.get 0) (then (call $result (i32.const 4))) (else (i64.const 0))))`,
    "no short system call stands right before its result",
  ],
  [
    "a result that there is not",
    "domain",
    `${RESULT} (func (export "f") (result i64) (drop ${CALL_SHORT}) (call $result (i32.const 8)))`,
    "the number of the result is not a constant",
  ],
  [
    "a result by a variable number",
    "domain",
    `${RESULT} (func (export "f") (param i32) (result i64) (drop ${CALL_SHORT}) (call $result (local.get 0)))`,
    "the number of the result is not a constant",
  ],
  [
    "floating point",
    "kernel",
    `(func (export "f") (result i32) (i32.trunc_f64_s (f64.const 1.5)))`,
    "function f: f64.const: floating point is not supported",
  ],
  [
    "imported memory",
    "kernel",
    `(import "env" "memory" (memory 1)) (func (export "f"))`,
    "only functions can be imported",
  ],
  [
    "data beyond the initial memory",
    "kernel",
    `(memory 1) (data (i32.const 65530) "too long") (func (export "f"))`,
    "reaches beyond the initial memory",
  ],
] as const)("refuses %s", (_what, target, body, message) => {
  expect(() => build(`(module ${body})`, { target })).toThrow(message);
});

test("functions of assembly are external, in programs they are refused", () => {
  const text = `(module (import "linux" "write" (func $write (param i32 i32 i32) (result i32)))
    (func (export "f") (result i32) (call $write (i32.const 1) (i32.const 2) (i32.const 3))))`;
  expect(build(text, { target: "linux" }).functions[0]).toMatchObject({
    kind: "external",
    name: "linux.write",
    symbol: "import.linux.write.iii_i",
  });
  expect(() => build(text, { target: "domain" })).toThrow("programs cannot import functions");
});

// Passes, by what they leave.

test.each([
  [
    "constants are folded",
    `(i32.add (i32.mul (i32.const 6) (i32.const 7)) (i32.const 0))`,
    /Const\.i32 42\n {2}Return/,
  ],
  [
    "masks of what a load clears are dropped",
    `(i32.and (i32.load8_u (local.get 0)) (i32.const 255))`,
    /Load8U\.i32 v0\n {2}Return/,
  ],
  [
    "constants gather",
    `(i32.add (i32.add (local.get 0) (i32.const 5)) (i32.sub (local.get 1) (i32.const 7)))`,
    /Add\.i32 v0, v1\n.*Const\.i32 -2\n/,
  ],
  [
    "shifts become rotations",
    `(i32.or (i32.shl (local.get 0) (i32.const 7)) (i32.shr_u (local.get 0) (i32.const 25)))`,
    /Rotl\.i32/,
  ],
  [
    "shift pairs become sign extensions",
    `(i32.shr_s (i32.shl (local.get 0) (i32.const 24)) (i32.const 24))`,
    /Extend8S\.i32 v0/,
  ],
  [
    "unsigned division by a power of two is a shift",
    `(i32.div_u (local.get 0) (i32.const 8))`,
    /Const\.i32 3\n.*ShrU/,
  ],
  ["a division that traps stays", `(i32.div_u (local.get 0) (i32.const 0))`, /DivU/],
  [
    "negated comparisons turn round",
    `(i32.eqz (i32.lt_s (local.get 0) (local.get 1)))`,
    /GeS\.i32 v0, v1/,
  ],
  [
    "and-then needs no value",
    `(if (result i32) (if (result i32) (i32.lt_s (local.get 0) (i32.const 9)) (then (i32.lt_s (local.get 1) (i32.const 9))) (else (i32.const 0))) (then (i32.load (local.get 0))) (else (i32.const 2)))`,
    /^(?!.*(Select|Jump block\d+\(v\d+\)\n.*Branch))/s,
  ],
])("%s", (_what, expression, expected) => {
  expect(
    optimized(`(module (memory 1) (func (export "f") (param i32 i32) (result i32) ${expression}))`),
  ).toMatch(expected);
});

test("a load behind a store of the same field is the stored value, other fields are kept apart", () => {
  const text = optimized(`(module (memory 1) (func (export "f") (param i32 i32) (result i32)
    (i32.store offset=8 (local.get 0) (local.get 1))
    (i32.store offset=12 (local.get 0) (i32.const 5))
    (i32.load offset=8 (local.get 0))))`);
  expect(text).not.toContain("Load");
});

test("a store through another pointer may be the same field", () => {
  const text = optimized(`(module (memory 1) (func (export "f") (param i32 i32) (result i32)
    (i32.store offset=8 (local.get 0) (i32.const 1))
    (i32.store offset=8 (local.get 1) (i32.const 2))
    (i32.load offset=8 (local.get 0))))`);
  expect(text).toContain("Load32U");
});

test.each([
  ["kernel", 0],
  ["domain", 1],
] as const)(
  "in the target %s, a load whose result is unused is executed %i times",
  (target, count) => {
    const text = optimized(
      `(module (memory 1) (func (export "f") (param i32) (drop (i32.load (local.get 0)))))`,
      { target },
    );
    expect(text.match(/Load/g) ?? []).toHaveLength(count);
  },
);

const waiting = (
  inside: string,
): string => `(module (import "x64" "pause" (func $pause)) (import "x64" "readCr2" (func $readCr2 (result i64))) (memory 1)
  (func (export "f") (param i32) (result i32)
    (block $done (drop (i32.load (local.get 0))) (br_if $done (i32.load (local.get 0)))
      (loop $again ${inside} (br_if $again (i32.eqz (i32.load (local.get 0))))))
    (i32.load offset=8 (local.get 0))))`;

test.each([
  ["nothing in between writes", "(drop (call $readCr2))", 2],
  ["another field is written", "(i32.store offset=4 (local.get 0) (i32.const 1))", 2],
  ["the program waits", "(call $pause)", 3],
  ["it may be written", "(i32.store (i32.load offset=16 (local.get 0)) (i32.const 1))", 4],
])("a loop that asks for the same word again: %s", (_what, inside, count) => {
  expect(optimized(waiting(inside)).match(/Load32U/g)).toHaveLength(count);
});

test("pure values leave loops, loads stay", () => {
  const text =
    optimized(`(module (memory 1) (func (export "f") (param i32 i32) (result i32) (local i32)
    (loop $l
      (local.set 2 (i32.add (local.get 2) (i32.mul (local.get 0) (local.get 1))))
      (local.set 2 (i32.add (local.get 2) (i32.load (local.get 0))))
      (br_if $l (i32.lt_u (local.get 2) (i32.const 1000))))
    (local.get 2)))`);
  const [before, ...loop] = text.split(/block\d+.*loop depth 1/);
  expect(before).toContain("Mul");
  expect(loop.join()).toContain("Load32U");
  expect(loop.join()).not.toContain("Mul");
});

test("a jump table stays one", () => {
  const text = optimized(`(module (func (export "f") (param i32) (result i32)
    (block $b (block $a (br_table $a $b $a (local.get 0))) (return (i32.const 1))) (i32.const 2)))`);
  expect(text).toMatch(/Switch v0, block\d+\(\), block\d+\(\), block\d+\(\)/);
});

/** Tests of parameter 0 against these constants in turn; the n-th gives n. */
const chain = (
  constants: readonly number[],
): string => `(module (func (export "f") (param i32) (result i32)
  ${constants.map((constant, i) => `(if (i32.eq (local.get 0) (i32.const ${constant})) (then (return (i32.const ${i}))))`).join("\n")} (i32.const -1)))`;

test.each([
  ["from zero on", [0, 1, 2, 5], true],
  ["far from zero", [100, 103, 101, 105], true],
  ["too few", [0, 1, 2], false],
  ["too far apart", [0, 10, 20, 30], false],
  ["negative", [-4, -3, -2, -1], true],
] as const)(
  "a chain of tests %s becomes a table only where it pays",
  (_what, constants, expected) => {
    expect(optimized(chain(constants)).includes("Switch")).toBe(expected);
    const module = build(chain(constants));
    optimizeModule(module);
    for (const value of [...constants, 4, 99, 102, 104, 106, -5, 0x7fffffff]) {
      const index = (constants as readonly number[]).indexOf(value);
      expect(
        new Interpreter(module).call("f", [BigInt.asUintN(32, BigInt(value))]),
        String(value),
      ).toEqual([BigInt.asUintN(32, BigInt(index))]);
    }
  },
);
