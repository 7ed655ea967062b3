import { defineInterface, u64 } from "../../toolchain/vocabulary/interface.ts";

/**
 * Moments and durations in ticks of the time-stamp counter, which all domains of the bench image
 * read.
 */
export default defineInterface({
  name: "Timing",
  id: 0x7f2,
  version: 1,
  methods: {
    measure: { returns: { ticks: u64 } },
  },
});
