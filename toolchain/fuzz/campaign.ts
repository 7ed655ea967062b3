import { LEVEL_LEAST } from "../ir/module.ts";
import { coverageCounts } from "../x64/machine/coverage.ts";
import { FaultKind } from "../../kernel/abi/fault.ts";
import { type GeneratedModule, generateModule } from "./generate.ts";
import { randomOperand } from "./differential.ts";
import {
  compareWithMachineCode,
  type Scenario,
  type ScenarioResult,
} from "./machine-differential.ts";
import { levelsHere } from "./processor-level.ts";
import { Random } from "./random.ts";

/**
 * Each module gets about this many functions, so that linking and starting a process are shared by
 * them.
 */
const FUNCTIONS_PER_MODULE: readonly [least: number, more: number] = [12, 12];
/** Makes more instructions than LINEAR_INSTRUCTIONS_MIN of the allocator. */
const HUGE_STATEMENTS = 7_000;
const OPTIMIZED_PERCENT = 70;
const INPUTS_PER_EXPORT = 10;
/**
 * Statements of a function: mostly small ones, now and then one that needs many registers and
 * spills.
 */
const SIZES = [4, 8, 12, 20, 40, 90];

export interface CampaignResult {
  /**
   * Random functions, each called through an export of its own; the wrappers around them do not
   * count.
   */
  readonly functions: number;
  readonly calls: number;
  readonly modules: number;
  readonly differences: readonly string[];
  /** Hits by name, of selection rules and events of the back end. */
  readonly coverage: Readonly<Record<string, number>>;
  readonly faults: Readonly<Record<string, number>>;
}

/** A campaign stops after this many differences. */
const DIFFERENCES_MAX = 10;

/**
 * Compiles and compares random modules from `seed` on, until `functions` were compared; with
 * `huge`, one very large function before.
 */
export function runCampaign(
  root: string,
  seed: number,
  functions: number,
  huge = false,
): CampaignResult {
  const differences: string[] = [];
  const faults = new Map<FaultKind, number>();
  let done = 0;
  let calls = 0;
  let modules = 0;
  const take = (scenario: Scenario): void => {
    const result = compareOrExplain(root, scenario);
    done += new Set(scenario.calls.map((call) => call.name)).size;
    calls += result.calls;
    modules++;
    if (result.difference !== null) differences.push(result.difference);
    for (const [kind, count] of result.faults) faults.set(kind, (faults.get(kind) ?? 0) + count);
  };
  if (huge) take(hugeScenario(seed));
  for (let next = seed; done < functions && differences.length < DIFFERENCES_MAX; next++)
    take(randomScenario(next));
  return {
    functions: done,
    calls,
    modules,
    differences,
    coverage: Object.fromEntries(coverageCounts()),
    faults: Object.fromEntries(
      [...faults].map(([kind, count]) => [FaultKind[kind] ?? String(kind), count]),
    ),
  };
}

/**
 * A compiler, checker or process that fails is a difference like any other: the seed must be named.
 */
function compareOrExplain(root: string, scenario: Scenario): ScenarioResult {
  try {
    return compareWithMachineCode(root, scenario);
  } catch (error) {
    return {
      difference: `${scenario.name}: ${(error as Error).message}`,
      functions: 0,
      calls: 0,
      faults: new Map(),
    };
  }
}

/** One function so large that the allocator falls back to its linear form. */
export function hugeScenario(seed: number): Scenario {
  const random = new Random(seed);
  const generated = generateModule(seed, HUGE_STATEMENTS, {
    functions: [1, 0],
    passiveSegments: false,
  });
  return {
    name: `huge${seed}`,
    wasm: generated.wasm,
    lowPagesUsed: generated.lowPagesUsed,
    optimize: false,
    level: LEVEL_LEAST,
    calls: randomCalls(random, generated),
  };
}

/** The module and the calls of a seed: the same for the same seed. */
export function randomScenario(seed: number): Scenario {
  const random = new Random(seed);
  const generated = generateModule(seed, random.pick(SIZES), {
    functions: FUNCTIONS_PER_MODULE,
    passiveSegments: false,
  });
  const calls = randomCalls(random, generated);
  return {
    name: `seed${seed}`,
    wasm: generated.wasm,
    lowPagesUsed: generated.lowPagesUsed,
    optimize: random.chance(OPTIMIZED_PERCENT),
    level: random.pick(levelsHere()),
    calls,
  };
}

function randomCalls(random: Random, generated: GeneratedModule): Scenario["calls"] {
  return generated.exports.flatMap(({ name, params }) =>
    Array.from({ length: INPUTS_PER_EXPORT }, () => ({
      name,
      operands: params.map((type) => randomOperand(random, type)),
    })),
  );
}
