/**
 * Differential campaign: `node toolchain/fuzz/main.ts [seed] [functions] [workers]` compiles random functions, runs them as Linux processes and in this
 * engine, and compares. It fails on a difference, and if the campaign left a selection rule or an event of the allocator unreached.
 */
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { runCampaign } from "./campaign.ts";
import { reportCampaign } from "./campaign-report.ts";
import { runCampaignInWorkers } from "./campaign-workers.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const FUNCTIONS_DEFAULT = 10_000;

const parameters = process.argv.slice(2);
if (parameters[0] === "--worker") {
  const [, seed, functions, huge] = parameters;
  process.stdout.write(JSON.stringify(runCampaign(ROOT, Number(seed), Number(functions), huge === "true")));
} else {
  const [seed = 1, functions = FUNCTIONS_DEFAULT, workers = Math.min(2, availableParallelism())] = parameters.map(Number);
  const report = reportCampaign(await runCampaignInWorkers(ROOT, { seed, functions, workers }));
  process.stdout.write(report.text);
  process.exitCode = report.passed ? 0 : 1;
}
