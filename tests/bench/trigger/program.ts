import { defineProgram } from "../../../toolchain/vocabulary/program.ts";
import Timing from "../timing.idl.ts";

/**
 * Makes a serial port interrupt and returns how long it took until the driver was notified. Only
 * this domain has ports, so switches between other domains do not pay for ports.
 */
export default defineProgram({
  name: "trigger",
  entry: "main.ts",
  serves: { own: Timing },
  uses: { driver: Timing },
  devices: { registers: "ports" },
  memoryPagesMax: 16,
});
