// Proof that each guard stands: the same attacks against kernels that each lack one, built with the
// option that leaves it out. With all guards no attack succeeds; without one, those that it stops
// do. Prints the table attack × guard.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import attackPlan from "../../services/interfaces/attack-plan.idl.ts";
import { findRoot } from "../../toolchain/cache/tree.ts";
import { BootedMachine } from "../support/qemu.ts";
import { GUARDS, type Guard, type GuardSystem, buildGuardSystem, inParallel } from "./system.ts";

/**
 * What must succeed without the guard. Attacks of services/attacker and services/intruder by their
 * names in AttackPlan, besides our own.
 */
const EXPECTED: Readonly<Record<Guard, readonly string[]>> = {
  smep: ["kernelRunsUserCode"],
  smap: ["kernelReadsUserMemory"],
  nx: ["runData", "executeStack", "executeMemory"],
  rights: ["widenRights"],
  token: ["forgedToken"],
  quota: ["exhaustMemory", "touchBeyondQuota", "exhaustHandles", "exhaustObjects", "takeThreads"],
  verdict: ["deniedCall", "deniedKernelCall", "shutdownMachine"],
  structure: ["badHeader"],
  digest: ["changedProgram"],
  ports: ["portRead", "portWrite", "readPort", "writePort", "writePortWide", "writePortString"],
};

const RESULTS = "build/test/guards.txt";
const NEXT = attackPlan.methods.next.returns.attempt;
const ATTEMPTS: readonly string[] = "names" in NEXT ? (NEXT.names as readonly string[]) : [];
const ATTACK_LAST = "finish";
const OWN_ATTACKS = [
  "kernelRunsUserCode",
  "kernelReadsUserMemory",
  "runData",
  "takeThreads",
  "changedProgram",
];

/** What is left of the line behind `attack NUMBER`, or how it ended. */
type Outcomes = Map<string, string>;
const isSuccess = (outcome: string): boolean =>
  /^(succeeded|hung|ended|the machine ended)/.test(outcome);

const root = findRoot();
let system: GuardSystem;
const table = new Map<Guard | null, Outcomes>();

/** Boots and returns all that was printed until the machine ended or `last` was printed. */
async function boot(
  guard: Guard | null,
  commandLine: string,
  archive = system.archive,
  last = /the machine never prints this/,
): Promise<string> {
  const medium = { kind: "kernel", path: system.kernels.get(guard)!, archive } as const;
  await using machine = BootedMachine.start({
    boot: medium,
    extra: ["-append", `panic=exit ${commandLine}`],
  });
  await machine.waitFor(last, 300_000).catch((error: unknown) => {
    // An end is an outcome; a machine that neither ends nor prints is none.
    if (!String(error).includes("before QEMU ended")) throw error;
  });
  return machine.transcript;
}

/** Words of the command line for the bits of a number, as tests/guards/kernel.ts reads them. */
const BITS = ["one", "two", "four", "eight", "sixteen", "thirty-two", "sixty-four"];
const firstAttempt = (number: number): string =>
  BITS.filter((_, bit) => (number >> bit) & 1)
    .map((word) => `first=${word}`)
    .join(" ");

/**
 * Reads `judge: attack NUMBER …` lines. Of an attack that begins and has no result, the machine's
 * end is the result. Answers the next attempt. An attack that reaches the serial line may have left
 * something in front of a line.
 */
function readAttempts(transcript: string, outcomes: Outcomes): number {
  let next = 0;
  const lines = [
    ...transcript.matchAll(
      /judge: attack (\d+) ((?:begins|refused|stopped|succeeded|ended|hung)[^\r\n]*)/g,
    ),
  ];
  for (const [index, [line, number, text]] of lines.entries()) {
    if (text === "begins" && index < lines.length - 1)
      expect(lines[index + 1]![1], `the line after "${line}" in\n${transcript}`).toBe(number);
    outcomes.set(ATTEMPTS[Number(number)]!, text === "begins" ? "the machine ended" : text!);
    next = Number(number) + 1;
  }
  expect(transcript, "the judge comes to an end, or an attack ends the machine").toMatch(
    /all attacks made|attack \d+ begins/,
  );
  return next;
}

