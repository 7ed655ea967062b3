/**
 * Random policies and messages: compiler and kernel against a reference written from the language
 * page. An iteration is 100 policies with 1,000 messages each; ten make a million.
 */
import type { Iteration } from "./slice.ts";
import { VITEST_TIMEOUT_MS, runVitest } from "./vitest.ts";

/** Set in the environment, it makes tests/policy/reference.test.ts run a longer one. */
export const REFERENCE_SEED = "TRINE_REFERENCE_SEED";
const TEST = "tests/policy/reference.test.ts";
const MESSAGES = 100_000;

export async function preparePolicyReference(root: string): Promise<Iteration> {
  const parameters = [`--testTimeout=${VITEST_TIMEOUT_MS}`, TEST];
  return async (seed) => {
    await runVitest(root, parameters, { [REFERENCE_SEED]: String(seed) });
    return MESSAGES;
  };
}
