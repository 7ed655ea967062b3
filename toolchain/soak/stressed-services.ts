/**
 * The tests that run services and drivers in Node, each program with the collector, which runs at
 * every turn: they hold all the same.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Iteration } from "./slice.ts";

/** Set in the environment, it makes tests/support/service-in-node.ts do so. */
export const STRESS_COLLECTOR = "TRINE_STRESS_COLLECTOR";
/** Half a minute of a busy host. */
const TIMEOUT_MS = 480_000;
const SAID_CHARACTERS = 3000;

interface Results {
  readonly success: boolean;
  readonly numPassedTests: number;
}

export async function prepareStressedServices(root: string): Promise<Iteration> {
  const files = stressedTests(root);
  return async () => {
    const folder = mkdtempSync(join(tmpdir(), "trine-stressed-"));
    try {
      return await run(root, files, join(folder, "results.json"));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  };
}

/** Those beside services and drivers that load one in Node. */
export function stressedTests(root: string): string[] {
  const all = globSync("{services,drivers}/**/*.test.ts", { cwd: root }).sort();
  return all.filter((file) =>
    readFileSync(join(root, file), "utf8").includes("support/service-in-node"),
  );
}

async function run(root: string, files: readonly string[], outputFile: string): Promise<number> {
  const parameters = [
    "run",
    "--project",
    "host",
    "--reporter=default",
    "--reporter=json",
    `--outputFile=${outputFile}`,
  ];
  const child = spawn(
    process.execPath,
    [join(root, "node_modules/vitest/vitest.mjs"), ...parameters, ...files],
    {
      cwd: root,
      env: { ...process.env, [STRESS_COLLECTOR]: "1" },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: TIMEOUT_MS,
    },
  );
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (said += text));
  const [status] = (await once(child, "close")) as [number | null];
  if (status !== 0) throw new Error(`vitest ends with ${status}\n${said.slice(-SAID_CHARACTERS)}`);
  const { success, numPassedTests } = JSON.parse(readFileSync(outputFile, "utf8")) as Results;
  if (!success || numPassedTests === 0)
    throw new Error(`no test passed\n${said.slice(-SAID_CHARACTERS)}`);
  return numPassedTests;
}
