import { defineProgram } from "../../../toolchain/vocabulary/program.ts";

/**
 * Measures collections of heaps that it knows, with the time-stamp counter: under QEMU's -icount it
 * ticks once an instruction.
 */
export default defineProgram({
  name: "pauser",
  entry: "main.ts",
  kernel: { log: "Log" },
  memoryPagesMax: 8,
});
