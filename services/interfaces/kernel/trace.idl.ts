import { defineInterface, u32, u64 } from "../../../toolchain/idl/define.ts";

/** A ring of the last messages between two slots, for debugging. */
export default defineInterface({
  name: "Trace",
  id: 14,
  version: 1,
  methods: {
    start: { takes: { slotA: u32, slotB: u32 } },
    stop: {},
    next: { about: "The next recorded message; NotFound when there is none. `kind`: 0 request, 1 response, 2 error. `outcome` is its Status.", returns: { timeNs: u64, kind: u32, from: u32, to: u32, header: u32, words: u32, word0: u64, word1: u64, word2: u64, word3: u64, outcome: u32 } },
  },
});
