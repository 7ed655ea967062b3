import { defineProgram } from "../../../toolchain/vocabulary/program.ts";
import Responder from "../responder.idl.ts";

/** Calls the responder for each call that it gets: the middle of a nested call. */
export default defineProgram({
  name: "relay",
  entry: "main.ts",
  serves: { own: Responder },
  uses: { responder: Responder },
  memoryPagesMax: 16,
});
