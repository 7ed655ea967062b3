import { defineProgram } from "../../../toolchain/vocabulary/program.ts";
import Timing from "../timing.idl.ts";

/**
 * Makes a serial port interrupt and says how long it took until the driver knew. Alone has the
 * ports, so that no other domain's switches pay for them.
 */
export default defineProgram({
  name: "trigger",
  entry: "main.ts",
  serves: { own: Timing },
  uses: { driver: Timing },
  devices: { registers: "ports" },
  memoryPagesMax: 16,
});
