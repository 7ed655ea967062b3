/**
 * The tests that run services and drivers in Node, each program with the collector, which runs at
 * every turn: they hold all the same.
 */
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Iteration } from "./slice.ts";
import { runVitest } from "./vitest.ts";

/** Set in the environment, it makes tests/support/service-in-node.ts do so. */
export const STRESS_COLLECTOR = "TRINE_STRESS_COLLECTOR";

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
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile=${outputFile}`];
  const said = await runVitest(root, [...reporters, ...files], { [STRESS_COLLECTOR]: "1" });
  const { success, numPassedTests } = JSON.parse(readFileSync(outputFile, "utf8")) as Results;
  if (!success || numPassedTests === 0) throw new Error(`no test passed\n${said}`);
  return numPassedTests;
}
