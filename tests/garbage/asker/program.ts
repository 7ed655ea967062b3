import { defineProgram } from "../../../toolchain/image/define.ts";
import Maker from "../maker.idl.ts";

/** Asks without an end, and says now and then what the server takes. Slot 0 of its image. */
export default defineProgram({ name: "asker", entry: "main.ts", uses: { maker: Maker, greedy: Maker }, kernel: { log: "Log", slots: "Slots" } });
