import { defineProgram } from "../../../toolchain/vocabulary/program.ts";

/** Is always ready to run, to measure other domains beside a busy one. */
export default defineProgram({ name: "spinner", entry: "main.ts", memoryPagesMax: 16 });
