import { defineProgram } from "../../../toolchain/vocabulary/program.ts";
import Plain from "../plain.idl.ts";

/** Answers with the fields that it gets, by the generated server: what a service costs. */
export default defineProgram({
  name: "answerer",
  entry: "main.ts",
  serves: { own: Plain },
  memoryPagesMax: 16,
});
