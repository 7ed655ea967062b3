/**
 * Holds the IR, as the pipeline leaves it, against the wasm engine of this process: results, traps
 * by kind, memory and globals.
 */
import { buildModule } from "../ir/build.ts";
import { Interpreter, TrapError } from "../ir/interpret.ts";
import { TrapKind } from "../ir/machine-code.ts";
import type { IrModule } from "../ir/module.ts";
import { optimize } from "../ir/passes/pipeline.ts";
import { verifyFunction } from "../ir/verify.ts";
import { type GeneratedModule, generateModule } from "./generate.ts";
import type { IntegerType } from "./module-shape.ts";
import { Random } from "./random.ts";

/** The first difference of a generated module, or null. */
export function compareWithEngine(
  seed: number,
  size: number,
  runsPerExport: number,
): string | null {
  const generated = generateModule(seed, size);
  const module = buildModule(generated.wasm, {
    name: `seed${seed}`,
    target: "linux",
    lowPagesUsed: generated.lowPagesUsed,
  });
  for (const entry of module.functions) if (entry.kind === "defined") optimize(entry.body, module);
  const findings = module.functions.flatMap((entry) =>
    entry.kind === "defined" ? verifyFunction(entry.body, { scheduled: true, module }) : [],
  );
  if (findings.length > 0) return `seed ${seed}: ${findings[0]}`;
  return compareRuns(generated, module, seed, runsPerExport);
}

function compareRuns(
  generated: GeneratedModule,
  module: IrModule,
  seed: number,
  runsPerExport: number,
): string | null {
  const instance = new WebAssembly.Instance(
    new WebAssembly.Module(generated.wasm as Uint8Array<ArrayBuffer>),
  );
  const engine = instance.exports as Record<string, (...operands: (number | bigint)[]) => bigint>;
  const interpreter = new Interpreter(module);
  const random = new Random(seed + 1);
  for (const { name, params } of generated.exports) {
    for (let run = 0; run < runsPerExport; run++) {
      const operands = params.map((type) => randomOperand(random, type));
      const expected = outcome(() =>
        engine[name]!(
          ...operands.map((bits, i) => (params[i] === "i32" ? Number(bits) | 0 : bits)),
        ),
      );
      const actual = outcome(() => interpreter.call(name, operands)[0]!);
      const call = `seed ${seed}: ${name}(${operands.join(", ")})`;
      if (expected !== actual)
        return `${call} is ${expected} in the engine and ${actual} in the IR`;
      const memory = new Uint8Array((instance.exports["memory"] as WebAssembly.Memory).buffer);
      if (Buffer.compare(memory, interpreter.memory) !== 0) return `${call} leaves other memory`;
    }
  }
  // The hash of memory and globals costs more than all runs, so that globals are compared once.
  const [expected, actual] = [
    outcome(() => engine["checksum"]!()),
    outcome(() => interpreter.call("checksum", [])[0]!),
  ];
  return expected === actual
    ? null
    : `seed ${seed}: checksum is ${expected} in the engine and ${actual} in the IR`;
}

export function randomOperand(random: Random, type: IntegerType): bigint {
  const bits = type === "i32" ? 32 : 64;
  if (random.chance(50)) return BigInt.asUintN(bits, BigInt(random.below(300) - 100));
  return BigInt.asUintN(bits, (BigInt(random.next()) << 32n) | BigInt(random.next()));
}

/** The result in decimal, or the kind of trap in words that all executors share. */
function outcome(run: () => bigint): string {
  try {
    return String(BigInt.asUintN(64, run()));
  } catch (error) {
    if (error instanceof TrapError) return `trap: ${TrapKind[kindInEngine(error.kind)]}`;
    if (error instanceof WebAssembly.RuntimeError)
      return `trap: ${TrapKind[engineTrap(error.message)]}`;
    if (error instanceof RangeError) return `trap: ${TrapKind[TrapKind.StackExhausted]}`;
    throw error;
  }
}

/**
 * V8 says the same of an indirect call and of table.init beyond a table, which both count as out of
 * bounds here, and of a null entry and one of another signature.
 */
function kindInEngine(kind: TrapKind): TrapKind {
  if (kind === TrapKind.IndirectCallBound) return TrapKind.OutOfBounds;
  return kind === TrapKind.IndirectCallNull ? TrapKind.IndirectCallSignature : kind;
}

/** V8's words for traps. */
export function engineTrap(message: string): TrapKind {
  if (message.includes("unreachable")) return TrapKind.Unreachable;
  if (/divide|remainder/.test(message)) return TrapKind.Divide;
  if (message.includes("signature mismatch")) return TrapKind.IndirectCallSignature;
  return TrapKind.OutOfBounds;
}
