import { defineInterface, text, u32, u64 } from "../../../toolchain/vocabulary/interface.ts";

/** The machine as a whole. */
export default defineInterface({
  name: "System",
  id: 15,
  version: 1,
  methods: {
    memory: {
      returns: { totalPages: u64, freePages: u64, kernelPages: u64, imagePages: u64 },
      reads: ["System"],
    },
    shutdown: {
      about: "Powers off. Under QEMU's isa-debug-exit the code becomes the exit status.",
      takes: { code: u32 },
      writes: ["domains"],
    },
    reboot: { writes: ["domains"] },
    bootLine: {
      about: "The boot line: CPU features, trust anchor, signer.",
      returns: { text: text(512) },
      reads: ["own"],
    },
  },
});
