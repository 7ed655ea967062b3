import { expect, test } from "vitest";
import { sampleCode, sampleModule } from "../../tests/support/sample-object.ts";
import { functionKey } from "../ir/link-name.ts";
import type { FunctionEntry } from "../ir/module.ts";
import { EXTERNAL_STACK_BYTES, worstStackDepth } from "./stack-depth.ts";

const functions = (names: readonly string[], signature = 1): FunctionEntry[] =>
  names.map((name) => ({ kind: "external", name, symbol: functionKey(name), signature }));
const calls = (depth: number, ...names: string[]) =>
  names.map((name) => ({ symbol: functionKey(name), signature: 1, depth }));

test("the deepest chain counts frames, arguments and return addresses", () => {
  const module = sampleModule("kernel", {
    functions: functions(["a", "b", "c"]),
    exports: new Map([["a", 0]]),
  });
  const codes = [
    sampleCode("a", 0, [], { frameBytes: 16, calls: [...calls(16, "c"), ...calls(32, "b")] }),
    sampleCode("b", 1, [], { frameBytes: 40, calls: calls(40, "c") }),
    sampleCode("c", 2, [], { frameBytes: 8, depths: [{ offset: 0, depth: 24, hasFrame: true }] }),
  ];
  expect(worstStackDepth(module, codes)).toEqual({
    bytes: 8 + 32 + 8 + 40 + 8 + 24,
    chain: ["a", "b", "c"],
  });
});

test("an indirect call counts as every table entry of its signature", () => {
  const module = sampleModule("kernel", {
    functions: [
      ...functions(["a"]),
      ...functions(["small", "large"], 2),
      ...functions(["other"], 3),
    ],
    exports: new Map([["a", 0]]),
    tables: [
      { name: "t", minimum: 3, maximum: 3, constant: true, entries: [1, 2, 3], onlySignature: -1 },
    ],
  });
  const codes = [
    sampleCode("a", 0, [], { calls: [{ symbol: null, signature: 2, depth: 0 }] }),
    sampleCode("small", 1, [], { frameBytes: 8 }),
    sampleCode("large", 2, [], { frameBytes: 800 }),
    sampleCode("other", 3, [], { frameBytes: 8000 }),
  ];
  expect(worstStackDepth(module, codes)).toEqual({ bytes: 8 + 8 + 800, chain: ["a", "large"] });
});

test("hand-written code counts with its allowance", () => {
  const module = sampleModule("kernel", {
    functions: functions(["a", "asm"]),
    exports: new Map([["a", 0]]),
  });
  expect(worstStackDepth(module, [sampleCode("a", 0, [], { calls: calls(0, "asm") })]).bytes).toBe(
    8 + 8 + EXTERNAL_STACK_BYTES,
  );
});

test("recursion is found with its cycle, through tables too", () => {
  const module = sampleModule("kernel", {
    functions: functions(["a", "b"]),
    exports: new Map([["a", 0]]),
    tables: [{ name: "t", minimum: 1, maximum: 1, constant: true, entries: [0], onlySignature: 1 }],
  });
  const codes = [
    sampleCode("a", 0, [], { calls: calls(0, "b") }),
    sampleCode("b", 1, [], { calls: [{ symbol: null, signature: 1, depth: 0 }] }),
  ];
  expect(worstStackDepth(module, codes)).toEqual({ bytes: null, chain: ["a", "b", "a"] });
});
