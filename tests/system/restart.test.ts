// Any domain may die at any time: the system survives, the domain is restarted, no memory is lost.
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, expect, test } from "vitest";
import { buildTestImage, type TestImage } from "../support/build.ts";
import { ShellSession } from "../support/shell-session.ts";

let main: TestImage;
beforeAll(() => {
  main = buildTestImage("main");
});

/**
 * The first wait for an answer; each later one is longer, as on a busy host an answer takes longer.
 */
const PATIENCE_MS = 3000;
const ATTEMPTS_MAX = 12;

/**
 * Kills, waits for a prompt that answers again, whichever program stood in between, and returns
 * what `domains` says.
 */
async function kill(shell: ShellSession, name: string): Promise<string> {
  shell.machine.type(`kill ${name}\r`);
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt += 1) {
    // Input typed while no shell reads may be answered late, or never.
    await sleep(300);
    shell.machine.skip();
    const lines = await shell.run("domains", PATIENCE_MS * attempt).catch(() => null);
    const text = lines?.join("\n") ?? "";
    if (!new RegExp(`${name} .*running`).test(text)) continue;
    // Answers to lines of earlier attempts may still be on their way: they end before that of a
    // line that no attempt typed.
    shell.machine.type("ping 1\r");
    await shell.machine.waitFor(/1 round trip[^]*trine> \x1b\[0m\x1b\[K\r\x1b\[7C$/);
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

test.each(["echo", "serial", "console", "shell", "supervisor"])(
  "%s is killed and comes back",
  async (name) => {
    await using shell = await ShellSession.start(main.boot);
    expect(restarts(await kill(shell, name), name)).toBe(1);
    expect((await shell.run("ping 10")).join("\n")).toContain("10 round trips");
  },
);

test("a hundred deaths cost no memory", async () => {
  await using shell = await ShellSession.start(main.boot);
  await shell.run("kill echo");
  await shell.run("ping 1");
  const before = await freeMemory(shell);
  for (let death = 0; death < 100; death += 1) await shell.run("kill echo");
  await shell.run("ping 1");
  expect(await freeMemory(shell)).toBe(before);
});
