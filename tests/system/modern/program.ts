import { defineProgram } from "../../../toolchain/vocabulary/program.ts";

/** A program that not every processor can run: it counts bits by the instructions of x86-64-v3. */
export default defineProgram({ name: "modern", entry: "main.ts", level: "v3" });
