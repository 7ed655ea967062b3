import { defineProgram } from "../../../toolchain/vocabulary/program.ts";
import Listener from "../listener.idl.ts";

/** Waits for a notice and records when it arrived. */
export default defineProgram({
  name: "listener",
  entry: "main.ts",
  serves: { own: Listener },
  memoryPagesMax: 16,
});
