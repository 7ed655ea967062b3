// Any domain may die at any time: the system lives, the domain comes back, and nothing is lost.
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, expect, test } from "vitest";
import { buildTestImage, type TestImage } from "../support/build.ts";
import { ShellSession } from "../support/shell-session.ts";

let main: TestImage;
beforeAll(() => {
  main = buildTestImage("main");
});

/** Kills, waits for a prompt that answers again, whichever program stood in between, and returns what `domains` says. */
async function kill(shell: ShellSession, name: string): Promise<string> {
  shell.machine.type(`kill ${name}\r`);
  for (let attempt = 0; attempt < 20; attempt += 1) {
    // What was typed while nobody read may be answered late, or never.
    await sleep(300);
    shell.machine.skip();
    const lines = await shell.run("domains", 3000).catch(() => null);
    const text = lines?.join("\n") ?? "";
    if (!new RegExp(`${name} .*running`).test(text)) continue;
    await sleep(300);
    shell.machine.skip();
    return text;
  }
  return expect.fail(`${name} does not come back\n${shell.machine.transcript.slice(-2000)}`);
}

function restarts(domains: string, name: string): number {
  const row = domains.split("\n").find((line) => line.includes(` ${name} `)) ?? "";
  return Number(/(?:running|down)\s+\d+ KiB\s+(\d+)/.exec(row)?.[1] ?? Number.NaN);
}

async function freeMemory(shell: ShellSession): Promise<string> {
  return (await shell.run("memory")).find((line) => line.startsWith("free")) ?? "";
}

test.each(["echo", "serial", "console", "shell", "supervisor"])("%s is killed and comes back", async (name) => {
  await using shell = await ShellSession.start(main.boot);
  expect(restarts(await kill(shell, name), name)).toBe(1);
  expect((await shell.run("ping 10")).join("\n")).toContain("10 round trips");
});

test("a hundred deaths cost no memory", async () => {
  await using shell = await ShellSession.start(main.boot);
  await shell.run("kill echo");
  await shell.run("ping 1");
  const before = await freeMemory(shell);
  for (let death = 0; death < 100; death += 1) await shell.run("kill echo");
  await shell.run("ping 1");
  expect(await freeMemory(shell)).toBe(before);
});
