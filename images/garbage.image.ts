import { defineImage } from "../toolchain/image/define.ts";

/** A server that makes garbage of every request, and one who asks it without an end: its memory stays flat. */
export default defineImage({
  name: "garbage",
  version: 1,
  policy: ["tests/garbage/garbage.policy"],
  slots: {
    asker: { program: "tests/garbage/asker", class: "Asker", priority: 100, quota: { pages: 100 }, channels: { maker: "maker.own", greedy: "greedy.own" }, restart: "never" },
    maker: { program: "tests/garbage/maker", class: "Maker", priority: 110, quota: { pages: 160 }, autostart: false, restart: "never" },
    greedy: { program: "tests/garbage/maker", class: "Maker", priority: 110, quota: { pages: 160 }, autostart: false, restart: "never" },
  },
  onSupervisorLoop: "stop",
});
