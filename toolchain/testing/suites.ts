/** All suites, cheapest first, so that a simple mistake shows before anything is booted. */
import type { Suite } from "./result.ts";
import { runTypes } from "./types-suite.ts";
import { runVitest } from "./vitest-suite.ts";

export const SUITES: readonly Suite[] = [
  { name: "types", about: "every project of the tree passes tsc", run: runTypes },
  { name: "host", about: "tools, kernel core and services in Node", run: (context) => runVitest(context, "host", "vitest.config.ts") },
];
