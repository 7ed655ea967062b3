import { defineInterface, text, u32, u64 } from "../../toolchain/vocabulary/interface.ts";

/** A server that makes garbage of every request. */
export default defineInterface({
  name: "Maker",
  id: 0x7f8,
  version: 1,
  methods: {
    count: {
      about: "Counts `word` in a map, builds texts and lists on the way.",
      takes: { word: text(32) },
      returns: { times: u32, kept: u32 },
    },
    hold: { about: "Keeps `kibibytes` more of objects for good.", takes: { kibibytes: u32 } },
    state: {
      about: "What the server's domain takes, and how often it has collected.",
      returns: { pages: u32, collections: u32, lived: u32, pauseNs: u64 },
    },
  },
});
