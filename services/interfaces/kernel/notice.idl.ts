import { defineInterface, u64 } from "../../../toolchain/vocabulary/interface.ts";

/** A mask of event bits, the only asynchronous signal. */
export default defineInterface({
  name: "Notice",
  id: 5,
  version: 1,
  methods: {
    signal: {
      about:
        "Sets bits, of those that the notice was made for. They arrive all at once, and cleared, with the receiver's next recv.",
      takes: { bits: u64 },
      writes: ["object"],
    },
  },
});
