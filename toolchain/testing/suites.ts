/** All suites, cheapest first, so that a simple mistake shows before anything is booted. */
import { buildImage } from "../build/build-image.ts";
import { runKernel } from "./kernel-suite.ts";
import { type CaseResult, runCase, type Suite, type SuiteContext } from "./result.ts";
import { runTypes } from "./types-suite.ts";
import { runVitest } from "./vitest-suite.ts";

export const SUITES: readonly Suite[] = [
  { name: "types", about: "every project of the tree passes tsc", run: runTypes },
  { name: "host", about: "tools, kernel core and services in Node", run: (context) => runVitest(context, "host", "vitest.config.ts") },
  { name: "build", about: "the main image in each form", run: runBuild },
  { name: "kernel", about: "the kernel test image in QEMU", run: runKernel },
  { name: "system", about: "booted images, driven by their serial line", run: (context) => runVitest(context, "system", "vitest.system.config.ts") },
];

async function runBuild({ root, log }: SuiteContext): Promise<CaseResult[]> {
  const cases: CaseResult[] = [];
  for (const medium of ["kernel", "iso", "disk"] as const) {
    log(medium);
    const result = await runCase(`the main image builds as ${medium}, every program verified`, async () => {
      const { programs } = await buildImage({ root, image: "main", medium, release: false, without: undefined }, "plain");
      const unverified = programs.filter(({ verified }) => !verified).map(({ name }) => name);
      if (unverified.length > 0) throw new Error(`the verifier refuses ${unverified.join(", ")}`);
    });
    cases.push(result);
  }
  return cases;
}
