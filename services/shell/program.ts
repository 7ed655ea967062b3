import { defineProgram } from "../../toolchain/vocabulary/program.ts";
import AttackPlan from "../interfaces/attack-plan.idl.ts";
import Console from "../interfaces/console.idl.ts";
import Echo from "../interfaces/echo.idl.ts";
import Supervisor from "../interfaces/supervisor.idl.ts";

export default defineProgram({
  name: "shell",
  entry: "main.ts",
  serves: { attackPlan: AttackPlan },
  uses: { console: Console, supervisor: Supervisor, echo: Echo },
  kernel: {
    clock: "Clock",
    slots: "Slots",
    audit: "Audit",
    policy: "Policy",
    trace: "Trace",
    system: "System",
    log: "Log",
  },
});
