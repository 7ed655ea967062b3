import { defineInterface, u64 } from "../../toolchain/vocabulary/interface.ts";

export default defineInterface({
  name: "Echo",
  id: 0x103,
  version: 1,
  about: "Returns what it was sent: the smallest server, which the shell's `ping` calls.",
  methods: {
    nothing: { about: "The shortest round trip.", idempotent: true },
    words: {
      about: "Four words there and back, all in registers.",
      takes: { first: u64, second: u64, third: u64, fourth: u64 },
      returns: { first: u64, second: u64, third: u64, fourth: u64 },
      idempotent: true,
    },
  },
});
