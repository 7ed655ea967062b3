import { describe, expect, test } from "vitest";
import { generateModule } from "../../fuzz/generate.ts";
import { buildModule } from "../../ir/build.ts";
import type { Target } from "../../ir/module.ts";
import { optimize } from "../../ir/passes/pipeline.ts";
import { Opcode, Type } from "../../ir/opcode.ts";
import { isSlot } from "./allocation.ts";
import { checkAllocation } from "./allocation-checker.ts";
import { allocateRegisters } from "./allocate.ts";
import { buildMachineFunction } from "../select/build-machine-function.ts";
import { compileFunction } from "../compile-function.ts";
import { coverageCounts, resetCoverage } from "../machine/coverage.ts";
import { MachineOp } from "../machine/machine-op.ts";
import { moduleOf, SampleFunction } from "../../../tests/support/sample-function.ts";

describe.each<[Target, string, boolean]>([
  ["domain", "by evicting and splitting", false],
  ["domain", "in the order of the code", true],
  ["kernel", "by evicting and splitting", false],
  ["kernel", "in the order of the code", true],
])("target %s, %s", (target, _how, isLinear) => {
  test("random functions pass the checker", () => {
    for (let seed = 1; seed <= 8; seed++) {
      const { wasm, lowPagesUsed } = generateModule(seed, 40 + 10 * (seed % 4), {
        passiveSegments: false,
      });
      const module = buildModule(wasm, { name: `seed${seed}`, target, lowPagesUsed });
      for (const entry of module.functions) {
        if (entry.kind !== "defined") continue;
        optimize(entry.body, module);
        checkAllocation(
          allocateRegisters(buildMachineFunction(entry.body, module), target, { isLinear }),
          target,
        );
      }
    }
  });
});

test("the same function gives the same bytes, whatever was compiled before it", () => {
  const { wasm } = generateModule(3, 30, { passiveSegments: false });
  const compileAll = (): string => {
    const module = buildModule(wasm, { name: "same", target: "domain" });
    const codes = module.functions.flatMap((entry) => {
      if (entry.kind !== "defined") return [];
      optimize(entry.body, module);
      return [compileFunction(entry.body, module, { check: false })];
    });
    return codes.map(({ bytes }) => Buffer.from(bytes).toString("hex")).join("\n");
  };
  expect(compileAll()).toBe(compileAll());
});

test("a constant that lives across calls takes neither a register nor a slot", () => {
  const f = new SampleFunction([Type.I64], [Type.I64]);
  const big = f.i64(0x1234_5678_9abc_def0n);
  const call = (value: typeof big): typeof big =>
    f.fn.result(f.instruction(Opcode.Call, Type.None, [value], [Type.I64], 0));
  const fn = f.return(
    f.op(Opcode.Xor, Type.I64, call(call(f.op(Opcode.Xor, Type.I64, f.parameter(0), big))), big),
  );
  const allocation = allocateRegisters(
    buildMachineFunction(fn, moduleOf("domain", [fn])),
    "domain",
  );
  expect(allocation.slotBytes).toEqual([]);
  expect(allocation.savedRegisters).toBe(0);
});

test("a value that is spilled is stored once, behind its definition, where that is executed least", () => {
  const f = new SampleFunction([Type.I64], [Type.I64]);
  const values = Array.from({ length: 20 }, (_, i) =>
    f.op(Opcode.Mul, Type.I64, f.parameter(0), f.i64(BigInt(2 * i + 3))),
  );
  let sum = f.i64(0n);
  for (const value of [...values, ...values, ...values])
    sum = f.op(Opcode.Xor, Type.I64, f.op(Opcode.Rotl, Type.I64, sum, f.i64(3n)), value);
  const fn = f.return(sum);
  const { before, behind, slotBytes } = allocateRegisters(
    buildMachineFunction(fn, moduleOf("domain", [fn])),
    "domain",
  );
  const stores = [...before.values(), ...behind.values()]
    .flat()
    .filter((move) => move.kind === "move" && isSlot(move.to));
  expect(slotBytes.length).toBeGreaterThan(0);
  expect(stores.length).toBe(slotBytes.length);
});

test("a callee-saved register is not opened for a path that only traps", () => {
  const f = new SampleFunction([Type.I32], [Type.I32], "sample", 0);
  const [bad, good] = [f.newBlock(), f.newBlock()];
  f.branch(f.parameter(0), good, bad);
  f.block = bad;
  const first = f.instruction(Opcode.Call, Type.None, [f.parameter(0)], [Type.I32], 0);
  f.instruction(Opcode.Call, Type.None, [f.fn.result(first)], [Type.I32], 0);
  f.instruction(Opcode.Call, Type.None, [f.fn.result(first)], [Type.I32], 0);
  f.instruction(Opcode.Unreachable, Type.None, [], []);
  f.block = good;
  const fn = f.return(f.parameter(0));
  expect(compileFunction(fn, moduleOf("domain", [fn]), { check: true }).savedRegisters).toEqual([]);
});

test("what happened is counted, from zero after a reset", () => {
  resetCoverage();
  expect([...coverageCounts().values()].every((count) => count === 0)).toBe(true);
  const f = new SampleFunction([Type.I32], [Type.I32]);
  const fn = f.return(f.op(Opcode.Popcnt, Type.I32, f.parameter(0)));
  compileFunction(fn, moduleOf("domain", [fn], { level: 2 }), { check: true });
  expect(coverageCounts().get("count ones: popcnt")).toBe(1);
  expect(coverageCounts().get("allocator: eviction")).toBe(0);
});

test("commutative operations overwrite the operand that dies", () => {
  const f = new SampleFunction([Type.I64, Type.I64], [Type.I64]);
  const product = f.op(Opcode.Mul, Type.I64, f.parameter(0), f.parameter(1));
  const fn = f.return(f.op(Opcode.Sub, Type.I64, product, f.parameter(0)));
  const machine = buildMachineFunction(fn, moduleOf("domain", [fn]));
  const allocation = allocateRegisters(machine, "domain");
  const at = machine.instructions.findIndex(({ op }) => op === MachineOp.Imul);
  expect(machine.operandRegister(machine.instructions[at]!, 1)).toBe(f.parameter(1));
  expect([...(allocation.before.get(at) ?? [])].length).toBeLessThanOrEqual(1);
});
