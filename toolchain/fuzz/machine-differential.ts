import { chmodSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FaultKind } from "../../kernel/abi/fault.ts";
import { BUILD } from "../cache/tree.ts";
import { compileModule } from "../compiler/compile-module.ts";
import { linkModule } from "../compiler/link-module.ts";
import { buildModule } from "../ir/build.ts";
import type { IrModule, Level } from "../ir/module.ts";
import { Type } from "../ir/opcode.ts";
import { formatFinding } from "../verify/finding.ts";
import { verifyExecutable } from "../verify/verify.ts";
import { HarnessRequests, type HarnessAnswers, hashMemory } from "./harness-process.ts";

/** A wasm module and the calls to make, in order, on one instance. */
export interface Scenario {
  readonly name: string;
  readonly wasm: Uint8Array;
  readonly lowPagesUsed: boolean;
  /** False: the back end gets the functions as they were built. */
  readonly optimize: boolean;
  /** What the code may use of the processor. */
  readonly level: Level;
  /** Another module for the engine, to show that differences are found. */
  readonly engineWasm?: Uint8Array;
  readonly calls: readonly { readonly name: string; readonly operands: readonly bigint[] }[];
}

export interface ScenarioResult {
  /** The first difference between machine code and engine, null if there is none. */
  readonly difference: string | null;
  /** Functions compiled. */
  readonly functions: number;
  /** Calls compared. */
  readonly calls: number;
  /** How often each fault was seen, on both sides alike. */
  readonly faults: ReadonlyMap<FaultKind, number>;
}

const PROCESSOR_SECONDS_MAX = 20;
const STACK_BYTES = 1 << 20;
const LOW_BYTES = 65_536;

/**
 * Compiles the module for linux, verifies the executable, makes the calls there and in this
 * process's engine, and compares results, faults by kind, memory, its size, and all globals that
 * code can read.
 */
