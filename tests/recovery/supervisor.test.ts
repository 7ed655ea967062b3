// The supervisor comes back by the kernel's hand, and adopts what runs; one that dies again and
// again stops the machine.
import { beforeAll, expect, test } from "vitest";
import { type TestImage, buildTestImage } from "../support/build.ts";
import { ShellSession } from "../support/shell-session.ts";

const DEATHS_MAX = 5;
const STOPPED_EXIT = 1;
const PROMPT = "trine> ";
let main: TestImage;
beforeAll(() => void (main = buildTestImage("main")));

test("a supervisor that dies five times within a minute stops the machine, with a message, and not before", async () => {
  await using shell = await ShellSession.start(main.boot);
  const { machine } = shell;
  for (let death = 1; death < DEATHS_MAX; death++) {
    machine.type("kill supervisor\r");
    await machine.waitFor(`supervisor was killed; instance ${death + 1} is running`);
    await machine.waitFor(PROMPT);
    expect((await shell.run("ping 3")).join("\n")).toContain("3 round trips");
  }
  machine.type("kill supervisor\r");
  await machine.waitFor("trine: the supervisor died 5 times within 60 s\r\n");
  expect(await machine.exitValue()).toBe(STOPPED_EXIT);
});

test("what the new supervisor has adopted it starts again when it ends", async () => {
  await using shell = await ShellSession.start(main.boot);
  const { machine } = shell;
  machine.type("kill supervisor\r");
  await machine.waitFor("instance 2 is running");
  await machine.waitFor(PROMPT);
  expect((await shell.run("kill echo")).join("\n")).toContain(
    "echo was killed; instance 2 is running",
  );
  expect((await shell.run("ping 3")).join("\n")).toContain("3 round trips");
});

test("the serial driver is killed, and every character typed once it runs again arrives", async () => {
  await using shell = await ShellSession.start(main.boot);
  const { machine } = shell;
  for (let round = 2; round < 5; round++) {
    machine.type("kill serial\r");
    await machine.waitFor(`instance ${round} is running`);
    await machine.waitFor(PROMPT);
    const text = `nothing is called ${"0123456789abcdefghijklmnopqrstuvwxyz".slice(round)}`;
    machine.type(`${text}\r`);
    // The shell draws its line anew as it grows; with the last character it stands there whole.
    await expect
      .poll(() => machine.transcript.replace(/\x1b\[[0-9;?]*[A-Za-z]/g, ""), { timeout: 120_000 })
      .toContain(`${PROMPT}${text}`);
    await machine.waitFor(/no command|unknown|help/i);
    await machine.waitFor(PROMPT);
  }
  expect((await shell.run("ping 3")).join("\n")).toContain("3 round trips");
});
