import { defineProgram } from "../../../toolchain/vocabulary/program.ts";
import Responder from "../responder.idl.ts";

/** Answers as much as it gets, as fast as it can. */
export default defineProgram({
  name: "responder",
  entry: "main.ts",
  serves: { own: Responder },
  memoryPagesMax: 16,
});
