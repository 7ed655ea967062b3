// Every domain of the main image, the supervisor included, ended in every state that its thread
// comes to: the system lives, the domain comes back, and the shell works.
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { findRoot } from "../../toolchain/cache/tree.ts";
import { buildKernel } from "../../toolchain/image/kernel.ts";
import { KEY_RING_FILE, signerFor } from "../../toolchain/keys/signer.ts";
import { type TestImage, buildTestImage } from "../support/build.ts";
import { BootedMachine } from "../support/qemu.ts";

const PROMPT = "trine> ";
const root = findRoot();
let image: TestImage;
let planted = "";

beforeAll(async () => {
  image = buildTestImage("main");
  const built = await buildKernel({
    root,
    outDir: "build/test/recovery",
    entry: "tests/recovery/kernel.ts",
    virtualFiles: { [KEY_RING_FILE]: signerFor(false).keyRing },
  });
  planted = join(root, built.imagePath);
});

type State = "receiving" | "calling" | "awaiting" | "computing" | "ready" | "faulted";
const DOMAINS = ["supervisor", "serial", "console", "shell", "echo"] as const;

/**
 * States that a domain's thread never comes to: supervisor, driver and echo call no other program,
 * and the driver is above all others, so that it never stands back.
 */
const NEVER: Readonly<Record<string, readonly State[]>> = {
  supervisor: ["calling", "awaiting", "ready"],
  serial: ["calling", "awaiting", "ready"],
  echo: ["calling", "awaiting"],
};
const CASES = DOMAINS.flatMap((domain) => {
  const states: readonly State[] = [
    "receiving",
    "calling",
    "awaiting",
    "computing",
    "ready",
    "faulted",
  ];
  return states
    .filter((state) => !(NEVER[domain] ?? []).includes(state))
    .map((state) => [domain, state] as const);
});

/**
 * Besides typing, what makes a thread come to its state: `ping` keeps shell and echo busy, `kill`
 * the supervisor, and lets the shell sleep.
 */
function drive(domain: string, state: State): string {
  return domain === "supervisor" || (domain === "shell" && state === "receiving")
    ? "kill echo"
    : "ping 20000";
}

/**
 * The first wait for an answer, before the line is typed again; each later one is longer, as on a
 * busy host an answer takes longer.
 */
const PATIENCE_MS = 2500;
const TRIES_MAX = 12;

/**
 * Types `line` until `answer` shows up: what is typed while something is down may be lost, and what
 * was begun is void.
 */
async function typeUntil(machine: BootedMachine, line: string, answer: RegExp): Promise<string> {
  for (let tries = 1; ; tries++) {
    machine.type(`${line}\r`);
    try {
      return await machine.waitFor(answer, PATIENCE_MS * tries);
    } catch (error) {
      if (tries === TRIES_MAX || String(error).includes("QEMU ended")) throw error;
    }
  }
}

/**
 * Drives the system until the thread was found in its state. Each character typed is an interrupt,
 * which is what makes a thread stand back; a `ping` may be over before one came at the right
 * moment, and then another follows.
 */
async function strike(machine: BootedMachine, command: string): Promise<void> {
  const typing = setInterval(() => machine.type(" "), 20);
  await typeUntil(machine, command, /planted: \w+ is/).finally(() => clearInterval(typing));
}

const INTERRUPT = "\x03\r";

describe.each(CASES)("%s, ended while %s,", (domain, state) => {
  test("comes back", async () => {
    await using machine = BootedMachine.start({
      boot: { kind: "kernel", path: planted, archive: image.archivePath },
      extra: ["-append", `kill=${domain} state=${state} panic=exit`],
    });
    await machine.waitFor(PROMPT);
    await strike(machine, drive(domain, state));
    await typeUntil(machine, `${INTERRUPT}ping 7`, /7 round trips/);
    const listed = await typeUntil(
      machine,
      `${INTERRUPT}domains`,
      new RegExp(`echo .*running[^]*${PROMPT}`),
    );
    for (const name of DOMAINS) expect(listed).toMatch(new RegExp(`${name} .*running`));
    expect(machine.transcript).not.toContain("panic");
  });
});
