import { defineInterface, u32 } from "../../../toolchain/vocabulary/interface.ts";

/** A range of I/O ports granted by the image. The domain uses in and out directly. */
export default defineInterface({
  name: "Ports",
  id: 8,
  version: 1,
  methods: { info: { returns: { first: u32, count: u32 }, reads: ["own"] } },
});
