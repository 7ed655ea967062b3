import { defineImage } from "../toolchain/vocabulary/image.ts";
import test from "./test.image.ts";

/** The kernel test image with PCIDs, where the processor has them. */
export default defineImage({ ...test, name: "test-pcid", pcid: "on" });
