import { defineInterface, u32, u64 } from "../../../toolchain/vocabulary/interface.ts";

/** A hardware interrupt line granted by the image. */
export default defineInterface({
  name: "Interrupt",
  id: 7,
  version: 2,
  methods: {
    bind: {
      about:
        "Delivers the interrupt as notice bits at the inbox. It is masked when it fires and armed again by the next recv there. Busy while it is bound: `unbind` it to move it to another inbox.",
      takes: { inbox: u32, bits: u64 },
      writes: ["own"],
    },
    info: { returns: { line: u32, fired: u64 }, reads: ["own"] },
    unbind: {
      about:
        "Masks the interrupt and ends its delivery. An interrupt that comes meanwhile is delivered once it is bound again. Bits that it has set stay at the inbox. NotFound if it is not bound.",
      writes: ["own"],
    },
  },
});
