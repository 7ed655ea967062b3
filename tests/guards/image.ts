import { defineImage } from "../../toolchain/vocabulary/image.ts";

/**
 * A judge that lets the attacker of the main image try everything, with a victim and a
 * program that no compiler made.
 */
export default defineImage({
  name: "guards",
  version: 1,
  policy: ["tests/guards/guards.policy"],
  slots: {
    judge: {
      program: "tests/guards/judge",
      class: "Judge",
      priority: 190,
      quota: { pages: 128, handles: 64, objects: 16 },
      restart: "never",
    },
    victim: {
      program: "tests/guards/victim",
      class: "Victim",
      priority: 120,
      quota: { pages: 64, handles: 32, objects: 8 },
      channels: { plan: "judge.plan" },
      autostart: false,
      restart: "never",
    },
    echo: {
      program: "services/echo",
      class: "Echo",
      priority: 110,
      quota: { pages: 64, handles: 32, objects: 8 },
      autostart: false,
      restart: "never",
    },
    attacker: {
      program: "services/attacker",
      class: "Attacker",
      priority: 50,
      quota: { pages: 160, handles: 256, objects: 64 },
      channels: { plan: "judge.plan", supervisor: "judge.control", echo: "echo.echo" },
      autostart: false,
      restart: "never",
    },
    native: {
      program: "tests/guards/native",
      class: "Native",
      priority: 100,
      quota: { pages: 64, handles: 32, threads: 4, objects: 8 },
      autostart: false,
      restart: "never",
    },
    intruder: {
      program: "services/intruder",
      class: "Intruder",
      priority: 50,
      quota: { pages: 64, handles: 32, objects: 8 },
      channels: { plan: "judge.plan" },
      autostart: false,
      restart: "never",
      mayBeUnverified: true,
    },
  },
  onSupervisorLoop: "stop",
});
