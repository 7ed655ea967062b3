import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { CampaignResult } from "./campaign.ts";
import { mergeCampaigns } from "./campaign-report.ts";

interface CampaignPlan {
  readonly seed: number;
  readonly functions: number;
  /** Processes, each with seeds of its own. */
  readonly workers: number;
}

/** Seeds of one worker are so far apart that no other reaches them. */
const SEEDS_PER_WORKER = 1_000_000;
/** Runs the tools' sources as they stand in the tree, also where the caller is a bundle. */
const NODE_OPTIONS = ["--experimental-transform-types", "--no-warnings"];

/** A campaign spread over several processes: the same for the same plan. */
export async function runCampaignInWorkers(
  root: string,
  { seed, functions, workers }: CampaignPlan,
): Promise<CampaignResult> {
  const share = Math.ceil(functions / workers);
  return mergeCampaigns(
    await Promise.all(
      Array.from({ length: workers }, (_, index) =>
        runWorker(root, seed + index * SEEDS_PER_WORKER, share, index === 0),
      ),
    ),
  );
}

async function runWorker(
  root: string,
  seed: number,
  functions: number,
  huge: boolean,
): Promise<CampaignResult> {
  const worker = [
    join(root, "toolchain/fuzz/campaign-worker.ts"),
    String(seed),
    String(functions),
    String(huge),
  ];
  const child = spawn(process.execPath, [...NODE_OPTIONS, ...worker], {
    cwd: root,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  const [status] = (await once(child, "close")) as [number | null];
  if (status !== 0) throw new Error(`the campaign's worker of seed ${seed} ended with ${status}`);
  return JSON.parse(Buffer.concat(chunks).toString()) as CampaignResult;
}
