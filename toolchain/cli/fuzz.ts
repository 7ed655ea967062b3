/**
 * `trine fuzz`: runs random functions as machine code in Linux processes, and compares the results
 * with the WebAssembly engine of this process.
 */
import { availableParallelism } from "node:os";
import { findRoot } from "../cache/tree.ts";
import { reportCampaign } from "../fuzz/campaign-report.ts";
import { runCampaignInWorkers } from "../fuzz/campaign-workers.ts";
import { Refused } from "./failure.ts";
import { numberOption } from "../report/number-option.ts";

export interface FuzzOptions {
  readonly seed: string;
  readonly functions: string;
  readonly json: boolean;
}

/** Each worker occupies a core. */
const WORKERS_MAX = 2;

export async function fuzz(options: FuzzOptions): Promise<void> {
  const plan = {
    seed: numberOption("--seed", options.seed),
    functions: numberOption("--functions", options.functions, 1),
    workers: Math.min(WORKERS_MAX, availableParallelism()),
  };
  const result = await runCampaignInWorkers(findRoot(), plan);
  const { passed, text } = reportCampaign(result);
  process.stdout.write(options.json ? `${JSON.stringify({ ...plan, passed, ...result })}\n` : text);
  if (!passed) throw new Refused();
}
