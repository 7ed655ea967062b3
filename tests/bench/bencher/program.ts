import { defineProgram } from "../../../toolchain/vocabulary/program.ts";
import Listener from "../listener.idl.ts";
import Plain from "../plain.idl.ts";
import Responder from "../responder.idl.ts";
import Timing from "../timing.idl.ts";

/**
 * Slot 0 of the bench image: measures with the time-stamp counter, which under QEMU's -icount ticks
 * once an instruction.
 */
export default defineProgram({
  name: "bencher",
  entry: "main.ts",
  uses: {
    responder: Responder,
    relay: Responder,
    trigger: Timing,
    answerer: Plain,
    listener: Listener,
  },
  kernel: { log: "Log", clock: "Clock", slots: "Slots", system: "System" },
  memoryPagesMax: 16,
});
