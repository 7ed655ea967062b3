/** All benches, in the order of docs/figures.md. */
import { runCoverageBench } from "./coverage-bench.ts";
import type { Bench } from "./figure.ts";
import { runHardwareBench } from "./hardware-bench.ts";
import { runKernelBench } from "./kernel-bench.ts";
import { runSizesBench } from "./sizes-bench.ts";
import { runStartBench } from "./start-bench.ts";

export const BENCHES: readonly Bench[] = [
  { name: "kernel", about: "messages, notices, domains: guest instructions", run: runKernelBench },
  {
    name: "hardware",
    about: "what a round trip touches, and what it is spared",
    run: runHardwareBench,
  },
  { name: "start", about: "QEMU start to prompt, median of 9", run: runStartBench },
  { name: "sizes", about: "bytes that boot, lines that must be trusted", run: runSizesBench },
  { name: "coverage", about: "code of the tools that tests in Node reach", run: runCoverageBench },
];
