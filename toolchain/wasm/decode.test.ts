import { expect, test } from "vitest";
import { generateModule } from "../fuzz/generate.ts";
import { Random } from "../fuzz/random.ts";
import { WasmWriter } from "../fuzz/wasm-writer.ts";
import { DiagnosticError } from "../report/diagnostic.ts";
import { decodeModule } from "./decode.ts";
import { ValueType, type WasmModule } from "./types.ts";
import { validateModule } from "./validate.ts";

const HEADER = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const module = (...bytes: number[]): Uint8Array => Uint8Array.from([...HEADER, ...bytes]);
function check(bytes: Uint8Array): WasmModule {
  const decoded = decodeModule(bytes, "test.wasm");
  validateModule(decoded);
  return decoded;
}

/** A module with one function () -> i32 of these instructions, `end` included. */
function withBody(...code: number[]): Uint8Array {
  return module(
    1,
    5,
    1,
    0x60,
    0,
    1,
    0x7f,
    3,
    2,
    1,
    0,
    10,
    code.length + 4,
    1,
    code.length + 2,
    0,
    ...code,
    0x0b,
  );
}

test("reads sections, names and the places of instructions", () => {
  const names = new WasmWriter().name("name");
  names.byte(1).sized(new WasmWriter().u32(1).u32(0).name("kernel/entry/call/fastCall"));
  const bytes = Uint8Array.from([...withBody(0x41, 7), 0, names.bytes.length, ...names.bytes]);
  const decoded = check(bytes);
  expect(decoded.types).toEqual([{ parameters: [], results: [ValueType.I32] }]);
  expect(decoded.functionNames.get(0)).toBe("kernel/entry/call/fastCall");
  expect(bytes[decoded.bodies[0]!.start]).toBe(0x41);
});

test("malformed names do not refuse the module", () => {
  const decoded = check(
    Uint8Array.from([...withBody(0x41, 7), 0, 9, 4, 0x6e, 0x61, 0x6d, 0x65, 1, 2, 0xff, 0xff]),
  );
  expect(decoded.functionNames.size).toBe(0);
});

test.each([
  ["not a wasm binary", Uint8Array.of(1, 2, 3), "offset 0x0: not a wasm binary"],
  [
    "another version",
    Uint8Array.of(0, 0x61, 0x73, 0x6d, 2, 0, 0, 0),
    "offset 0x4: unknown version",
  ],
  ["a section beyond the end", module(1, 5, 1), "offset 0x8: section reaches beyond the module"],
  [
    "sections out of order",
    module(3, 1, 0, 1, 1, 0),
    "offset 0xb: section type is out of order or repeated",
  ],
  ["bytes left over", module(1, 2, 0, 0), "section type has bytes left over"],
  [
    "a count that the module cannot hold",
    module(1, 5, 0xff, 0xff, 0xff, 0xff, 0x0f),
    "4294967295 elements do not fit",
  ],
  [
    "a number that is too long",
    module(1, 6, 0x80, 0x80, 0x80, 0x80, 0x80, 0),
    "number is too long",
  ],
  ["a number that is too large", module(1, 5, 0x80, 0x80, 0x80, 0x80, 0x10), "number is too large"],
  [
    "a function without code",
    module(1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0),
    "1 functions are declared and 0 have code",
  ],
  [
    "too many locals",
    module(1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 10, 8, 1, 6, 1, 0xd1, 0x86, 0x03, 0x7f, 0x0b),
    "a function may have 50000 locals",
  ],
  ["vector instructions", withBody(0xfd, 0x0c), "vector instructions (SIMD) are not supported"],
  ["a missing operand", withBody(0x41, 1, 0x6a), "i32.add: an operand is missing"],
  [
    "a wrong operand",
    withBody(0x41, 1, 0x42, 1, 0x6a),
    "expected an operand of type I32, found I64",
  ],
  ["a wrong result", withBody(0x42, 1), "expected an operand of type I32, found I64"],
  ["an operand left over", withBody(0x41, 1, 0x41, 1), "operands are left over"],
  ["an unknown label", withBody(0x0c, 1), "label 1 does not exist"],
  ["an unknown local", withBody(0x20, 0), "local 0 does not exist"],
  ["a load without memory", withBody(0x41, 0, 0x28, 2, 0), "no such memory"],
])("refuses %s with its offset", (_what, bytes, message) => {
  expect(() => check(bytes)).toThrow(message);
  expect(() => check(bytes)).toThrow(/^test\.wasm: offset 0x[0-9a-f]+: /);
});

test.each([
  [[0x41, 0x7f], -1],
  [[0x41, 0xff, 0xff, 0xff, 0xff, 0x07], 0x7fffffff],
  [[0x41, 0x80, 0x80, 0x80, 0x80, 0x78], -0x80000000],
])("accepts the constant %j", (code) => {
  expect(() => check(withBody(...code))).not.toThrow();
});

test("accepts what the engine accepts and refuses what it refuses", () => {
  // The engine knows more of wasm than we do, so only the words of our refusals tell a missing
  // feature from a wrong module.
  const random = new Random(7);
  for (let seed = 0; seed < 40; seed++) {
    const { wasm } = generateModule(seed, 5 + (seed % 10));
    expect(() => check(wasm)).not.toThrow();
    for (let round = 0; round < 40; round++) {
      const mutant = mutate(wasm, random);
      const refusal = refusalOf(mutant);
      const engine = WebAssembly.validate(mutant);
      const context = `seed ${seed}, round ${round}: ${refusal}`;
      if (engine) expect(refusal === null || refusal.includes("supported"), context).toBe(true);
      else expect(refusal, context).not.toBeNull();
    }
  }
});

function mutate(wasm: Uint8Array, random: Random): Uint8Array<ArrayBuffer> {
  const mutant = Uint8Array.from(wasm);
  for (let count = 1 + random.below(2); count > 0; count--) {
    const place = random.below(random.chance(50) ? Math.min(200, mutant.length) : mutant.length);
    mutant[place] = random.chance(50) ? random.below(256) : mutant[place]! ^ (1 << random.below(8));
  }
  return random.chance(10) ? mutant.slice(0, random.below(mutant.length)) : mutant;
}

/** Anything but a DiagnosticError is a mistake of ours and fails the test. */
function refusalOf(bytes: Uint8Array): string | null {
  try {
    check(bytes);
    return null;
  } catch (error) {
    if (error instanceof DiagnosticError) return error.message;
    throw error;
  }
}

test("a br_table of many entries costs linear time", () => {
  const labels = 200_000;
  const body = new WasmWriter().u32(0).byte(0x41, 0, 0x41, 0, 0x0e).u32(labels);
  for (let i = 0; i <= labels; i++) body.u32(0);
  body.byte(0x0b);
  const code = new WasmWriter().u32(1).sized(body);
  const bytes = new WasmWriter()
    .byte(...HEADER, 1, 5, 1, 0x60, 0, 1, 0x7f, 3, 2, 1, 0, 10)
    .sized(code);
  const start = process.cpuUsage();
  check(Uint8Array.from(bytes.bytes));
  const { user, system } = process.cpuUsage(start);
  expect((user + system) / 1000).toBeLessThan(5_000);
});
