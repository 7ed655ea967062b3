import { defineProgram } from "../../../toolchain/vocabulary/program.ts";

/** Is always ready to run: what others cost beside a busy domain. */
export default defineProgram({ name: "spinner", entry: "main.ts", memoryPagesMax: 16 });
