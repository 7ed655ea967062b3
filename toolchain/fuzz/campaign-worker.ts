/**
 * One process of a campaign (campaign-workers.ts): seed, functions, and whether the huge functions
 * are its; prints its result.
 */
import { resolve } from "node:path";
import { runCampaign } from "./campaign.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const [seed, functions, huge] = process.argv.slice(2);
process.stdout.write(
  JSON.stringify(runCampaign(ROOT, Number(seed), Number(functions), huge === "true")),
);
