import { defineImage } from "../toolchain/vocabulary/image.ts";

/** A server that makes garbage for every request, and a client that calls it without end. */
export default defineImage({
  name: "garbage",
  version: 1,
  policy: ["tests/garbage/garbage.policy", "policy/modules/supervisor.policy"],
  slots: {
    supervisor: {
      program: "services/supervisor",
      class: "Supervisor",
      priority: 190,
      quota: { pages: 96, handles: 64, objects: 16 },
      restart: "always",
    },
    maker: {
      program: "tests/garbage/maker",
      class: "Maker",
      priority: 110,
      quota: { pages: 160 },
      restart: "always",
    },
    greedy: {
      program: "tests/garbage/maker",
      class: "Maker",
      priority: 110,
      quota: { pages: 160 },
      restart: "always",
    },
    starved: {
      program: "tests/garbage/maker",
      class: "Maker",
      priority: 110,
      quota: { pages: 60 },
      restart: "always",
    },
    pauser: {
      program: "tests/garbage/pauser",
      class: "Pauser",
      priority: 120,
      quota: { pages: 160 },
      restart: "never",
    },
    asker: {
      program: "tests/garbage/asker",
      class: "Asker",
      priority: 100,
      quota: { pages: 100 },
      channels: { maker: "maker.own", greedy: "greedy.own", starved: "starved.own" },
      restart: "always",
    },
  },
  onSupervisorLoop: "stop",
});
