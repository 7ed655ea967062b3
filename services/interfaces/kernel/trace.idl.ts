import { bytes, defineInterface, u32, u64 } from "../../../toolchain/vocabulary/interface.ts";

/** A ring of the last messages between two slots, for debugging. */
export default defineInterface({
  name: "Trace",
  id: 14,
  version: 1,
  methods: {
    start: { takes: { slotA: u32, slotB: u32 }, writes: ["Trace"] },
    stop: { writes: ["Trace"] },
    next: {
      about:
        "The next recorded message; NotFound when there is none. `kind`: 0 request, 1 response, 2 error. `outcome` is its Status. `data` holds its words, at most 16 of 8 bytes each, then the beginning of its arena, unless it was refused.",
      returns: {
        timeNs: u64,
        kind: u32,
        from: u32,
        to: u32,
        header: u32,
        outcome: u32,
        words: u32,
        handles: u32,
        arenaLength: u32,
        data: bytes(208),
      },
      reads: ["Trace"],
      writes: ["Trace"],
    },
  },
});
