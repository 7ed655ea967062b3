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
  verdict: ["calls the supervisor, which no rule allows", "switches the machine off"],
  structure: ["sends headers that mean nothing"],
  ports: ["reads the serial port's registers", "resets the machine by port 0x64"],
};
const NONE = "none";
const ATTACKS_MAX = 64;
const ATTACK_TIMEOUT_MS = 20_000;
/** Column in which the outcome stands behind an attack's number and name. */
const OUTCOME_COLUMN = 48;

/** By guard that is left out, then by the attack's number. */
const table = new Map<string, Map<number, Outcome>>();
const names = new Map<number, string>();

/** Makes each attack against a kernel without `guard`. A machine that an attack ends is started again for the next. */
async function attackAll(guard: string): Promise<Map<number, Outcome>> {
  const image = buildTestImage("main", guard === NONE ? {} : { without: guard });
  const outcomes = new Map<number, Outcome>();
  let shell = await ShellSession.start(image.boot);
  try {
    for (let number = 1; number <= ATTACKS_MAX; number += 1) {
      const lines = await shell.run(`attack ${number}`, ATTACK_TIMEOUT_MS).catch(() => null);
      if (lines === null) {
        outcomes.set(number, "machine ended");
        await shell.machine.stop();
        shell = await ShellSession.start(image.boot);
        continue;
      }
      const line = lines.find((candidate) => new RegExp(`^ *${number}  `).test(candidate));
      if (line === undefined) break;
      if (guard === NONE) names.set(number, line.slice(0, OUTCOME_COLUMN).replace(/^ *\d+ */, "").trim());
      outcomes.set(number, /SUCCEEDED|hung/.test(line.slice(OUTCOME_COLUMN)) ? "SUCCEEDED" : "stopped");
    }
  } finally {
    await shell.machine.stop();
  }
  return outcomes;
}

function formatTable(): string {
  const guards = [...table.keys()];
  const mark = { stopped: ".", SUCCEEDED: "X", "machine ended": "!" } as const;
  const rows = [...names].map(([number, name]) => {
    const cells = guards.map((guard) => mark[table.get(guard)!.get(number) ?? "stopped"].padEnd(guard.length));
    return `${String(number).padStart(3)}  ${name.padEnd(OUTCOME_COLUMN)} ${cells.join(" ")}`.trimEnd();
  });
  return ["attack × guard left out (X: it succeeded, !: it ended the machine, .: it was stopped)", `${"".padEnd(OUTCOME_COLUMN + 5)} ${guards.join(" ")}`, ...rows].join("\n");
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
  expect(outcomes.filter(([, outcome]) => outcome !== "stopped").map(([number]) => names.get(number))).toEqual([]);
});

test.each(Object.entries(EXPECTED))("without %s its attacks succeed: %j", (guard, expected) => {
  const succeeded = [...table.get(guard)!].filter(([, outcome]) => outcome !== "stopped").map(([number]) => names.get(number));
  expect(succeeded).toEqual(expect.arrayContaining([...expected]));
});
