import { defineInterface, handle, u64 } from "../../toolchain/vocabulary/interface.ts";

/** A domain of higher priority than the signaller that waits for a notice. */
export default defineInterface({
  name: "Listener",
  id: 0x7f4,
  version: 1,
  methods: {
    notice: {
      about: "The notice that it waits for.",
      returns: { notice: handle("Notice") },
    },
    told: {
      about: "Ticks of the time-stamp counter when the notice arrived last.",
      returns: { ticks: u64 },
    },
  },
});