async function attackWithout(guard: Guard | null): Promise<Outcomes> {
  const outcomes: Outcomes = new Map();
  const transcript = await boot(guard, "");
  for (let next = readAttempts(transcript, outcomes); next < ATTEMPTS.indexOf(ATTACK_LAST); )
    next = readAttempts(await boot(guard, firstAttempt(next)), outcomes);

  const result = (text: string, attack: string, stopped: RegExp): string => {
    if (text.includes(`attack ${attack} succeeded`)) return "succeeded";
    expect(text, `${attack} without ${guard ?? "nothing"}`).toMatch(stopped);
    return "stopped";
  };
  expect(transcript).toContain("attack nx begins");
  outcomes.set("takeThreads", result(transcript, "threads", /attack nx begins/));
  outcomes.set("runData", result(transcript, "nx", /attack 0 begins/));
  const planted = /attack (smap|smep) succeeded|backtrace|attack nx begins/;
  outcomes.set(
    "kernelReadsUserMemory",
    result(
      await boot(guard, "plant=read", system.archive, planted),
      "smap",
      /kernel panic: page fault at address 0x10000, error code 0x1/,
    ),
  );
  outcomes.set(
    "kernelRunsUserCode",
    result(
      await boot(guard, "plant=run", system.archive, planted),
      "smep",
      /kernel panic: page fault at address 0x1000000[0-9a-f]{3}, error code 0x11/,
    ),
  );
  const changed = await boot(guard, "", system.tampered, /native: forged!|boot refused/);
  outcomes.set("changedProgram", changed.includes("native: forged!") ? "succeeded" : "stopped");
  return outcomes;
}

function formatTable(): string {
  const attacks = [...OWN_ATTACKS, ...ATTEMPTS.filter((name) => name !== ATTACK_LAST)];
  const width = Math.max(...attacks.map((name) => name.length));
  const columns: readonly (Guard | null)[] = [null, ...GUARDS];
  const heading = (guard: Guard | null): string => guard ?? "none";
  const rows = attacks.map((attack) => {
    const cells = columns.map((guard) =>
      (isSuccess(table.get(guard)!.get(attack) ?? "") ? "X" : ".").padEnd(heading(guard).length),
    );
    return `${attack.padEnd(width)}  ${cells.join(" ")}`.trimEnd();
  });
  return [
    "attack × guard left out (X: it succeeds; .: it is stopped)",
    `${"".padEnd(width)}  ${columns.map(heading).join(" ")}`,
    ...rows,
  ].join("\n");
}

beforeAll(async () => {
  system = await buildGuardSystem(root);
  await inParallel(
    2,
    [null, ...GUARDS].map((guard) => async () => void table.set(guard, await attackWithout(guard))),
  );
  mkdirSync(join(root, "build/test"), { recursive: true });
  writeFileSync(join(root, RESULTS), `${formatTable()}\n`);
});

test("with all guards every attack is refused or stopped", () => {
  const outcomes = [...table.get(null)!];
  expect(outcomes.map(([attack]) => attack).sort()).toEqual(
    [...OWN_ATTACKS, ...ATTEMPTS.filter((name) => name !== ATTACK_LAST)].sort(),
  );
  expect(outcomes.filter(([, outcome]) => isSuccess(outcome))).toEqual([]);
});

test.each(GUARDS)("without %s, the attacks that it stops succeed", (guard) => {
  const outcomes = table.get(guard)!;
  for (const attack of EXPECTED[guard]) expect(outcomes.get(attack), attack).toSatisfy(isSuccess);
});

test("each attack that some guard alone stops is stopped by no other guard's absence", () => {
  // A guard whose removal lets through what is said to be another's proves nothing about either.
  for (const guard of ["smep", "smap", "nx", "digest", "ports"] as const) {
    const succeeded = [...table.get(guard)!].filter(([, outcome]) => isSuccess(outcome));
    expect(
      succeeded.map(([attack]) => attack).sort(),
      `without ${guard}: ${succeeded.join("; ")}`,
    ).toEqual([...EXPECTED[guard]].sort());
  }
});
