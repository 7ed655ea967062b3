import { defineInterface, u32, u64 } from "../../../toolchain/idl/define.ts";

/** A hardware interrupt line granted by the image. */
export default defineInterface({
  name: "Interrupt",
  id: 7,
  version: 1,
  methods: {
    bind: { about: "Delivers the interrupt as notice bits at the inbox. It is masked when it fires and armed again by the next recv there.", takes: { inbox: u32, bits: u64 }, writes: ["own"] },
    info: { returns: { line: u32, fired: u64 }, reads: ["own"] },
  },
});
