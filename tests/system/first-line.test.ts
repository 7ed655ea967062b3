// The first line that the kernel prints says whose system this is, and that nothing vouches for the
// kernel itself.
import { expect, test } from "vitest";
import { buildTestImage } from "../support/build.ts";
import { ShellSession } from "../support/shell-session.ts";

test("a development-signed system says so before anything else", async () => {
  await using shell = await ShellSession.start(buildTestImage("main", { medium: "kernel" }).boot);
  const lines = shell.machine.transcript.split(/\r*\n/);
  expect(lines[0]).toBe(
    "Trine, development-signed: not for use outside development; unanchored boot",
  );
  expect(lines[1]).toMatch(/^trine: cpu /);
});

test("what stopped an attack is told in words and with its line, in machine code with its instruction, which is shown as unverified", async () => {
  await using shell = await ShellSession.start(buildTestImage("main", { medium: "kernel" }).boot);
  expect((await shell.run("attack 19")).join("\n")).toMatch(
    /stopped\n.*audit #0.*\n +in .*\(services\/attacker\/faults\.ts:\d+\)/,
  );
  for (const [attack, words] of [
    [22, "indirect call outside the table"],
    [23, "indirect call of another signature"],
    [26, "division by zero"],
  ]) {
    expect((await shell.run(`attack ${attack}`)).join("\n")).toMatch(
      new RegExp(`attacker: ${words} at .*\\n +in \\S+ \\(services/attacker/faults\\.ts:\\d+\\)`),
    );
  }
  expect((await shell.run("attack 62")).join("\n")).toMatch(
    /halts the processor +stopped\n.*intruder: protection fault.*\n +in halt/,
  );
  expect((await shell.run("domains")).join("\n")).toMatch(/intruder .*unverified/);
});
