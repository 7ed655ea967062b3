import { defineInterface, u32, u64 } from "../../../toolchain/vocabulary/interface.ts";

/**
 * What the kernel sends to a slot's fault endpoint, as a call by the faulting thread. An empty
 * answer resumes it; an error answer ends the domain.
 */
export default defineInterface({
  name: "Fault",
  id: 16,
  version: 1,
  errors: ["EndDomain"],
  methods: {
    fault: {
      takes: {
        slot: u32,
        thread: u32,
        kind: u32,
        errorCode: u32,
        address: u64,
        instruction: u64,
        stack: u64,
      },
    },
  },
});
