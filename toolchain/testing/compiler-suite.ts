/** Our machine code against V8 on random wasm; a rule of the back end that no function reached is a failure too. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { reportCampaign } from "../fuzz/campaign-report.ts";
import { runCampaignInWorkers } from "../fuzz/campaign-workers.ts";
import { type CaseResult, runCase, type SuiteContext } from "./result.ts";

/** Fixed, so that a failure is the change's and not the day's; other seeds are the long tests' business. */
const PLAN = { seed: 1, functions: 10_000, workers: 2 };
const REPORT_FILE = "build/test/compiler.txt";

export async function runCompiler({ root, log }: SuiteContext): Promise<CaseResult[]> {
  const result = await runCase(`${PLAN.functions} random functions do what V8 does, and reach every rule`, async () => {
    const report = reportCampaign(await runCampaignInWorkers(root, PLAN));
    mkdirSync(join(root, "build/test"), { recursive: true });
    writeFileSync(join(root, REPORT_FILE), report.text);
    log(`${report.text.split("\n", 1)[0]}; coverage in ${REPORT_FILE}`);
    if (!report.passed) throw new Error(report.text.split("\n").filter((line) => /^(never reached|DIFFERENCE)/.test(line)).join("\n"));
  });
  return [result];
}
