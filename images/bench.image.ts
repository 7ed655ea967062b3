import { defineImage } from "../toolchain/image/define.ts";

/** What `make bench` boots: measures by itself and ends the machine. */
export default defineImage({
  name: "bench",
  version: 1,
  policy: ["tests/bench/bench.policy"],
  slots: {
    bencher: {
      program: "tests/bench/bencher",
      class: "Bencher",
      priority: 100,
      quota: { pages: 200, handles: 64, threads: 1, objects: 16 },
      channels: { responder: "responder.own" },
      restart: "never",
    },
    responder: {
      program: "tests/bench/responder",
      class: "Responder",
      priority: 100,
      quota: { pages: 100, handles: 16, threads: 1, objects: 16 },
      autostart: false,
      restart: "never",
    },
  },
  onSupervisorLoop: "stop",
});
