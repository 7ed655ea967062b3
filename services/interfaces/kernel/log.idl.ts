import { defineInterface, text } from "../../../toolchain/vocabulary/interface.ts";

/** The kernel's own log on the early serial line. */
export default defineInterface({
  name: "Log",
  id: 13,
  version: 1,
  methods: { write: { takes: { text: text(256) }, writes: ["Log"] } },
});
