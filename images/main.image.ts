import { defineImage, interrupt, ports } from "../toolchain/vocabulary/image.ts";

/** What `make run` boots: a shell on the first serial line. */
export default defineImage({
  name: "main",
  version: 1,
  policy: ["policy/modules/*.policy"],
  slots: {
    supervisor: {
      program: "services/supervisor",
      class: "Supervisor",
      // Above all that it supervises, so that a runaway program cannot keep it from acting; below
      // the driver, whose turns are short.
      priority: 190,
      quota: { pages: 96, handles: 64, objects: 16 },
      restart: "always",
    },
    serial: {
      program: "drivers/uart-16550",
      class: "Uart",
      priority: 200,
      quota: { pages: 64, handles: 32, objects: 8 },
      devices: { registers: ports(0x3f8, 8), line: interrupt(4) },
      restart: "always",
    },
    console: {
      program: "services/console",
      class: "Console",
      priority: 150,
      quota: { pages: 64, handles: 32, objects: 8 },
      channels: { serial: "serial.serial" },
      restart: "always",
    },
    shell: {
      program: "services/shell",
      class: "Shell",
      priority: 100,
      quota: { pages: 128, handles: 64, objects: 16 },
      channels: {
        console: "console.terminal",
        supervisor: "supervisor.control",
        echo: "echo.echo",
      },
      restart: "always",
    },
    echo: {
      program: "services/echo",
      class: "Echo",
      priority: 110,
      quota: { pages: 64, handles: 32, objects: 8 },
      restart: "always",
    },
    attacker: {
      program: "services/attacker",
      class: "Attacker",
      priority: 50,
      quota: { pages: 160, handles: 256, objects: 64 },
      channels: { plan: "shell.attackPlan", supervisor: "supervisor.control", echo: "echo.echo" },
      autostart: false,
      restart: "never",
    },
    intruder: {
      program: "services/intruder",
      // Raw machine code, so that `attack` can try what no compiler of ours emits.
      mayBeUnverified: true,
      class: "Intruder",
      priority: 50,
      quota: { pages: 48, handles: 16, objects: 4 },
      channels: { plan: "shell.attackPlan" },
      autostart: false,
      restart: "never",
    },
  },
  onSupervisorLoop: "stop",
});
