import { defineProgram } from "../../../toolchain/vocabulary/program.ts";
import Timing from "../timing.idl.ts";

/** Waits for an interrupt and records when its notice arrived. */
export default defineProgram({
  name: "benchDriver",
  entry: "main.ts",
  serves: { own: Timing },
  devices: { line: "interrupt" },
  memoryPagesMax: 16,
});
