/** All suites, the cheapest first, so that simple mistakes are found before an image boots. */
import { runBuild } from "./build-suite.ts";
import { runFuzz } from "./fuzz-suite.ts";
import { runKernel } from "./kernel-suite.ts";
import { runGuards } from "./guards-suite.ts";
import type { Suite } from "./result.ts";
import { runTypes } from "./types-suite.ts";
import { runVitest } from "./vitest-suite.ts";

export const SUITES: readonly Suite[] = [
  { name: "types", about: "formatter, linter and tsc: every project of the tree", run: runTypes },
  {
    name: "host",
    about: "tools, kernel core and services in Node",
    run: (context) => runVitest(context, "host"),
  },
  { name: "fuzz", about: "10,000 random functions: machine code against V8", run: runFuzz },
  {
    name: "build",
    about: "the main image on each medium, the same from two places",
    run: runBuild,
  },
  { name: "kernel", about: "the kernel test image in QEMU, on twelve processors", run: runKernel },
  {
    name: "guards",
    about: "attacks against kernels that each lack one guard: what stops what",
    run: runGuards,
  },
  {
    name: "system",
    about: "booted images, driven by their serial line",
    run: (context) => runVitest(context, "system"),
  },
];
