import { defineProgram } from "../../toolchain/vocabulary/program.ts";
import Fault from "../interfaces/kernel/fault.idl.ts";
import Supervisor from "../interfaces/supervisor.idl.ts";

export default defineProgram({
  name: "supervisor",
  entry: "main.ts",
  serves: { control: Supervisor, faults: Fault },
  kernel: { clock: "Clock", slots: "Slots", log: "Log" },
});
