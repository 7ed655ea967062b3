import { bool, defineInterface, u64 } from "../../../toolchain/vocabulary/interface.ts";

/** A memory object. */
export default defineInterface({
  name: "Memory",
  id: 2,
  version: 1,
  methods: {
    info: { returns: { bytes: u64, sealed: bool, measured: bool }, reads: ["object"] },
    seal: {
      about: "Forbids writing permanently. Fails with Busy while a writable mapping exists.",
      reads: ["object"],
      writes: ["object"],
    },
    step: {
      about: "Measures a sealed object (SHA-256) a bounded step at a time; Again until done.",
      returns: { digest0: u64, digest1: u64, digest2: u64, digest3: u64 },
      reads: ["object"],
    },
  },
});
