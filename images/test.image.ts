import { defineImage } from "../toolchain/vocabulary/image.ts";

/**
 * The kernel test image: no drivers; results on the kernel's log, exit code through isa-debug-exit.
 */
export default defineImage({
  name: "test",
  version: 1,
  policy: ["tests/system/test.policy"],
  slots: {
    tester: {
      program: "tests/system/tester",
      class: "Tester",
      priority: 100,
      ceiling: 100,
      quota: { pages: 600, handles: 1024, threads: 4, objects: 256 },
      channels: { assistant: { to: "peer.own", badge: 77 }, other: "other.own" },
      restart: "never",
    },
    peer: {
      program: "tests/system/assistant",
      class: "Assistant",
      priority: 90,
      ceiling: 200,
      quota: { pages: 200, handles: 256, threads: 2, objects: 64 },
      channels: { tester: "tester.own" },
      autostart: false,
      restart: "never",
    },
    other: {
      program: "tests/system/assistant",
      class: "Assistant",
      priority: 80,
      ceiling: 200,
      quota: { pages: 200, handles: 256, threads: 2, objects: 64 },
      channels: { tester: "tester.own" },
      autostart: false,
      restart: "never",
    },
    modern: {
      program: "tests/system/modern",
      class: "Modern",
      priority: 80,
      quota: { pages: 64 },
      autostart: false,
      restart: "never",
    },
  },
  onSupervisorLoop: "stop",
});
