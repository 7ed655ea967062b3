/**
 * Random policies and messages: compiler and kernel against a reference written from the language
 * page. An iteration is 100 policies with 1,000 messages each; ten make a million.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Iteration } from "./slice.ts";

/** Set in the environment, it makes tests/policy/reference.test.ts run a longer one. */
export const REFERENCE_SEED = "TRINE_REFERENCE_SEED";
const TEST = "tests/policy/reference.test.ts";
const MESSAGES = 100_000;
/** Two minutes of a busy host. */
const TIMEOUT_MS = 480_000;
const SAID_CHARACTERS = 3000;

export async function preparePolicyReference(root: string): Promise<Iteration> {
  return async (seed) => {
    const child = spawn(
      process.execPath,
      [
        join(root, "node_modules/vitest/vitest.mjs"),
        "run",
        "--project",
        "host",
        `--testTimeout=${TIMEOUT_MS}`,
        TEST,
      ],
      {
        cwd: root,
        env: { ...process.env, [REFERENCE_SEED]: String(seed) },
        stdio: ["ignore", "pipe", "pipe"],
        timeout: TIMEOUT_MS,
      },
    );
    let said = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => (said += text));
    const [status] = (await once(child, "close")) as [number | null];
    if (status !== 0)
      throw new Error(`vitest ends with ${status}\n${said.slice(-SAID_CHARACTERS)}`);
    return MESSAGES;
  };
}
