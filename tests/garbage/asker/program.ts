import { defineProgram } from "../../../toolchain/vocabulary/program.ts";
import Maker from "../maker.idl.ts";

/** Asks without an end, and says now and then what the server takes. */
export default defineProgram({
  name: "asker",
  entry: "main.ts",
  uses: { maker: Maker, greedy: Maker, starved: Maker },
  kernel: { log: "Log" },
});
