// Proof that the fences stand: with one of them left out of the kernel, the attack which it stops succeeds. Without any left out, none does.
// SMEP, SMAP and NX stop mistakes of the kernel itself, which no program can make: tests/boot plants those mistakes.
import { writeFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildTestImage } from "../support/build.ts";
import { ShellSession } from "../support/shell-session.ts";

type Outcome = "stopped" | "SUCCEEDED" | "machine ended";

/** What must succeed without the guard: parts of the names that `attack` shows. */
const EXPECTED: Readonly<Record<string, readonly string[]>> = {
  rights: ["gives itself more rights"],
  token: ["answers other people's calls"],
  quota: ["takes all memory"],
  verdict: ["calls the supervisor, which no rule allows", "tells the kernel to stop a domain", "switches the machine off"],
  structure: ["sends impossible lengths"],
  ports: ["reads the serial port's registers", "resets the machine by port 0x64"],
};
const NONE = "none";
const ATTACKS_MAX = 64;
const ATTACK_TIMEOUT_MS = 20_000;

const table = new Map<string, Map<string, Outcome>>();

/** Makes each attack against a kernel without `guard`. A machine that an attack ends is started again for the next. */
async function attackAll(guard: string): Promise<Map<string, Outcome>> {
  const image = buildTestImage("main", guard === NONE ? {} : { without: guard });
  const outcomes = new Map<string, Outcome>();
  let shell = await ShellSession.start(image.boot);
  try {
    for (let number = 1; number <= ATTACKS_MAX; number += 1) {
      const lines = await shell.run(`attack ${number}`, ATTACK_TIMEOUT_MS).catch(() => null);
      if (lines === null) {
        outcomes.set(nameOf(shell.machine.transcript, number), "machine ended");
        await shell.machine.stop();
        shell = await ShellSession.start(image.boot);
        continue;
      }
      const line = lines.find((candidate) => new RegExp(`^ *${number}  `).test(candidate));
      if (line === undefined) break;
      outcomes.set(nameOf(line, number), /SUCCEEDED|hung/.test(line) ? "SUCCEEDED" : "stopped");
    }
  } finally {
    await shell.machine.stop();
  }
  return outcomes;
}

/** The attack's name, from its line in `text`. */
function nameOf(text: string, number: number): string {
  const found = new RegExp(`(?:^|\\n) *${number}  ([^\\r\\n]*?)(?:  |\\x1b|\\r|\\n|$)`).exec(text);
  return found?.[1]?.trim() || `attack ${number}`;
}

function formatTable(): string {
  const guards = [...table.keys()];
  const attacks = [...new Set(guards.flatMap((guard) => [...table.get(guard)!.keys()]))];
  const mark = (outcome: Outcome | undefined): string => ({ stopped: ".", SUCCEEDED: "X", "machine ended": "!" })[outcome ?? "stopped"];
  const rows = attacks.map((attack) => `${attack.padEnd(48)} ${guards.map((guard) => mark(table.get(guard)!.get(attack)).padEnd(guard.length)).join(" ")}`);
  return ["attack × guard left out (X: it succeeded, !: it ended the machine, .: it was stopped)", `${"".padEnd(48)} ${guards.join(" ")}`, ...rows].join("\n");
}

beforeAll(async () => {
  for (const guard of [NONE, ...Object.keys(EXPECTED)]) table.set(guard, await attackAll(guard));
}, 900_000);

afterAll(() => {
  const text = formatTable();
  console.log(text);
  writeFileSync("build/test/guards.txt", `${text}\n`);
});

test("with all guards no attack succeeds", () => {
  const outcomes = [...table.get(NONE)!];
  expect(outcomes.length).toBeGreaterThanOrEqual(30);
  expect(outcomes.filter(([, outcome]) => outcome !== "stopped")).toEqual([]);
});

test.each(Object.entries(EXPECTED))("without %s its attacks succeed: %j", (guard, names) => {
  const outcomes = table.get(guard)!;
  expect(names.filter((name) => (outcomes.get(name) ?? "stopped") === "stopped"), formatTable()).toEqual([]);
});
