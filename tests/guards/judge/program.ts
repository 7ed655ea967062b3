import { defineProgram } from "../../../toolchain/vocabulary/program.ts";
import AttackPlan from "../../../services/interfaces/attack-plan.idl.ts";
import Fault from "../../../services/interfaces/kernel/fault.idl.ts";
import Supervisor from "../../../services/interfaces/supervisor.idl.ts";

/**
 * Slot 0: has each attack made by a fresh instance of the attacker, and prints what became of it on
 * the kernel's log.
 */
export default defineProgram({
  name: "judge",
  entry: "main.ts",
  serves: { plan: AttackPlan, control: Supervisor, faults: Fault },
  kernel: { clock: "Clock", slots: "Slots", log: "Log", system: "System" },
});
