import { defineProgram } from "../../toolchain/vocabulary/program.ts";
import Serial from "../../services/interfaces/serial.idl.ts";

export default defineProgram({
  name: "uart16550",
  entry: "main.ts",
  serves: { serial: Serial },
  devices: { registers: "ports", line: "interrupt" },
});
