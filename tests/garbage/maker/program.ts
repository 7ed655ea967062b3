import { defineProgram } from "../../../toolchain/vocabulary/program.ts";
import Maker from "../maker.idl.ts";

/** Makes objects while it serves, so that the compiler gives it the collector. */
export default defineProgram({
  name: "maker",
  entry: "main.ts",
  serves: { own: Maker },
  kernel: { log: "Log", clock: "Clock" },
  memoryPagesMax: 8,
});
