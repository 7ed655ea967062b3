import { defineProgram } from "../../../toolchain/vocabulary/program.ts";
import AttackPlan from "../../../services/interfaces/attack-plan.idl.ts";

/** Waits for an answer that never comes: an answer is a forged one. */
export default defineProgram({
  name: "victim",
  entry: "main.ts",
  uses: { plan: AttackPlan },
  kernel: { log: "Log" },
});
