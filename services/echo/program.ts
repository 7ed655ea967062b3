import { defineProgram } from "../../toolchain/image/define.ts";
import Echo from "../interfaces/echo.idl.ts";

export default defineProgram({ name: "echo", entry: "main.ts", serves: { echo: Echo } });
