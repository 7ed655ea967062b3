/** Runs all attacks against kernels that each lack one guard (tests/guards), and prints a table. */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { CaseResult, SuiteContext } from "./result.ts";
import { runVitest } from "./vitest-suite.ts";

const TABLE = "build/test/guards.txt";

export async function runGuards(context: SuiteContext): Promise<CaseResult[]> {
  const path = join(context.root, TABLE);
  rmSync(path, { force: true });
  context.log("eleven kernels, one with all guards and ten without one of them");
  const cases = await runVitest(context, "guards");
  if (existsSync(path)) readFileSync(path, "utf8").trimEnd().split("\n").forEach(context.log);
  return cases;
}
