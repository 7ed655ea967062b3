import { defineProgram } from "../../toolchain/vocabulary/program.ts";
import Console from "../interfaces/console.idl.ts";
import Serial from "../interfaces/serial.idl.ts";

export default defineProgram({
  name: "console",
  entry: "main.ts",
  serves: { terminal: Console },
  uses: { serial: Serial },
  kernel: { clock: "Clock", log: "Log" },
});
