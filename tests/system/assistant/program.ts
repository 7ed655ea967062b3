import { defineProgram } from "../../../toolchain/vocabulary/program.ts";
import Assistant from "../assistant.idl.ts";

/** The tester's counterpart: does on request what a broken or hostile server might do. */
export default defineProgram({
  name: "assistant",
  entry: "main.ts",
  serves: { own: Assistant },
  uses: { tester: Assistant },
  kernel: { clock: "Clock" },
  memoryPagesMax: 32,
});
