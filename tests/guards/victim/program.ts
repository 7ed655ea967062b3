import { defineProgram } from "../../../toolchain/vocabulary/program.ts";
import AttackPlan from "../../../services/interfaces/attack-plan.idl.ts";

/** Waits for an answer that never comes: whoever answers is a forger. */
export default defineProgram({
  name: "victim",
  entry: "main.ts",
  uses: { plan: AttackPlan },
  kernel: { log: "Log" },
});
