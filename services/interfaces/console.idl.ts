import { bool, bytes, defineInterface, text, u32 } from "../../toolchain/vocabulary/interface.ts";

export default defineInterface({
  name: "Console",
  id: 0x101,
  version: 1,
  about: "The user's terminal. One program reads at a time; input typed before it reads is kept.",
  errors: ["Interrupted"],
  methods: {
    write: {
      about: "Shows text. A newline also returns to the left margin.",
      takes: { text: text(1024) },
      idempotent: true,
    },
    read: {
      about:
        "Waits for input and returns it as it was typed, unedited and without echo. Interrupted if another program reads.",
      returns: { data: bytes(64) },
      idempotent: true,
    },
    info: { returns: { waiting: u32, lost: u32, driverRestarts: u32 }, idempotent: true },
    interrupted: {
      about:
        "Whether ^C was typed and has not been read. Removes ^C from the input and keeps the rest. With `wait`, answers when ^C is typed.",
      takes: { wait: bool },
      returns: { typed: bool },
      idempotent: true,
    },
  },
});
