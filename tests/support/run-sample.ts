import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { linkModule } from "../../toolchain/compiler/link-module.ts";
import { type CallAnswer, HarnessRequests } from "../../toolchain/fuzz/harness-process.ts";
import type { IrFunction } from "../../toolchain/ir/function.ts";
import type { IrModule } from "../../toolchain/ir/module.ts";
import { formatFinding } from "../../toolchain/verify/finding.ts";
import { verifyExecutable } from "../../toolchain/verify/verify.ts";
import { compileFunction } from "../../toolchain/x64/compile-function.ts";
import { moduleOf } from "./sample-function.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const PROCESSOR_SECONDS_MAX = 20;

export interface SampleCall {
  readonly name: string;
  readonly operands: readonly bigint[];
}

/**
 * Compiles hand-built functions for linux, checks that the verifier accepts them, makes the calls
 * in one process, in order, and returns their results; for tests.
 */
export function runSample(
  functions: readonly IrFunction[],
  calls: readonly SampleCall[],
  more: Partial<IrModule> = {},
): CallAnswer[] {
  const module = moduleOf("linux", functions, more);
  const codes = functions.map((fn) => compileFunction(fn, module, { check: true }));
  const elf = linkModule(ROOT, module, codes, {
    extraObjects: [],
    stackBytes: 1 << 20,
    program: "harness",
  });
  const findings = verifyExecutable(elf, "linux", "sample");
  if (findings.length > 0) throw new Error(findings.map(formatFinding).join("\n"));
  const folder = mkdtempSync(join(tmpdir(), "sample-"));
  try {
    const path = join(folder, "sample.elf");
    writeFileSync(path, elf);
    chmodSync(path, 0o755);
    const numbers = [...module.exports.keys()];
    const requests = new HarnessRequests();
    for (const { name, operands } of calls) requests.call(numbers.indexOf(name), operands);
    const answers = requests.run(path, PROCESSOR_SECONDS_MAX);
    return calls.map(() => answers.call());
  } finally {
    rmSync(folder, { recursive: true });
  }
}
