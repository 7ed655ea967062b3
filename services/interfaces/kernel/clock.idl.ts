import { defineInterface, u32, u64 } from "../../../toolchain/vocabulary/interface.ts";

/** The monotonic clock, nanoseconds since boot, and one timer a domain. */
export default defineInterface({
  name: "Clock",
  id: 9,
  version: 1,
  methods: {
    now: { returns: { nanoseconds: u64 }, reads: ["own"] },
    setTimer: {
      about:
        "Delivers notice bits at the inbox once the time has come. Replaces the domain's earlier timer; a deadline of 0 cancels it.",
      takes: { deadline: u64, inbox: u32, bits: u64 },
      writes: ["own"],
    },
  },
});
