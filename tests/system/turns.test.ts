// On the booted kernel, in instructions: the cost of a round trip beside a thread that spins at the
// same priority, and of an answer while many calls are pending. Also, whether an unverified program
// can take another program's thread block away.
import { beforeAll, describe, expect, test } from "vitest";
import { type ImageDescription, defineImage } from "../../toolchain/vocabulary/image.ts";
import { defineInterface, u64 } from "../../toolchain/vocabulary/interface.ts";
import type { ProgramDescription } from "../../toolchain/vocabulary/program.ts";
import { buildAssemblySystem, slotOf } from "../support/assembly-system.ts";
import { buildTestImage } from "../support/build.ts";
import { BootedMachine } from "../support/qemu.ts";

const OUT = "build/test/turns";
const POLICY = `${OUT}/turns.policy`;
const HOLDERS = 8;
const SECRET = 0x5ec2e7n;

const words = { a: u64, b: u64, c: u64, d: u64 };
const Probe = defineInterface({
  name: "Probe",
  id: 0x7f2,
  version: 1,
  methods: { echo: { takes: words, returns: words }, hold: {} },
});

const PROGRAMS: readonly ProgramDescription[] = [
  {
    name: "measurer",
    entry: "turns.asm",
    serves: { own: Probe },
    uses: { echo: Probe, hostile: Probe },
    kernel: { slots: "Slots", log: "Log", system: "System" },
  },
  { name: "echo", entry: "turns.asm", serves: { own: Probe } },
  { name: "spinner", entry: "turns.asm" },
  { name: "holder", entry: "turns.asm", uses: { measurer: Probe } },
  { name: "hostile", entry: "turns.asm", serves: { own: Probe }, uses: { victim: Probe } },
  { name: "victim", entry: "turns.asm", serves: { own: Probe } },
];

type Slot = ImageDescription["slots"][string];
const quota = { pages: 100, handles: 64, threads: 1, objects: 8 };
const slot = (program: string, more: Partial<Slot> = {}): Slot =>
  slotOf(program, { quota, mayBeUnverified: true, ...more });
const IMAGE = defineImage({
  name: "turns",
  version: 1,
  policy: [POLICY],
  slots: {
    measurer: slot("measurer", {
      autostart: true,
      channels: { echo: "echo.own", hostile: "hostile.own" },
    }),
    echo: slot("echo"),
    spinner: slot("spinner"),
    hostile: slot("hostile", { channels: { victim: "victim.own" } }),
    victim: slot("victim"),
    ...Object.fromEntries(
      Array.from({ length: HOLDERS }, (_, n) => [
        `holder${n}`,
        slot("holder", {
          priority: 90,
          quota: { ...quota, threads: 25 },
          channels: { measurer: "measurer.own" },
        }),
      ]),
    ),
  },
});
const RULES = `module turns
${PROGRAMS.map(({ name }) => `class ${slot(name).class}`).join("\n")}
${PROGRAMS.map(({ name }) => `allow execute ${slot(name).class} program ${name}`).join("\n")}
allow Measurer -> Echo.Probe { echo }
allow Measurer -> Hostile.Probe { echo }
allow Hostile -> Victim.Probe { echo }
allow Holder -> Measurer.Probe { hold }
allow Holder -> kernel.Domain { createThread }
allow Measurer -> kernel.Slots { start, stop }
allow Measurer -> kernel.Log { write }
allow Measurer -> kernel.System { shutdown }
`;

/**
 * Numbers by their letter in turns.asm. `verified`: what the signed image says of the programs, the
 * hostile one apart.
 */
async function measure(name: string, hostileIsVerified: boolean): Promise<Map<string, bigint>> {
  const archive = await buildAssemblySystem({
    testFile: "tests/system/turns.test.ts",
    source: "tests/system/turns.asm",
    outDir: OUT,
    name,
    programs: PROGRAMS,
    image: IMAGE,
    rules: RULES,
    isVerified: (program) => program !== "hostile" || hostileIsVerified,
  });
  const kernel = buildTestImage("main").kernelImagePath;
  await using machine = BootedMachine.start({
    boot: { kind: "kernel", path: kernel, archive },
    countInstructions: true,
    extra: ["-append", "panic=exit"],
  });
  await machine.waitFor(/turns (z|!) [0-9a-f]{16}/, 120_000);
  const numbers = new Map(
    [...machine.transcript.matchAll(/turns (.) ([0-9a-f]{16})/g)].map((match) => [
      match[1]!,
      BigInt(`0x${match[2]}`),
    ]),
  );
  expect(numbers.get("!"), machine.transcript).toBeUndefined();
  return numbers;
}

let honest: Map<string, bigint>;
beforeAll(async () => {
  honest = await measure("honest", false);
});
const number = (letter: string): number => Number(honest.get(letter));

describe("a round trip beside a thread that spins at the same priority", () => {
  test("takes about as many instructions as alone", () => {
    expect(number("a")).toBeGreaterThan(150);
    expect(number("a")).toBeLessThan(1200);
    expect(number("b")).toBeLessThanOrEqual(number("a") + 60);
  });

  test("and only a round trip during which a turn ends takes longer", () => {
    // 200 of them are a thirtieth of a turn.
    expect(number("c")).toBeLessThanOrEqual(2);
  });
});

test("an answer costs the same with 199 pending calls as with a few", () => {
  expect(number("h")).toBeGreaterThan(150);
  expect(Math.abs(number("g") - number("h"))).toBeLessThanOrEqual(30);
});

describe("a program that loads null into fs, and something into each other segment register,", () => {
  test("takes nothing from a domain with the same base, and tells it nothing", () => {
    expect(honest.get("d")).toBe(SECRET);
    expect(honest.get("e")).toBe(SECRET);
    expect(honest.get("f")).toBe(0n);
  });

  test("does both where the signed image calls it verified: that alone is what the kernel goes by", async () => {
    const lying = await measure("lying", true);
    expect(lying.get("d")).toBe(SECRET);
    expect(lying.get("e")).not.toBe(SECRET);
  });
});
