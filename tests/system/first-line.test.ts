// The first line that the kernel prints says whose system this is, and that nothing vouches for the kernel itself.
import { expect, test } from "vitest";
import { buildTestImage } from "../support/build.ts";
import { ShellSession } from "../support/shell-session.ts";

test("a development-signed system says so before anything else", async () => {
  await using shell = await ShellSession.start(buildTestImage("main", { medium: "kernel" }).boot);
  const lines = shell.machine.transcript.split(/\r*\n/);
  expect(lines[0]).toBe("Trine, development-signed: not for use outside development; unanchored boot");
  expect(lines[1]).toMatch(/^trine: cpu /);
});

test("an attack in machine code names the instruction, and machine code is shown as unverified", async () => {
  await using shell = await ShellSession.start(buildTestImage("main", { medium: "kernel" }).boot);
  expect((await shell.run("attack 19")).join("\n")).toMatch(/stopped\n.*audit #0.*\n +in .*\(services\/attacker\/faults\.ts:\d+\)/);
  expect((await shell.run("attack 62")).join("\n")).toMatch(/halts the processor +stopped\n.*intruder: protection fault.*\n +in halt/);
  expect((await shell.run("domains")).join("\n")).toMatch(/intruder .*unverified/);
});
