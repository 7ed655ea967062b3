import { bool, bytes, defineInterface, text, u32 } from "../../toolchain/vocabulary/interface.ts";

export default defineInterface({
  name: "Console",
  id: 0x101,
  version: 1,
  about:
    "The terminal that a person sits at. One program reads at a time; input typed before it asks is kept.",
  errors: ["Interrupted"],
  methods: {
    write: {
      about: "Shows text. A newline also returns to the left margin.",
      takes: { text: text(1024) },
      idempotent: true,
    },
    read: {
      about:
        "Waits for input and takes it as it was typed, unedited and without echo. Interrupted when another reader came.",
      returns: { data: bytes(64) },
      idempotent: true,
    },
    info: { returns: { waiting: u32, lost: u32, driverRestarts: u32 }, idempotent: true },
    interrupted: {
      about:
        "Whether ^C was typed and has not been read. Takes it out of the input and leaves the rest there. With `wait`, answers when one is typed.",
      takes: { wait: bool },
      returns: { typed: bool },
      idempotent: true,
    },
  },
});
