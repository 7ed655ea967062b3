import { chmodSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FaultKind } from "../../kernel/abi/fault.ts";
import { BUILD } from "../cache/tree.ts";
import { compileModule } from "../compiler/compile-module.ts";
import { linkModule } from "../compiler/link-module.ts";
import { readElf, sectionNamed } from "../elf/read.ts";
import { buildModule } from "../ir/build.ts";
import { verifyExecutable } from "../verify/verify.ts";
import { randomScenario } from "./campaign.ts";
import { CodeMutator } from "./code-mutator.ts";
import { HarnessRequests } from "./harness-process.ts";
import type { Scenario } from "./machine-differential.ts";
import { Random } from "./random.ts";

export interface MutationResult {
  readonly mutants: number;
  /** Refused by the verifier. */
  readonly refused: number;
  /** Accepted, and run to the end or stopped in an endless loop. */
  readonly run: number;
  /**
   * Accepted mutants that touched something outside of their memory, their stack or their globals.
   */
  readonly escapes: readonly string[];
  /** Mutants and those of them accepted, by the kind of the change. */
  readonly kinds: Readonly<Record<string, readonly [made: number, accepted: number]>>;
}

/** A mutant may loop without end: it is stopped after this time. */
const PROCESSOR_SECONDS_MAX = 1;
const STACK_BYTES = 1 << 20;

/**
 * Changes the code of a random module, by bytes and by instructions, and runs what the verifier
 * still accepts: it may compute anything and trap as it likes, but not leave its memory. Outside of
 * the window next to nothing is mapped in the process, so that leaving it is a fault of its own
 * kind; on the stack and behind the globals, where something is, the harness looks whether it is as
 * it was.
 */
export function runMutants(root: string, seed: number, count: number): MutationResult {
  const scenario = randomScenario(seed);
  const random = new Random(seed ^ 0x5eed);
  const { name, level, lowPagesUsed } = scenario;
  const module = buildModule(scenario.wasm, { name, target: "linux", level, lowPagesUsed });
  const codes = compileModule(module, { check: false, optimize: scenario.optimize });
  const original = linkModule(root, module, codes, {
    extraObjects: [],
    stackBytes: STACK_BYTES,
    program: "harness",
  });
  const text = sectionNamed(readElf(original, scenario.name), ".text")!.bytes;
  const textOffset = text.byteOffset - original.byteOffset;
  const mutator = new CodeMutator(text, random);
  const calls = requestsOf(scenario, [...module.exports.keys()]);

  let [refused, run] = [0, 0];
  const escapes: string[] = [];
  const kinds: Record<string, [number, number]> = {};
  for (let mutant = 0; mutant < count; mutant++) {
    const bytes = original.slice();
    const code = bytes.subarray(textOffset, textOffset + text.length);
    const { kind, changes } = mutator.mutate(code);
    const counts = (kinds[kind] ??= [0, 0]);
    counts[0]++;
    if (verifyExecutable(bytes, "linux", scenario.name).length > 0) {
      refused++;
      continue;
    }
    run++;
    counts[1]++;
    const escape = runMutant(root, bytes, calls, scenario.calls.length);
    if (escape !== null)
      escapes.push(`${scenario.name}, mutant ${mutant}, ${changes.join("; ")}: ${escape}`);
  }
  return { mutants: count, refused, run, escapes, kinds };
}

function requestsOf(scenario: Scenario, names: readonly string[]): HarnessRequests {
  const requests = new HarnessRequests();
  for (const { name, operands } of scenario.calls) requests.call(names.indexOf(name), operands);
  return requests;
}

/** What an accepted mutant did that it may not, or null. */
function runMutant(
  root: string,
  bytes: Uint8Array,
  requests: HarnessRequests,
  calls: number,
): string | null {
  const folder = join(root, BUILD.cache, "fuzz");
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${process.pid}-mutant.elf`);
  writeFileSync(path, bytes);
  chmodSync(path, 0o755);
  try {
    const answers = requests.run(path, PROCESSOR_SECONDS_MAX);
    for (let call = 0; call < calls; call++) {
      const { trap, unpreserved } = answers.call();
      if (trap === FaultKind.Protection) return `call ${call} touches what is not its own`;
      if (unpreserved.length > 0)
        return `call ${call} changes ${unpreserved.map((register) => (register === 16 ? "memory that is not its own" : `register ${register}`)).join(", ")}`;
    }
    return null;
  } catch (error) {
    const message = (error as Error).message;
    return message.includes("SIGXCPU") ? null : message;
  } finally {
    rmSync(path, { force: true });
  }
}
