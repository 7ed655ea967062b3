import { defineProgram } from "../../toolchain/vocabulary/program.ts";
import AttackPlan from "../interfaces/attack-plan.idl.ts";
import Echo from "../interfaces/echo.idl.ts";
import Supervisor from "../interfaces/supervisor.idl.ts";

// It holds handles that it has no business with, so that what stops it is the policy and not their
// absence.
export default defineProgram({
  name: "attacker",
  entry: "main.ts",
  uses: { plan: AttackPlan, supervisor: Supervisor, echo: Echo },
  kernel: { slots: "Slots", system: "System" },
});
