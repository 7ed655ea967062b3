// The first minutes of a new user: the commands that README.md suggests.
import { beforeAll, expect, test } from "vitest";
import { buildTestImage, type TestImage } from "../support/build.ts";
import { ShellSession } from "../support/shell-session.ts";

let main: TestImage;
beforeAll(() => {
  main = buildTestImage("main", { medium: "iso" });
});

test("help, domains, memory, handles, audit and why answer", async () => {
  await using shell = await ShellSession.start(main.boot);
  expect((await shell.run("help")).join("\n")).toMatch(/domains .*\n.*attack /s);
  const domains = (await shell.run("domains")).join("\n");
  for (const name of ["supervisor", "serial", "console", "shell", "echo"])
    expect(domains).toMatch(new RegExp(`${name} .*running.*verified`));
  expect((await shell.run("memory")).join("\n")).toMatch(/free +\d/);
  expect((await shell.run("handles shell")).join("\n")).toContain("console");
  expect((await shell.run("why Shell Echo words")).join("\n")).toContain("allowed");
  expect((await shell.run("why Attacker Supervisor kill")).join("\n")).toContain("denied");
});

test("every attack is refused or stopped, and the system lives", async () => {
  await using shell = await ShellSession.start(main.boot);
  const lines = await shell.run("attack", 120_000);
  expect(lines.at(-1) === "" ? lines.at(-2) : lines.at(-1)).toMatch(/^\d+ refused, none succeeded/);
  expect((await shell.run("audit")).join("\n")).toMatch(/intruder: .*fault/);
  expect((await shell.run("ping 10")).join("\n")).toContain("10 round trips");
});

test("input continues after the serial driver is killed", async () => {
  await using shell = await ShellSession.start(main.boot);
  shell.machine.type("kill serial\r");
  await shell.machine.waitFor(/instance 2 is running/);
  await shell.machine.waitFor(/trine> /);
  expect((await shell.run("domains")).join("\n")).toMatch(/serial .*running/);
});

// Input that the driver has taken from the device is lost with the driver unless the console has
// fetched it, which is a matter of microseconds. Input that the device holds is not lost.
test("input while the serial driver is down is not lost", async () => {
  let arrived = 0;
  for (let boot = 0; boot < 4 && arrived < 3; boot += 1) {
    await using shell = await ShellSession.start(main.boot);
    for (let death = 0; death < 3 && arrived < 3; death += 1) {
      shell.machine.type("kill serial\r");
      await shell.machine.waitFor("\n");
      shell.machine.type("uptime\r");
      await shell.machine.waitFor(/instance \d+ is running/);
      shell.machine.type("no-such-command\r");
      const answer = await shell.machine.waitFor(/there is no command/);
      if (answer.includes("running for")) arrived += 1;
    }
  }
  expect(arrived).toBe(3);
});

test("^C ends a long command, and input typed meanwhile is kept", async () => {
  await using shell = await ShellSession.start(main.boot);
  for (const command of ["ping 10000000", "trace shell console 3600"]) {
    shell.machine.type(`${command}\r`);
    await shell.machine.waitFor("\n");
    shell.machine.type("upti\x03me\r");
    await shell.machine.waitFor("^C\r\n");
    await shell.machine.waitFor(/running for/);
  }
});

test("the arguments of `why` are completed: class or domain, target, method", async () => {
  await using shell = await ShellSession.start(main.boot);
  const answer = await shell.run("why Sh\tech\two\t");
  expect(answer.join("\n")).toContain("Shell -> Echo Echo.words");
  expect((await shell.run("why shell kernel.Pol\tinterfaceA\t")).join("\n")).toMatch(
    /Policy\.interfaceAt/,
  );
});

test("a ping of a stopped service says how long it waits", async () => {
  await using shell = await ShellSession.start(main.boot);
  await shell.run("stop echo");
  shell.machine.type("ping\r");
  await shell.machine.waitFor("no answer yet; waiting for 5 s, ^C ends the wait\r\n");
  await shell.machine.waitFor(
    "no answer within 5 s; `domains` shows whether the echo service runs\r\n",
  );
  expect((await shell.run("start echo")).join("\n")).toContain("echo: instance 2 is running");
  expect((await shell.run("ping 3")).join("\n")).toContain("3 round trips");
});

test("a narrow terminal that reports its width gets whole words", async () => {
  await using shell = await ShellSession.start(main.boot);
  const wide = await shell.run("help");
  shell.machine.type("\x1b[24;40R");
  const narrow = await shell.run("help");
  expect(Math.max(...wide.map((line) => line.length))).toBeGreaterThan(40);
  expect(Math.max(...narrow.map((line) => line.length))).toBeLessThanOrEqual(40);
  expect(narrow.join(" ").split(/\s+/)).toEqual(wide.join(" ").split(/\s+/));
});

test("a trace shows words, texts and handles by their names", async () => {
  await using shell = await ShellSession.start(main.boot);
  expect((await shell.run("trace shell echo ping 1")).join("\n")).toContain(
    "echo => shell     Echo.words answer first=0 second=2 third=3 fourth=4",
  );
  expect((await shell.run("trace shell console uptime")).join("\n")).toMatch(
    /Console\.write text="running for [\d.]+ m?s\\n"/,
  );
  expect((await shell.run("trace console serial kill serial")).join("\n")).toContain(
    "Serial.attach notice=(handle)",
  );
});

test("the shell switches the machine off", async () => {
  await using shell = await ShellSession.start(main.boot);
  shell.machine.type("shutdown\r");
  expect(await shell.machine.exitValue()).toBe(0);
});
