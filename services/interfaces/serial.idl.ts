import { bytes, defineInterface, handle, u32, u64 } from "../../toolchain/vocabulary/interface.ts";

export default defineInterface({
  name: "Serial",
  id: 0x100,
  version: 1,
  about: "A serial line, as bytes.",
  methods: {
    attach: {
      about:
        "From now on, bit 0 of the notice is signalled when input arrives. Replaces the notice attached before.",
      takes: { notice: handle("Notice") },
      idempotent: true,
    },
    write: {
      about: "Sends bytes. Answers when the last of them is in the driver's queue.",
      takes: { data: bytes(1024) },
    },
    read: {
      about:
        "The input that has arrived, or none; never waits. `lost` counts the bytes that did not fit since the last read.",
      returns: { data: bytes(512), lost: u32 },
    },
    info: {
      returns: { received: u64, sent: u64, interrupts: u64, overruns: u64 },
      idempotent: true,
    },
  },
});
