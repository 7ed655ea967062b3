/** Compares random functions as machine code with the WebAssembly engine of this process. */
import { reportCampaign } from "../fuzz/campaign-report.ts";
import { runCampaignInWorkers } from "../fuzz/campaign-workers.ts";
import { type CaseResult, runCase, type SuiteContext } from "./result.ts";

const PLAN = { seed: 1, functions: 10_000, workers: 2 };

export async function runFuzz({ root, log }: SuiteContext): Promise<CaseResult[]> {
  return [
    await runCase(
      `${PLAN.functions} random functions compute as machine code what they do in the engine, and every rule is reached`,
      async () => {
        const { passed, text } = reportCampaign(await runCampaignInWorkers(root, PLAN));
        const lines = text.split("\n");
        log(lines[0]!);
        if (!passed)
          throw new Error(
            lines.filter((line) => /^(DIFFERENCE|never reached)/.test(line)).join("\n"),
          );
      },
    ),
  ];
}
