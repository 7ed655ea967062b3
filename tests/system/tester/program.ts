import { defineProgram } from "../../../toolchain/vocabulary/program.ts";
import Assistant from "../assistant.idl.ts";

/**
 * Slot 0 of the kernel test image: runs the cases, prints TAP on the kernel's log and ends the
 * machine with the number of failures.
 */
export default defineProgram({
  name: "tester",
  entry: "main.ts",
  serves: { own: Assistant },
  uses: { assistant: Assistant, other: Assistant },
  kernel: {
    log: "Log",
    clock: "Clock",
    slots: "Slots",
    audit: "Audit",
    policy: "Policy",
    trace: "Trace",
    system: "System",
  },
  memoryPagesMax: 64,
});
