import { defineInterface, enumeration, u32, u64 } from "../../../toolchain/vocabulary/interface.ts";

/** A thread. */
export default defineInterface({
  name: "Thread",
  id: 6,
  version: 1,
  methods: {
    info: {
      returns: {
        state: enumeration(
          "ready",
          "calling",
          "awaitingReply",
          "receiving",
          "faulted",
          "suspended",
        ),
        priority: u32,
        effectivePriority: u32,
        consumedNs: u64,
      },
      reads: ["own"],
    },
    suspend: { writes: ["own"] },
    resume: { writes: ["own"] },
    setPriority: {
      about: "At most the slot's ceiling.",
      takes: { priority: u32 },
      writes: ["own"],
    },
    cancel: { about: "Ends the thread's blocked call or recv with Cancelled.", writes: ["own"] },
    kill: { writes: ["own"] },
  },
});
