import { defineProgram } from "../../toolchain/vocabulary/program.ts";
import Echo from "../interfaces/echo.idl.ts";

export default defineProgram({ name: "echo", entry: "main.ts", serves: { echo: Echo } });
