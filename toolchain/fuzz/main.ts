/**
 * Differential campaign: `node toolchain/fuzz/main.ts [seed] [functions] [workers]` compiles random functions, runs them as Linux processes and in this
 * engine, and compares. It fails on a difference, and if the campaign left a selection rule or an event of the allocator unreached.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { type CampaignResult, runCampaign } from "./campaign.ts";
import { mergeCampaigns, reportCampaign } from "./campaign-report.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const FUNCTIONS_DEFAULT = 10_000;
/** Seeds of one worker are so far apart that no other reaches them. */
const SEEDS_PER_WORKER = 1_000_000;

const [seed = 1, functions = FUNCTIONS_DEFAULT, workers = Math.min(2, availableParallelism())] = process.argv.slice(2).map(Number);
const worker = process.env["TRINE_FUZZ_WORKER"];
if (worker !== undefined) {
  process.stdout.write(JSON.stringify(runCampaign(ROOT, seed, functions, worker === "0")));
} else {
  const parts = await Promise.all(Array.from({ length: workers }, (_, index) => runWorker(index, seed + index * SEEDS_PER_WORKER, Math.ceil(functions / workers))));
  const report = reportCampaign(mergeCampaigns(parts));
  process.stdout.write(report.text);
  process.exitCode = report.passed ? 0 : 1;
}

async function runWorker(index: number, firstSeed: number, count: number): Promise<CampaignResult> {
  const child = spawn(process.execPath, [...process.execArgv, process.argv[1]!, String(firstSeed), String(count)], {
    stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, TRINE_FUZZ_WORKER: String(index) },
  });
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  const [status] = (await once(child, "close")) as [number];
  if (status !== 0) throw new Error(`the worker of seed ${firstSeed} ended with ${status}`);
  return JSON.parse(Buffer.concat(chunks).toString()) as CampaignResult;
}