export function compareWithMachineCode(root: string, scenario: Scenario): ScenarioResult {
  const { name, level, lowPagesUsed } = scenario;
  const module = buildModule(scenario.wasm, { name, target: "linux", level, lowPagesUsed });
  const codes = compileModule(module, { check: true, optimize: scenario.optimize });
  const elf = linkModule(root, module, codes, {
    extraObjects: [],
    stackBytes: STACK_BYTES,
    program: "harness",
  });
  const result = (
    difference: string | null,
    calls = 0,
    faults = new Map<FaultKind, number>(),
  ): ScenarioResult => ({
    difference: difference === null ? null : `${scenario.name}: ${difference}`,
    functions: codes.length,
    calls,
    faults,
  });
  const [finding] = verifyExecutable(elf, "linux", scenario.name);
  if (finding !== undefined) return result(`the verifier refuses ${formatFinding(finding)}`);

  const folder = join(root, BUILD.cache, "fuzz");
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${process.pid}-${scenario.name}.elf`);
  writeFileSync(path, elf);
  chmodSync(path, 0o755);
  try {
    const numbers = new Map([...module.exports.keys()].map((name, index) => [name, index]));
    const requests = new HarnessRequests();
    for (const { name, operands } of scenario.calls) requests.call(numbers.get(name)!, operands);
    requests.memory();
    requests.globals();
    return compareAnswers(scenario, module, requests.run(path, PROCESSOR_SECONDS_MAX), result);
  } finally {
    rmSync(path, { force: true });
  }
}

type MakeResult = (
  difference: string | null,
  calls?: number,
  faults?: Map<FaultKind, number>,
) => ScenarioResult;

function compareAnswers(
  scenario: Scenario,
  module: IrModule,
  answers: HarnessAnswers,
  result: MakeResult,
): ScenarioResult {
  const instance = new WebAssembly.Instance(
    new WebAssembly.Module((scenario.engineWasm ?? scenario.wasm) as Uint8Array<ArrayBuffer>),
  );
  const faults = new Map<FaultKind, number>();
  let calls = 0;
  for (const { name, operands } of scenario.calls) {
    const call = `${name}(${operands.join(", ")})`;
    const signature = module.signatures[module.functions[module.exports.get(name)!]!.signature]!;
    const answer = answers.call();
    // The engine lets a module use its first 64 KiB. Where ours are not mapped the two part ways
    // here, on purpose.
    if (answer.trap === FaultKind.NullReference) return result(null, calls, faults);
    const engine = callEngine(instance, name, operands, signature.parameters, signature.results);
    calls++;
    if (kindInEngine(answer.trap) !== engine.trap)
      return result(
        `${call} ends with ${faultName(answer.trap)}, in the engine with ${faultName(engine.trap)}`,
        calls,
        faults,
      );
    if (answer.trap !== 0) {
      faults.set(answer.trap, (faults.get(answer.trap) ?? 0) + 1);
      // The depth at which a stack ends is not specified, so the effects before the end differ.
      if (answer.trap === FaultKind.StackExhausted) return result(null, calls, faults);
      continue;
    }
    if (answer.unpreserved.length > 0)
      return result(
        `${call} does not preserve register ${answer.unpreserved.join(", ")}`,
        calls,
        faults,
      );
    for (const [index, expected] of engine.results.entries()) {
      if (answer.results[index] !== expected)
        return result(
          `${call} result ${index} is ${answer.results[index]}, in the engine ${expected}`,
          calls,
          faults,
        );
    }
  }
  return result(compareState(module, instance, answers), calls, faults);
}

function compareState(
  module: IrModule,
  instance: WebAssembly.Instance,
  answers: HarnessAnswers,
): string | null {
  const memory = answers.memory();
  const exported = instance.exports["memory"];
  if (exported instanceof WebAssembly.Memory) {
    const pages = exported.buffer.byteLength / 65_536;
    if (memory.pages !== pages) return `memory has ${memory.pages} pages, in the engine ${pages}`;
    const expected = hashMemory(
      exported.buffer,
      module.memory.lowPagesUsed ? 0 : Math.min(LOW_BYTES, exported.buffer.byteLength),
    );
    if (memory.hash !== expected) return "memory differs";
  }
  const values = answers.globals();
  let position = 0;
  for (const [index, global] of module.globals.entries()) {
    if (!global.mutable || global.threadLocal) continue;
    const actual = values[position++]!;
    const view = instance.exports[`global${index}`];
    if (!(view instanceof WebAssembly.Global)) continue;
    const expected = BigInt.asUintN(
      global.type === Type.I32 ? 32 : 64,
      BigInt(view.value as number | bigint),
    );
    // The upper half of an i32 global's eight bytes means nothing.
    if (BigInt.asUintN(global.type === Type.I32 ? 32 : 64, actual) !== expected)
      return `global ${index} is ${actual}, in the engine ${expected}`;
  }
  return null;
}

/** Results as the registers hold them: i32 zero-extended. */
function callEngine(
  instance: WebAssembly.Instance,
  name: string,
  operands: readonly bigint[],
  parameters: readonly Type[],
  results: readonly Type[],
): { trap: FaultKind; results: bigint[] } {
  const fn = instance.exports[name] as (...values: (number | bigint)[]) => unknown;
  try {
    const value = fn(
      ...operands.map((bits, index) =>
        parameters[index] === Type.I32 ? Number(BigInt.asIntN(32, bits)) : BigInt.asIntN(64, bits),
      ),
    );
    const values =
      results.length === 0
        ? []
        : results.length === 1
          ? [value]
          : [...(value as Iterable<unknown>)];
    return {
      trap: FaultKind.None,
      results: values.map((item, index) =>
        BigInt.asUintN(results[index] === Type.I32 ? 32 : 64, BigInt(item as number | bigint)),
      ),
    };
  } catch (error) {
    return { trap: engineFault(error), results: [] };
  }
}

/** V8 says the same of a null entry and of one of another signature. */
function kindInEngine(trap: FaultKind): FaultKind {
  return trap === FaultKind.IndirectCallNull ? FaultKind.IndirectCallSignature : trap;
}

/** V8's words for traps. */
function engineFault(error: unknown): FaultKind {
  if (error instanceof RangeError) return FaultKind.StackExhausted;
  if (!(error instanceof WebAssembly.RuntimeError)) throw error;
  const { message } = error;
  if (message.includes("unreachable")) return FaultKind.Unreachable;
  if (message.includes("unrepresentable")) return FaultKind.DivideOverflow;
  if (/by zero/.test(message)) return FaultKind.DivideByZero;
  if (message.includes("signature mismatch")) return FaultKind.IndirectCallSignature;
  if (message.includes("table index")) return FaultKind.IndirectCallBound;
  if (message.includes("memory access")) return FaultKind.OutOfBounds;
  throw error;
}

function faultName(kind: number): string {
  return kind === 0 ? "a result" : (FaultKind[kind] ?? `fault ${kind}`);
}
