import { defineProgram } from "../../toolchain/vocabulary/program.ts";
import AttackPlan from "../interfaces/attack-plan.idl.ts";

// The attacker in raw machine code: what no compiler of ours would emit, for the kernel and the
// processor to refuse.
export default defineProgram({
  name: "intruder",
  entry: "main.asm",
  uses: { plan: AttackPlan },
});
