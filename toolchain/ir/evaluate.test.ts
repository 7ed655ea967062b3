import { expect, test } from "vitest";
import { Random } from "../fuzz/random.ts";
import { WasmWriter } from "../fuzz/wasm-writer.ts";
import { PLAIN_OPERATIONS } from "../wasm/instruction-set.ts";
import { ValueType } from "../wasm/types.ts";
import { evaluate } from "./evaluate.ts";
import { isPure, Type } from "./opcode.ts";
import { IR_OPERATIONS } from "./wasm-operations.ts";

const EDGES = [
  0n,
  1n,
  2n,
  31n,
  32n,
  33n,
  63n,
  64n,
  65n,
  0x7fn,
  0x80n,
  0xffn,
  0x7fffn,
  0x8000n,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  1n << 63n,
  (1n << 64n) - 1n,
];

const operations = [...IR_OPERATIONS]
  .filter(([, { op }]) => isPure(op))
  .map(([opcode, operation]) => ({ opcode, operation, plain: PLAIN_OPERATIONS.get(opcode)! }));

test.each(operations.map((entry) => [entry.plain.name, entry] as const))(
  "%s means what the engine says",
  (_name, { opcode, operation, plain }) => {
    const run = engineFunction(opcode, plain.parameters, plain.result!);
    const random = new Random(opcode);
    const word = (): bigint =>
      random.chance(60)
        ? random.pick(EDGES)
        : (BigInt(random.next()) << 32n) | BigInt(random.next());
    for (let round = 0; round < 200; round++) {
      const operands = plain.parameters.map((type) =>
        BigInt.asUintN(type === ValueType.I32 ? 32 : 64, word()),
      );
      const expected = run(
        ...operands.map((bits, i) =>
          plain.parameters[i] === ValueType.I32 ? Number(bits) | 0 : bits,
        ),
      );
      const width = operation.result === Type.I32 ? 32 : 64;
      expect(evaluate(operation.op, operation.type, operands), operands.join()).toBe(
        BigInt.asUintN(width, BigInt(expected)),
      );
    }
  },
);

function engineFunction(
  opcode: number,
  parameters: readonly ValueType[],
  result: ValueType,
): (...operands: (number | bigint)[]) => number | bigint {
  const type = new WasmWriter().byte(1, 0x60, parameters.length, ...parameters, 1, result);
  const body = new WasmWriter().byte(0);
  parameters.forEach((_, index) => body.byte(0x20, index));
  body.byte(opcode, 0x0b);
  const module = new WasmWriter()
    .byte(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1)
    .sized(type)
    .byte(3, 2, 1, 0, 7, 5, 1, 1, 0x66, 0, 0);
  module.byte(10).sized(new WasmWriter().byte(1).sized(body));
  const instance = new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.from(module.bytes)));
  return instance.exports["f"] as (...operands: (number | bigint)[]) => number | bigint;
}
