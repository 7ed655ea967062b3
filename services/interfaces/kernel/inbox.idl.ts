import { defineInterface, u32 } from "../../../toolchain/vocabulary/interface.ts";

/**
 * Where a thread receives: messages of the endpoints and bits of the notices that are bound to it.
 */
export default defineInterface({
  name: "Inbox",
  id: 3,
  version: 1,
  methods: {
    info: { returns: { pendingCalls: u32, pendingBits: u32 }, reads: ["object"] },
    bindEndpoint: { takes: { endpoint: u32 }, writes: ["object"] },
  },
});
