import { defineImage } from "../toolchain/vocabulary/image.ts";
import bench from "./bench.image.ts";

/** The bench image with PCIDs, where the processor has them: what they are worth on a machine. */
export default defineImage({ ...bench, name: "bench-pcid", pcid: "on" });
