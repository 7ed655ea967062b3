import { bytes, defineInterface, u64 } from "../../toolchain/vocabulary/interface.ts";

/** The other end of the measured round trips: answers as much as it gets. */
export default defineInterface({
  name: "Responder",
  id: 0x7f1,
  version: 1,
  methods: {
    none: {},
    four: {
      takes: { a: u64, b: u64, c: u64, d: u64 },
      returns: { a: u64, b: u64, c: u64, d: u64 },
    },
    wide: {
      takes: Object.fromEntries(Array.from({ length: 64 }, (_, n) => [`w${n}`, u64])),
      returns: Object.fromEntries(Array.from({ length: 64 }, (_, n) => [`w${n}`, u64])),
    },
    page: { takes: { data: bytes(65536) }, returns: { data: bytes(65536) } },
    denied: { about: "No rule allows it." },
  },
});
